package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/symphony-go/symphony"
)

// credentials know whether the pod refuses the credentials of the service.
type credentials struct {
	refused atomic.Bool
	log     *slog.Logger
}

// failed notes the error of a call.
func (c *credentials) failed(err error) {
	if symphony.IsCredentialError(err) && !c.refused.Swap(true) {
		c.log.Error("the pod refuses the credentials", "error", err)
	}
}

// watch makes a call now and then, which needs no entitlement.
func (c *credentials) watch(ctx context.Context, client *symphony.Client) {
	for ctx.Err() == nil {
		_, err := client.GetPresence(ctx)
		c.failed(err)
		if !symphony.IsCredentialError(err) && ctx.Err() == nil && c.refused.Swap(false) {
			c.log.Info("the pod refuses the credentials no longer")
		}
		pause := 30 * time.Second
		if c.refused.Load() {
			pause = 5 * time.Second
		}
		sleep(ctx, pause)
	}
}

// sleep waits, at most until the context ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
