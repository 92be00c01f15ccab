package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

// intake accepts events: it stores them and puts their people into the queue.
type intake struct {
	store *store
	queue *queue
	mu    sync.Mutex // one event at a time, so that the queue's limit holds
}

// errFull means that the queue has no room.
var errFull = errors.New("too many people are waiting for the pod; try again later")

// accept stores an event. When it returns nil the event is on disk; a repeated event that
// says nothing new is accepted too. It does not stop half-way if the context ends.
func (i *intake) accept(ctx context.Context, e event, signature []byte, now time.Time) error {
	ctx = context.WithoutCancel(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	p, err := i.store.find(ctx, e)
	if err != nil {
		return err
	}
	if !i.queue.hasRoom(p) {
		return errFull
	}
	isNew, err := i.store.accept(ctx, p, e, signature, now)
	if err != nil {
		return err
	}
	if isNew {
		i.queue.add(p)
	}
	return nil
}
