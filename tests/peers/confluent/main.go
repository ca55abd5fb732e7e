// Confluent is a counter, a barista and a client on confluent-kafka-go, which is librdkafka in Go: the library of the
// first programs that spoke the contract.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"peers/peer"
)

const metadataTimeoutMs = 10_000

func main() {
	peer.Main(peer.Program{OpenReceived: openReceived, Barista: barista, OpenProcessed: openProcessed})
}

// config is what all our clients say to librdkafka, and more.
func config(line peer.Line, more kafka.ConfigMap) *kafka.ConfigMap {
	more["bootstrap.servers"] = strings.Join(line.Brokers, ",")
	more["client.id"] = line.Prefix + "confluent"
	return &more
}

// ensureTopics makes what is missing: order.received with one partition, order.processed with as many as
// order.received has, everything else as the broker has it for new topics. It never changes a topic.
func ensureTopics(ctx context.Context, line peer.Line) error {
	admin, err := kafka.NewAdminClient(config(line, kafka.ConfigMap{}))
	if err != nil {
		return err
	}
	defer admin.Close()
	partitions, err := ensureTopic(ctx, admin, line.Received(), 1)
	if err != nil {
		return err
	}
	_, err = ensureTopic(ctx, admin, line.Processed(), partitions)
	return err
}

func ensureTopic(ctx context.Context, admin *kafka.AdminClient, topic string, partitions int) (int, error) {
	for {
		metadata, err := admin.GetMetadata(&topic, false, metadataTimeoutMs)
		if err != nil {
			return 0, fmt.Errorf("asking for topic %s: %w", topic, err)
		}
		if found := len(metadata.Topics[topic].Partitions); found > 0 {
			return found, nil
		}
		results, err := admin.CreateTopics(ctx, []kafka.TopicSpecification{
			{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1}, // the broker's default
		})
		if err != nil {
			return 0, fmt.Errorf("making topic %s: %w", topic, err)
		}
		switch code := results[0].Error.Code(); code {
		case kafka.ErrNoError, kafka.ErrTopicAlreadyExists:
			// The broker that answers takes a moment to hear of it.
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-time.After(20 * time.Millisecond):
			}
		default:
			return 0, fmt.Errorf("making topic %s: %w", topic, results[0].Error)
		}
	}
}

// logErrors empties the channel on which a producer says what its owner should know.
func logErrors(producer *kafka.Producer) {
	for event := range producer.Events() {
		if err, is := event.(kafka.Error); is {
			fmt.Fprintln(os.Stderr, "producer:", err)
		}
	}
}
