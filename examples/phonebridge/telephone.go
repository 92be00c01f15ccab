package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// errBroken means that the service did not do what it should.
var errBroken = errors.New("the service did not do what it should")

// telephone sends events to the service, which may be away for a while and come back at
// another address.
type telephone struct {
	client  http.Client
	signer  signer
	address atomic.Pointer[string]
}

// send sends an event until the service has accepted it. The time stamp is that much older
// than the request.
func (t *telephone) send(ctx context.Context, e event, age time.Duration) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	for {
		status, err := t.try(ctx, body, age)
		switch {
		case status == http.StatusAccepted || status == http.StatusConflict: // a repeated request was accepted before
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && status != http.StatusServiceUnavailable:
			return fmt.Errorf("%w: it responded to an event with %d", errBroken, status)
		}
		sleep(ctx, 50*time.Millisecond) // it was killed, or its queue is full
	}
}

func (t *telephone) try(ctx context.Context, body []byte, age time.Duration) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+*t.address.Load()+"/calls", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	t.signer.sign(r.Header, body, time.Now().Add(-age))
	response, err := t.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
