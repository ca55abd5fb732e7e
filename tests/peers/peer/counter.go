package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	writeDeadline    = 5 * time.Second // then the customer hears that nobody knows
	shutdownDeadline = 2 * writeDeadline
)

// serveCounter takes orders over HTTP until ctx is done, and answers those it has begun.
func serveCounter(ctx context.Context, p Program, line Line, listen string) error {
	orders, err := p.OpenReceived(ctx, line)
	if err != nil {
		return err
	}
	defer orders.Close()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s\n", listener.Addr())

	server := &http.Server{Handler: takeOrders(orders), ReadHeaderTimeout: writeDeadline}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.Background(), shutdownDeadline)
		defer cancel()
		return server.Shutdown(last)
	}
}

func takeOrders(orders OrderWriter) http.Handler {
	mux := http.NewServeMux() // it answers 405 to other methods itself
	mux.HandleFunc("POST /order", func(w http.ResponseWriter, r *http.Request) {
		amount, err := strconv.Atoi(r.URL.Query().Get("amount"))
		if err != nil || amount < 1 || amount > maxAmount {
			refuse(w, http.StatusBadRequest, map[string]any{
				"title": fmt.Sprintf("amount must be a whole number from 1 to %d", maxAmount),
			})
			return
		}
		order := NewOrder(amount)
		ctx, cancel := context.WithTimeout(r.Context(), writeDeadline)
		defer cancel()
		if err := orders.Write(ctx, order); err != nil {
			Warn("order %s: %v", order.ID, err)
			// What a library gave up may still be in the log: only the order's id can tell later.
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, map[string]any{
				"title":    "The log did not confirm the order in time",
				"code":     "outcome_unknown",
				"order_id": order.ID,
			})
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		w.Write(order.JSON)
	})
	return mux
}

// refuse answers with problem details (RFC 9457).
func refuse(w http.ResponseWriter, status int, problem map[string]any) {
	problem["status"] = status
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(problem)
}
