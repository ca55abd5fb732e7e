package main

import (
	"context"
	"time"

	"github.com/IBM/sarama"

	"peers/peer"
)

type orderWriter struct {
	producer sarama.SyncProducer
	topic    string
}

func openReceived(ctx context.Context, line peer.Line) (peer.OrderWriter, error) {
	if err := ensureTopics(ctx, line); err != nil {
		return nil, err
	}
	c := config(line)
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent = true // no second copy from a retry
	c.Net.MaxOpenRequests = 1    // which sarama wants for that
	c.Producer.Timeout = 5 * time.Second
	c.Producer.Return.Successes = true // a SyncProducer waits for them
	producer, err := sarama.NewSyncProducer(line.Brokers, c)
	if err != nil {
		return nil, err
	}
	return &orderWriter{producer, line.Received()}, nil
}

func (w *orderWriter) Write(ctx context.Context, order peer.Order) error {
	done := make(chan error, 1)
	go func() { // SendMessage knows no context
		_, _, err := w.producer.SendMessage(&sarama.ProducerMessage{
			Topic: w.topic,
			Key:   sarama.StringEncoder(order.ID),
			Value: sarama.ByteEncoder(order.JSON),
		})
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *orderWriter) Close() { w.producer.Close() }
