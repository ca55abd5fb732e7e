// Segmentio is a counter, a barista and a client on segmentio/kafka-go. It has no transactions and no idempotent
// producer, so its barista announces an order at least once: after a crash or a rebalance the last ones may come
// twice. It also hands over the records of aborted transactions and the markers of all, even when it reads committed
// records only; a marker is no JSON and is skipped as such.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"peers/peer"
)

func main() {
	peer.Main(peer.Program{OpenReceived: openReceived, Barista: barista, OpenProcessed: openProcessed})
}

// cluster asks the brokers single questions.
func cluster(line peer.Line) *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(line.Brokers...), Timeout: 10 * time.Second}
}

// ensureTopics makes what is missing: order.received with one partition, order.processed with as many as
// order.received has, everything else as the broker has it for new topics. It never changes a topic.
func ensureTopics(ctx context.Context, line peer.Line) error {
	partitions, err := ensureTopic(ctx, cluster(line), line.Received(), 1)
	if err != nil {
		return err
	}
	_, err = ensureTopic(ctx, cluster(line), line.Processed(), partitions)
	return err
}

func ensureTopic(ctx context.Context, client *kafka.Client, topic string, partitions int) (int, error) {
	for {
		metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
		if err != nil {
			return 0, fmt.Errorf("asking for topic %s: %w", topic, err)
		}
		if found := len(metadata.Topics[0].Partitions); found > 0 {
			return found, nil
		}
		created, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
			{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1}, // the broker's default
		}})
		if err == nil {
			err = created.Errors[topic]
		}
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return 0, fmt.Errorf("making topic %s: %w", topic, err)
		}
		// The broker that answers takes a moment to hear of it.
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
