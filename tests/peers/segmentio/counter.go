package main

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"peers/peer"
)

type orderWriter struct{ writer *kafka.Writer }

func openReceived(ctx context.Context, line peer.Line) (peer.OrderWriter, error) {
	if err := ensureTopics(ctx, line); err != nil {
		return nil, err
	}
	return &orderWriter{&kafka.Writer{
		Addr:         kafka.TCP(line.Brokers...),
		Topic:        line.Received(),
		RequiredAcks: kafka.RequireAll,
		BatchTimeout: time.Millisecond, // a customer waits; the default is a second
	}}, nil
}

func (w *orderWriter) Write(ctx context.Context, order peer.Order) error {
	return w.writer.WriteMessages(ctx, kafka.Message{
		Key:   []byte(order.ID),
		Value: order.JSON,
	})
}

func (w *orderWriter) Close() { w.writer.Close() }
