package main

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"peers/peer"
)

const tryAgainAfter = time.Second

// barista is a member of the group until ctx is done. A generation ends at each rebalance and when one of its
// functions returns; the next one begins where the group has committed.
func barista(ctx context.Context, line peer.Line, perCup time.Duration) error {
	if err := ensureTopics(ctx, line); err != nil {
		return err
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:             line.Group(),
		Brokers:        line.Brokers,
		Topics:         []string{line.Received()},
		StartOffset:    kafka.FirstOffset,
		SessionTimeout: 10 * time.Second,
		ErrorLogger:    kafka.LoggerFunc(peer.Warn),
	})
	if err != nil {
		return err
	}
	defer group.Close()
	writer := &kafka.Writer{
		Addr:         kafka.TCP(line.Brokers...),
		Topic:        line.Processed(),
		Balancer:     kafka.BalancerFunc(samePartition),
		RequiredAcks: kafka.RequireAll,
		BatchSize:    10_000,
		BatchTimeout: time.Millisecond,
	}
	defer writer.Close()

	for ctx.Err() == nil {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			peer.Warn("begins again: %v", err)
			select {
			case <-ctx.Done():
			case <-time.After(tryAgainAfter):
			}
			continue
		}
		for _, assigned := range generation.Assignments[line.Received()] {
			p := &partition{line, generation, assigned, writer, peer.Bar{PerCup: perCup}}
			generation.Start(func(ctx context.Context) { p.work(ctx) })
		}
		peer.Ready()
	}
	return nil
}

// samePartition puts a message where the barista says: into the partition in which the order was received.
func samePartition(message kafka.Message, _ ...int) int { return message.WriterData.(int) }

// partition is what one barista has of order.received for one generation.
type partition struct {
	line       peer.Line
	generation *kafka.Generation
	assigned   kafka.PartitionAssignment
	writer     *kafka.Writer
	bar        peer.Bar
}

func (p *partition) work(ctx context.Context) {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers:        p.line.Brokers,
		Topic:          p.line.Received(),
		Partition:      p.assigned.ID,
		IsolationLevel: kafka.ReadCommitted,
		QueueCapacity:  peer.MaxTaken / 2, // a batch gets what has arrived meanwhile
		MaxBytes:       8 << 20,
		MaxWait:        500 * time.Millisecond,
		ErrorLogger:    kafka.LoggerFunc(peer.Warn),
	})
	defer reader.Close()
	if err := reader.SetOffset(p.assigned.Offset); err != nil {
		peer.Warn("begins again: %v", err)
		return
	}
	messages := make(chan kafka.Message, peer.MaxTaken/2)
	go func() {
		defer close(messages)
		for {
			message, err := reader.ReadMessage(ctx)
			if err != nil {
				return
			}
			select {
			case messages <- message:
			case <-ctx.Done():
				return
			}
		}
	}()
	for p.take(ctx, messages) {
		if err := p.announce(ctx); err != nil {
			if ctx.Err() == nil {
				peer.Warn("begins again: %v", err)
			}
			return
		}
	}
}

// take waits for a record or until a drink is due, and then takes all that has arrived. It is false once the
// partition is no longer ours.
func (p *partition) take(ctx context.Context, messages <-chan kafka.Message) bool {
	if p.bar.Full() {
		messages = nil // a nil channel never has anything
	}
	due := time.NewTimer(p.bar.Wait(time.Now(), time.Hour))
	defer due.Stop()
	select {
	case message, open := <-messages:
		if !open {
			return false
		}
		p.begin(message)
	case <-due.C:
	case <-ctx.Done():
		return false
	}
	for !p.bar.Full() {
		select {
		case message, open := <-messages:
			if !open {
				return false
			}
			p.begin(message)
		default:
			return true
		}
	}
	return true
}

func (p *partition) begin(message kafka.Message) {
	p.bar.Take(message.Topic, int32(message.Partition), message.Offset, message.Value, time.Now())
}

// announce writes what is ready, and after that commits how far we have come: at least once.
func (p *partition) announce(ctx context.Context) error {
	ready := p.bar.Ready(time.Now())
	if len(ready) == 0 {
		return nil
	}
	var messages []kafka.Message
	for _, drink := range ready {
		if drink.Value != nil {
			messages = append(messages, kafka.Message{Key: drink.Key, Value: drink.Value, WriterData: p.assigned.ID})
		}
	}
	if err := p.writer.WriteMessages(ctx, messages...); err != nil {
		return err
	}
	next := map[int]int64{p.assigned.ID: ready[len(ready)-1].Offset + 1}
	if err := p.generation.CommitOffsets(map[string]map[int]int64{p.line.Received(): next}); err != nil {
		return err
	}
	p.bar.Done(len(ready))
	return nil
}
