package main

import (
	"context"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/uuid"

	"peers/peer"
)

type bellReader struct{ consumer *kafka.Consumer }

func openProcessed(ctx context.Context, line peer.Line) (peer.BellReader, error) {
	if err := ensureTopics(ctx, line); err != nil {
		return nil, err
	}
	consumer, err := kafka.NewConsumer(config(line, kafka.ConfigMap{
		"group.id":           line.Prefix + "client-" + uuid.NewString(), // librdkafka wants one; nobody joins it
		"enable.auto.commit": false,
		"isolation.level":    "read_committed",
	}))
	if err != nil {
		return nil, err
	}
	positions, err := ends(consumer, line.Processed())
	if err == nil {
		err = consumer.Assign(positions)
	}
	if err != nil {
		consumer.Close()
		return nil, err
	}
	return &bellReader{consumer}, nil
}

// ends asks for the end of each partition. OffsetEnd would be looked up later, perhaps after the first bell.
func ends(consumer *kafka.Consumer, topic string) ([]kafka.TopicPartition, error) {
	metadata, err := consumer.GetMetadata(&topic, false, metadataTimeoutMs)
	if err != nil {
		return nil, err
	}
	var positions []kafka.TopicPartition
	for _, partition := range metadata.Topics[topic].Partitions {
		_, end, err := consumer.QueryWatermarkOffsets(topic, partition.ID, metadataTimeoutMs)
		if err != nil {
			return nil, err
		}
		positions = append(positions, kafka.TopicPartition{
			Topic: &topic, Partition: partition.ID, Offset: kafka.Offset(end),
		})
	}
	return positions, nil
}

func (r *bellReader) Next(ctx context.Context) ([]byte, error) {
	for ctx.Err() == nil {
		message, err := r.consumer.ReadMessage(100 * time.Millisecond)
		if err == nil {
			return message.Value, nil
		}
		if e := err.(kafka.Error); e.IsFatal() {
			return nil, err
		} else if !e.IsTimeout() {
			peer.Warn("reading %v", err) // librdkafka goes on by itself
		}
	}
	return nil, ctx.Err()
}

func (r *bellReader) Close() { r.consumer.Close() }
