// Sarama is a counter, a barista and a client on IBM's sarama, which is written in Go down to the socket.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/IBM/sarama"

	"peers/peer"
)

func main() {
	// It keeps counts that nobody reads, of every request.
	sarama.Logger = log.New(io.Discard, "", 0)
	peer.Main(peer.Program{OpenReceived: openReceived, Barista: barista, OpenProcessed: openProcessed})
}

// config is what all our clients begin with.
func config(line peer.Line) *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = "sarama"
	c.Version = sarama.V4_0_0_0
	c.Consumer.IsolationLevel = sarama.ReadCommitted
	c.Consumer.Offsets.AutoCommit.Enable = false
	return c
}

// ensureTopics makes what is missing: order.received with one partition, order.processed with as many as
// order.received has, everything else as the broker has it for new topics. It never changes a topic.
func ensureTopics(ctx context.Context, line peer.Line) error {
	admin, err := sarama.NewClusterAdmin(line.Brokers, config(line))
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

func ensureTopic(ctx context.Context, admin sarama.ClusterAdmin, topic string, partitions int32) (int32, error) {
	for {
		metadata, err := admin.DescribeTopics([]string{topic})
		if err != nil {
			return 0, fmt.Errorf("asking for topic %s: %w", topic, err)
		}
		if found := len(metadata[0].Partitions); found > 0 {
			return int32(found), nil
		}
		asBroker := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: -1} // the broker's default
		err = admin.CreateTopic(topic, asBroker, false)
		if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
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
