package peer

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// The contract's limits.
const (
	maxAmount     = 1000
	maxIDBytes    = 128
	maxValueBytes = 64 << 10
)

// Order is what both topics carry.
type Order struct {
	ID     string
	Amount int // cups, 0 to 1000

	// JSON is the order as it was read, with all the fields that nobody here knows.
	JSON []byte
}

// NewOrder makes an order nobody has placed before.
func NewOrder(amount int) Order {
	id := uuid.NewString()
	return Order{id, amount, fmt.Appendf(nil, `{"order_id":"%s","amount":%d,"status":0}`, id, amount)}
}

// ParseOrder reads the value of a record of either topic. It keeps the value.
func ParseOrder(value []byte) (Order, error) {
	switch {
	case len(value) > maxValueBytes:
		return Order{}, fmt.Errorf("%d bytes are too many", len(value))
	case !utf8.Valid(value) || !gjson.ValidBytes(value):
		return Order{}, errors.New("not JSON")
	}
	id := gjson.GetBytes(value, "order_id")
	if id.Type != gjson.String || id.Str == "" || len(id.Str) > maxIDBytes {
		return Order{}, fmt.Errorf("order_id is not a text of 1 to %d bytes", maxIDBytes)
	}
	amount := gjson.GetBytes(value, "amount")
	if amount.Type != gjson.Number || amount.Num != float64(int(amount.Num)) || amount.Num < 0 || amount.Num > maxAmount {
		return Order{}, fmt.Errorf("amount is not a whole number from 0 to %d", maxAmount)
	}
	return Order{id.Str, int(amount.Num), value}, nil
}

// Processed is the order for order.processed: the same fields in the same places, but for the status.
func (o Order) Processed() ([]byte, error) {
	return sjson.SetRawBytes(o.JSON, "status", []byte("1"))
}
