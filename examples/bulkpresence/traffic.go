package main

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"sync/atomic"

	"github.com/symphony-go/symphony"
)

// traffic counts the attempts of a client. It is a log handler.
type traffic struct {
	retries, limited atomic.Int64
	latest           atomic.Uint64 // the rate of the last attempt, calls a second; 0 if the pod has shown no limit
}

func (t *traffic) option() symphony.Option { return symphony.WithLogger(slog.New(t)) }

// rate is the rate that the client keeps since the pod responded with 429; 0 before.
func (t *traffic) rate() uint64 { return t.latest.Load() }

// Enabled takes every record.
func (t *traffic) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs returns the same handler: the client does not use it.
func (t *traffic) WithAttrs([]slog.Attr) slog.Handler { return t }

// WithGroup returns the same handler: the client does not use it.
func (t *traffic) WithGroup(string) slog.Handler { return t }

// Handle counts retries and responses with status 429.
func (t *traffic) Handle(_ context.Context, record slog.Record) error {
	if record.Level == slog.LevelWarn {
		t.retries.Add(1)
		return nil // the attempt has had its own line
	}
	rate := 0.
	for attr := range record.Attrs {
		switch {
		case attr.Key == "status" && attr.Value.Int64() == http.StatusTooManyRequests:
			t.limited.Add(1)
		case attr.Key == "pace":
			rate = attr.Value.Float64()
		}
	}
	t.latest.Store(uint64(math.Round(rate)))
	return nil
}
