package main

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"peers/peer"
)

type bellReader struct {
	values chan []byte
	stop   context.CancelFunc
}

func openProcessed(ctx context.Context, line peer.Line) (peer.BellReader, error) {
	if err := ensureTopics(ctx, line); err != nil {
		return nil, err
	}
	offsets, err := ends(ctx, line)
	if err != nil {
		return nil, err
	}
	reading, stop := context.WithCancel(ctx)
	r := &bellReader{make(chan []byte), stop}
	for partition, end := range offsets {
		reader := kafka.NewReader(kafka.ReaderConfig{
			Brokers:        line.Brokers,
			Topic:          line.Processed(),
			Partition:      partition,
			IsolationLevel: kafka.ReadCommitted,
			MaxBytes:       8 << 20,
			MaxWait:        500 * time.Millisecond,
		})
		if err := reader.SetOffset(end); err != nil {
			stop()
			return nil, err
		}
		go r.follow(reading, reader)
	}
	return r, nil
}

// ends asks for the end of each partition of order.processed.
func ends(ctx context.Context, line peer.Line) (map[int]int64, error) {
	metadata, err := cluster(line).Metadata(ctx, &kafka.MetadataRequest{Topics: []string{line.Processed()}})
	if err != nil {
		return nil, err
	}
	var questions []kafka.OffsetRequest
	for _, partition := range metadata.Topics[0].Partitions {
		questions = append(questions, kafka.LastOffsetOf(partition.ID))
	}
	answer, err := cluster(line).ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{line.Processed(): questions},
	})
	if err != nil {
		return nil, err
	}
	ends := make(map[int]int64)
	for _, partition := range answer.Topics[line.Processed()] {
		if partition.Error != nil {
			return nil, partition.Error
		}
		ends[partition.Partition] = partition.LastOffset
	}
	return ends, nil
}

func (r *bellReader) follow(ctx context.Context, reader *kafka.Reader) {
	defer reader.Close()
	for {
		message, err := reader.ReadMessage(ctx)
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return
		} else if err != nil {
			peer.Warn("reading: %v", err)
			return
		}
		select {
		case r.values <- message.Value:
		case <-ctx.Done():
		}
	}
}

func (r *bellReader) Next(ctx context.Context) ([]byte, error) {
	select {
	case value := <-r.values:
		return value, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *bellReader) Close() { r.stop() }
