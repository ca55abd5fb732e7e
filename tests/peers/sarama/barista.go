package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"

	"peers/peer"
)

const tryAgainAfter = time.Second

// barista is a member of the group until ctx is done. Consume returns at each rebalance and after each failed
// transaction; then the next generation begins where the group has committed.
func barista(ctx context.Context, line peer.Line, perCup time.Duration) error {
	if err := ensureTopics(ctx, line); err != nil {
		return err
	}
	c := config(line)
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Group.Session.Timeout = 10 * time.Second
	c.Consumer.Fetch.Default = 8 << 20
	c.ChannelBufferSize = peer.MaxTaken / 2    // a transaction gets what has arrived meanwhile
	c.Consumer.MaxProcessingTime = time.Minute // a full bar is no reason to give up the partition
	c.Consumer.Return.Errors = true
	group, err := sarama.NewConsumerGroup(line.Brokers, line.Group(), c)
	if err != nil {
		return err
	}
	defer group.Close()
	go func() {
		for err := range group.Errors() {
			if ctx.Err() == nil {
				peer.Warn("begins again: %v", err)
			}
		}
	}()
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{line.Received()}, &shift{line, perCup}); err != nil && ctx.Err() == nil {
			peer.Warn("begins again: %v", err)
			select {
			case <-ctx.Done():
			case <-time.After(tryAgainAfter):
			}
		}
	}
	return nil
}

// shift is one generation of the group. Sarama calls ConsumeClaim for each partition of it at the same time.
type shift struct {
	line   peer.Line
	perCup time.Duration
}

func (s *shift) Setup(sarama.ConsumerGroupSession) error {
	peer.Ready()
	return nil
}

func (s *shift) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim makes the orders of one partition. A producer has one transaction at a time, so each partition has a
// producer of its own.
func (s *shift) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	c := config(s.line)
	c.Producer.Transaction.ID = s.line.Prefix + "sarama-" + uuid.NewString()
	c.Producer.Transaction.Timeout = 10 * time.Second // so long readers wait for a barista that was killed
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1
	c.Producer.Partitioner = sarama.NewManualPartitioner // an order stays in its partition
	c.ChannelBufferSize = 4096
	producer, err := sarama.NewAsyncProducer(s.line.Brokers, c)
	if err != nil {
		return fmt.Errorf("preparing transactions: %w", err)
	}
	defer producer.Close()
	go func() {
		for err := range producer.Errors() {
			peer.Warn("writing: %v", err)
		}
	}()

	b := &partition{s.line, session, claim, producer, peer.Bar{PerCup: s.perCup}}
	for b.take() {
		if err := b.announce(); err != nil {
			return err
		}
	}
	return nil
}

type partition struct {
	line     peer.Line
	session  sarama.ConsumerGroupSession
	claim    sarama.ConsumerGroupClaim
	producer sarama.AsyncProducer
	bar      peer.Bar
}

// take waits for a record or until a drink is due, and then takes all that has arrived. It is false once the
// partition is no longer ours.
func (p *partition) take() bool {
	messages := p.claim.Messages()
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
	case <-p.session.Context().Done():
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

func (p *partition) begin(message *sarama.ConsumerMessage) {
	p.bar.Take(message.Topic, message.Partition, message.Offset, message.Value, time.Now())
}

// announce writes what is ready and commits how far we have come in one transaction.
func (p *partition) announce() error {
	ready := p.bar.Ready(time.Now())
	if len(ready) == 0 {
		return nil
	}
	err := p.transact(ready)
	if err == nil {
		p.bar.Done(len(ready))
		return nil
	}
	if p.producer.TxnStatus()&sarama.ProducerTxnFlagFatalError == 0 {
		err = errors.Join(err, p.producer.AbortTxn())
	}
	return err
}

func (p *partition) transact(ready []peer.Drink) error {
	if err := p.producer.BeginTxn(); err != nil {
		return err
	}
	for _, drink := range ready {
		if drink.Value == nil {
			continue
		}
		p.producer.Input() <- &sarama.ProducerMessage{
			Topic:     p.line.Processed(),
			Partition: drink.Partition,
			Key:       sarama.ByteEncoder(drink.Key),
			Value:     sarama.ByteEncoder(drink.Value),
		}
	}
	// With the generation, so that the broker refuses a barista that no longer has the partition.
	member := sarama.NewConsumerGroupMetadataFromSession(p.session, p.line.Group(), nil)
	next := map[string][]*sarama.PartitionOffsetMetadata{p.line.Received(): {{
		Partition: p.claim.Partition(),
		Offset:    ready[len(ready)-1].Offset + 1,
	}}}
	if err := p.producer.AddOffsetsToTxnWithGroupMetadata(next, member); err != nil {
		return err
	}
	return p.producer.CommitTxn()
}
