package main

import (
	"context"

	"github.com/IBM/sarama"

	"peers/peer"
)

type bellReader struct {
	client   sarama.Client
	consumer sarama.Consumer
	values   chan []byte
	closed   chan struct{}
}

func openProcessed(ctx context.Context, line peer.Line) (peer.BellReader, error) {
	if err := ensureTopics(ctx, line); err != nil {
		return nil, err
	}
	client, err := sarama.NewClient(line.Brokers, config(line))
	if err != nil {
		return nil, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		client.Close()
		return nil, err
	}
	r := &bellReader{client, consumer, make(chan []byte), make(chan struct{})}
	if err := r.follow(line.Processed()); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// follow begins to read each partition at its end. It asks for that end itself: OffsetNewest in ConsumePartition
// would not say which it was.
func (r *bellReader) follow(topic string) error {
	partitions, err := r.client.Partitions(topic)
	if err != nil {
		return err
	}
	for _, partition := range partitions {
		end, err := r.client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			return err
		}
		reader, err := r.consumer.ConsumePartition(topic, partition, end)
		if err != nil {
			return err
		}
		go func() {
			for message := range reader.Messages() {
				select {
				case r.values <- message.Value:
				case <-r.closed:
				}
			}
		}()
	}
	return nil
}

func (r *bellReader) Next(ctx context.Context) ([]byte, error) {
	select {
	case value := <-r.values:
		return value, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *bellReader) Close() {
	close(r.closed)
	r.consumer.Close()
	r.client.Close()
}
