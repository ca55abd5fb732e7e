package main

import (
	"context"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"peers/peer"
)

const closeTimeoutMs = 5_000

type orderWriter struct {
	producer *kafka.Producer
	topic    string
}

func openReceived(ctx context.Context, line peer.Line) (peer.OrderWriter, error) {
	if err := ensureTopics(ctx, line); err != nil {
		return nil, err
	}
	producer, err := kafka.NewProducer(config(line, kafka.ConfigMap{
		"enable.idempotence":  true, // acks=all, and no second copy from a retry
		"delivery.timeout.ms": 5_000,
		"linger.ms":           0, // a customer waits
	}))
	if err != nil {
		return nil, err
	}
	go logErrors(producer)
	return &orderWriter{producer, line.Received()}, nil
}

func (w *orderWriter) Write(ctx context.Context, order peer.Order) error {
	delivery := make(chan kafka.Event, 1) // room for one, so that librdkafka's thread never waits for us
	err := w.producer.Produce(&kafka.Message{
		TopicPartition: kafka.TopicPartition{Topic: &w.topic, Partition: kafka.PartitionAny},
		Key:            []byte(order.ID),
		Value:          order.JSON,
	}, delivery)
	if err != nil {
		return err
	}
	select {
	case event := <-delivery:
		return event.(*kafka.Message).TopicPartition.Error
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *orderWriter) Close() {
	w.producer.Flush(closeTimeoutMs)
	w.producer.Close()
}
