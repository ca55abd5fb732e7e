package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/uuid"

	"peers/peer"
)

const (
	pollAtMost      = 100 * time.Millisecond // so that a signal is heard soon
	tryAgainAfter   = time.Second
	abortTimeoutMax = 10 * time.Second
)

// barista works shift after shift. When something goes wrong inside a transaction, the shift ends: the transaction
// is aborted, the group left, and the next shift begins where the group has committed.
func barista(ctx context.Context, line peer.Line, perCup time.Duration) error {
	if err := ensureTopics(ctx, line); err != nil {
		return err
	}
	for {
		err := work(ctx, line, perCup)
		if ctx.Err() != nil {
			return nil
		}
		peer.Warn("begins again: %v", err)
		select {
		case <-ctx.Done():
		case <-time.After(tryAgainAfter):
		}
	}
}

type shift struct {
	consumer  *kafka.Consumer
	producer  *kafka.Producer
	received  string
	processed string
	bar       peer.Bar
	paused    bool
}

func work(ctx context.Context, line peer.Line, perCup time.Duration) error {
	producer, err := kafka.NewProducer(config(line, kafka.ConfigMap{
		"transactional.id":       line.Prefix + "confluent-" + uuid.NewString(),
		"transaction.timeout.ms": 10_000, // so long readers wait for a barista that was killed
		"go.delivery.reports":    false,  // the commit fails if one record does
		"batch.size":             1 << 20,
	}))
	if err != nil {
		return err
	}
	defer producer.Close()
	go logErrors(producer)
	if err := producer.InitTransactions(ctx); err != nil {
		return fmt.Errorf("preparing transactions: %w", err)
	}

	consumer, err := kafka.NewConsumer(config(line, kafka.ConfigMap{
		"group.id":                  line.Group(),
		"auto.offset.reset":         "earliest",
		"isolation.level":           "read_committed",
		"enable.auto.commit":        false, // the transactions do it
		"session.timeout.ms":        10_000,
		"max.partition.fetch.bytes": 8 << 20,
	}))
	if err != nil {
		return err
	}
	defer consumer.Close()

	s := &shift{
		consumer: consumer, producer: producer,
		received: line.Received(), processed: line.Processed(),
		bar: peer.Bar{PerCup: perCup},
	}
	if err := consumer.SubscribeTopics([]string{s.received}, s.rebalance); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := s.take(); err != nil {
			return err
		}
		if err := s.announce(); err != nil {
			return err
		}
	}
	return nil
}

// rebalance is called from within Poll. librdkafka itself assigns and unassigns afterwards.
func (s *shift) rebalance(_ *kafka.Consumer, event kafka.Event) error {
	switch event := event.(type) {
	case kafka.AssignedPartitions:
		s.paused = false // newly assigned partitions are not
		peer.Ready()
	case kafka.RevokedPartitions:
		for _, partition := range event.Partitions {
			s.bar.Drop(partition.Partition)
		}
	}
	return nil
}

// take waits for a record or until a drink is due, and then takes all that has arrived.
func (s *shift) take() error {
	if err := s.pause(s.bar.Full()); err != nil {
		return err
	}
	wait := s.bar.Wait(time.Now(), pollAtMost)
	for {
		switch event := s.consumer.Poll(int(wait.Milliseconds())).(type) {
		case *kafka.Message:
			at := event.TopicPartition
			s.bar.Take(*at.Topic, at.Partition, int64(at.Offset), event.Value, time.Now())
		case kafka.Error:
			if event.IsFatal() {
				return event
			}
			peer.Warn("reading %v", event) // librdkafka goes on by itself
		case nil:
			return nil
		}
		if s.bar.Full() {
			return nil
		}
		wait = 0
	}
}

// pause makes Poll bring no more records, or again. Poll must be called all the same to stay in the group.
func (s *shift) pause(pause bool) error {
	if s.paused == pause {
		return nil
	}
	s.paused = pause
	assigned, err := s.consumer.Assignment()
	if err != nil {
		return err
	}
	if pause {
		return s.consumer.Pause(assigned)
	}
	return s.consumer.Resume(assigned)
}

// announce writes what is ready and commits how far we have come in one transaction.
func (s *shift) announce() error {
	ready := s.bar.Ready(time.Now())
	if len(ready) == 0 {
		return nil
	}
	err := s.transact(ready)
	if err == nil {
		s.bar.Done(len(ready))
		return nil
	}
	// Not with the context of the barista: a transaction is left to nobody on the way out.
	ctx, cancel := context.WithTimeout(context.Background(), abortTimeoutMax)
	defer cancel()
	return errors.Join(err, s.producer.AbortTransaction(ctx))
}

func (s *shift) transact(ready []peer.Drink) error {
	if err := s.producer.BeginTransaction(); err != nil {
		return err
	}
	next := make(map[int32]int64)
	for _, drink := range ready {
		next[drink.Partition] = drink.Offset + 1
		if drink.Value == nil {
			continue
		}
		err := s.producer.Produce(&kafka.Message{
			TopicPartition: kafka.TopicPartition{Topic: &s.processed, Partition: drink.Partition},
			Key:            drink.Key,
			Value:          drink.Value,
		}, nil)
		if err != nil {
			return err
		}
	}
	var offsets []kafka.TopicPartition
	for partition, offset := range next {
		offsets = append(offsets, kafka.TopicPartition{
			Topic: &s.received, Partition: partition, Offset: kafka.Offset(offset),
		})
	}
	member, err := s.consumer.GetConsumerGroupMetadata()
	if err != nil {
		return err
	}
	// librdkafka tries again by itself what can be tried again, within the transaction's time.
	if err := s.producer.SendOffsetsToTransaction(context.Background(), offsets, member); err != nil {
		return err
	}
	return s.producer.CommitTransaction(context.Background())
}
