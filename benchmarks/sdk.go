package main

import (
	"context"
	"iter"
	"net/http"

	"github.com/symphony-go/symphony"
)

// sdk is this SDK.
type sdk struct{ *symphony.Client }

func connectSDK(t target) (client, error) {
	httpClient := &http.Client{Transport: t.prepare(symphony.NewTransport())}
	c, err := symphony.NewClient(t.URL, symphony.StaticSessionToken(t.Token), symphony.WithHTTPClient(httpClient))
	return sdk{c}, err
}

func (c sdk) set(ctx context.Context, userID int64) (string, error) {
	response, err := c.SetUserPresence(ctx, userID, category, true)
	if err != nil {
		return "", err
	}
	return string(response.Category), nil
}

// setAll makes a bulk run, in place of a worker pool by hand.
func (c sdk) setAll(ctx context.Context, updates, workers int) (failures []error) {
	for result := range c.SetUserPresences(ctx, users(updates), symphony.WithConcurrency(workers)) {
		if result.Err != nil {
			failures = append(failures, result.Err)
		}
	}
	return failures
}

func users(n int) iter.Seq[symphony.PresenceUpdate] {
	return func(yield func(symphony.PresenceUpdate) bool) {
		for i := range n {
			if !yield(symphony.PresenceUpdate{UserID: int64(i + 1), Category: category, Soft: true}) {
				return
			}
		}
	}
}
