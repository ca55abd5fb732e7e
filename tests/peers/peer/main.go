// Package peer is what the three Go programs have in common: all that the line's contract says which has nothing to
// do with Kafka. Each program adds how its library writes, reads and commits:
//
//	order.go     an order and its JSON
//	counter.go   POST /order over HTTP
//	bar.go       the orders a barista has taken, and when each of them is due
//	client.go    a customer: places orders, waits for the bells
//	main.go      the command line, SIGTERM, exit codes
package peer

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Line says where the order line is: the Kafka brokers, and the prefix of all names on them.
type Line struct {
	Brokers []string
	Prefix  string
}

func (l Line) Received() string  { return l.Prefix + "order.received" }
func (l Line) Processed() string { return l.Prefix + "order.processed" }
func (l Line) Group() string     { return l.Prefix + "barista_group" }

// A Program is what one Kafka library has to bring.
type Program struct {
	// OpenReceived makes order.received if it is missing and opens it for writing.
	OpenReceived func(context.Context, Line) (OrderWriter, error)
	// Barista makes orders until the context is done. Once it has joined the group it calls Ready.
	Barista func(ctx context.Context, line Line, perCup time.Duration) error
	// OpenProcessed makes order.processed if it is missing and opens it for reading, from where it ends now.
	OpenProcessed func(context.Context, Line) (BellReader, error)
}

// OrderWriter appends orders to order.received.
type OrderWriter interface {
	// Write returns once all in-sync replicas have the order. After an error it may have been written or not.
	Write(context.Context, Order) error
	Close()
}

// BellReader reads order.processed, committed records only, of all partitions.
type BellReader interface {
	// Next waits for the next record and returns its value.
	Next(context.Context) ([]byte, error)
	Close()
}

// Ready tells whoever started this barista that it is in the group.
var Ready = sync.OnceFunc(func() { fmt.Println("barista is ready") })

// Warn says on stderr what went wrong and is being dealt with.
func Warn(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

const usage = `usage: %s counter|barista|client [--brokers HOST:PORT,...] [--prefix P] ...
  counter  --listen HOST:PORT   takes orders over HTTP
  barista  --seconds-per-cup S  makes them
  client   --counter URL -c N   places N orders of one cup and waits for them
`

// Main runs one subcommand until it is done or until SIGINT or SIGTERM, and exits.
func Main(p Program) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, p)
	interrupted := ctx.Err() != nil
	stop()
	if err != nil && !(interrupted && errors.Is(err, context.Canceled)) {
		Warn("%s: %v", os.Args[0], err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p Program) error {
	if len(os.Args) < 2 {
		Warn(usage, os.Args[0])
		os.Exit(2)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	brokers := flags.String("brokers", "localhost:9092", "the Kafka brokers to ask first, separated by commas")
	prefix := flags.String("prefix", "", "what the names of topics, group and transactions begin with")
	line := func() Line {
		flags.Parse(os.Args[2:])
		if flags.NArg() > 0 {
			Warn("there is no argument %q", flags.Arg(0))
			os.Exit(2)
		}
		return Line{Brokers: strings.Split(*brokers, ","), Prefix: *prefix}
	}
	switch os.Args[1] {
	case "counter":
		listen := flags.String("listen", "127.0.0.1:8080", "where to take orders; port 0 is any free one")
		return serveCounter(ctx, p, line(), *listen)
	case "barista":
		seconds := flags.Float64("seconds-per-cup", 1, "how long a cup takes")
		line := line()
		if !(*seconds >= 0 && *seconds <= 3600) {
			return fmt.Errorf("--seconds-per-cup is %v; 0 to 3600 is allowed", *seconds)
		}
		return p.Barista(ctx, line, time.Duration(*seconds*float64(time.Second)))
	case "client":
		counter := flags.String("counter", "http://127.0.0.1:8080", "the counter")
		count := flags.Int("c", 10, "how many orders to place")
		timeout := flags.Duration("timeout", time.Minute, "how long to wait for all of them")
		line := line()
		ctx, cancel := context.WithTimeout(ctx, *timeout)
		defer cancel()
		return visit(ctx, p, line, *counter, *count)
	default:
		Warn(usage, os.Args[0])
		os.Exit(2)
		return nil
	}
}
