package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// visit places orders of one cup at the counter, one after the other, and waits until all of them are ready.
func visit(ctx context.Context, p Program, line Line, counter string, count int) error {
	// Where the bells end now must be known before the first order: a fast barista announces it at once.
	bells, err := p.OpenProcessed(ctx, line)
	if err != nil {
		return err
	}
	defer bells.Close()

	refused := 0
	waiting := make(map[string]bool)
	for range count {
		id, err := place(ctx, counter)
		if err != nil {
			Warn("Order refused: %v", err)
			refused++
			continue
		}
		fmt.Printf("Order accepted: %s\n", id)
		waiting[id] = true
	}
	for len(waiting) > 0 {
		value, err := bells.Next(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%d of %d orders were not ready in time", len(waiting), count)
		} else if err != nil {
			return err
		}
		order, err := ParseOrder(value)
		if err == nil && waiting[order.ID] {
			fmt.Printf("Order ID %s is ready for pickup. Enjoy your coffee!\n", order.ID)
			delete(waiting, order.ID)
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d orders were refused", refused, count)
	}
	return nil
}

// place places one order of one cup and returns its id.
func place(ctx context.Context, counter string) (string, error) {
	url := strings.TrimRight(counter, "/") + "/order?amount=1"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxValueBytes))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("%s %s", response.Status, body)
	}
	order, err := ParseOrder(body)
	return order.ID, err
}
