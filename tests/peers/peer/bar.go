package peer

import "time"

// MaxTaken is how many orders a barista holds at a time, and so the most that one transaction can have.
const MaxTaken = 50_000

// Drink is one record of order.received that a barista has taken.
type Drink struct {
	Partition int32
	Offset    int64
	Due       time.Time
	Key       []byte
	Value     []byte // for order.processed; nil if the record could not be read and is only passed over
}

// Bar holds what a barista has taken and not yet committed, in the order of taking. All of it is being made at the
// same time. It is handed out first in, first out, since a consumer group can only commit "everything up to here".
type Bar struct {
	PerCup time.Duration
	drinks []Drink
}

// Take begins with one record. The drink is due `amount × PerCup` from now.
func (b *Bar) Take(topic string, partition int32, offset int64, value []byte, now time.Time) {
	drink := Drink{Partition: partition, Offset: offset, Due: now}
	order, err := ParseOrder(value)
	if err == nil {
		drink.Value, err = order.Processed()
	}
	if err == nil {
		drink.Key = []byte(order.ID)
		drink.Due = now.Add(time.Duration(order.Amount) * b.PerCup)
	} else {
		Warn("skipped %s/%d at offset %d: %v", topic, partition, offset, err)
	}
	b.drinks = append(b.drinks, drink)
}

// Full says that no more should be taken now.
func (b *Bar) Full() bool { return len(b.drinks) >= MaxTaken }

// Ready is what can be announced and committed now: everything up to the first drink that is not due. It stays at
// the bar until Done.
func (b *Bar) Ready(now time.Time) []Drink {
	for i, drink := range b.drinks {
		if drink.Due.After(now) {
			return b.drinks[:i]
		}
	}
	return b.drinks
}

// Done forgets the first n drinks: they are committed.
func (b *Bar) Done(n int) {
	b.drinks = b.drinks[n:]
	if len(b.drinks) == 0 {
		b.drinks = nil
	}
}

// Drop forgets what was taken from a partition that now is another barista's, who begins anew with it.
func (b *Bar) Drop(partition int32) {
	kept := b.drinks[:0]
	for _, drink := range b.drinks {
		if drink.Partition != partition {
			kept = append(kept, drink)
		}
	}
	b.drinks = kept
}

// Wait is how long until the first drink is due, at most atMost.
func (b *Bar) Wait(now time.Time, atMost time.Duration) time.Duration {
	if len(b.drinks) == 0 {
		return atMost
	}
	return min(max(b.drinks[0].Due.Sub(now), 0), atMost)
}
