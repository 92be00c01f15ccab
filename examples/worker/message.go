package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/symphony-go/symphony"
)

const (
	streamName  = "PRESENCE"      // what is to be applied
	subject     = "presence.set." // with the user's id; stored as presence.set.PARTITION.ID
	deadName    = "PRESENCE_DEAD" // what the pod will never take
	deadSubject = "presence.dead."
)

// Headers of a dead letter.
const (
	headerReason   = "Reason"
	headerSequence = "Sequence" // of the update, in its stream
)

// update is a presence update, as a line of a producer and as a message.
type update struct {
	ID       string                    `json:"id"` // the source's: what is published twice with one id is one update
	UserID   int64                     `json:"userId"`
	Category symphony.PresenceCategory `json:"category"`
	Soft     bool                      `json:"soft,omitempty"`
}

// parseUpdate reads an update, and refuses one that no pod would take.
func parseUpdate(data []byte) (update, error) {
	var u update
	if err := json.Unmarshal(data, &u); err != nil {
		return u, fmt.Errorf("it is not the JSON of an update: %w", err)
	}
	switch {
	case u.ID == "" || strings.ContainsFunc(u.ID, func(r rune) bool { return r < ' ' }):
		return u, errors.New("it has no id, or one of several lines")
	case u.UserID < 1:
		return u, fmt.Errorf("its userId is %d", u.UserID)
	case u.Category == "":
		return u, errors.New("it has no category")
	}
	return u, nil
}

// holdOf is how long a worker may have a message: a part of the time after which NATS
// delivers it again. The rest is for the acknowledgement to arrive, and for a NATS server
// that is restarted, which counts the time before the restart in whole seconds.
func holdOf(ackWait time.Duration) time.Duration { return ackWait - 1500*time.Millisecond }

// message is an update as JetStream delivers it.
type message struct {
	jetstream.Msg
	meta *jetstream.MsgMetadata
}

func newMessage(msg jetstream.Msg) (message, error) {
	meta, err := msg.Metadata()
	return message{msg, meta}, err
}

func (m message) sequence() uint64 { return m.meta.Sequence.Stream }

// update is what the message holds. Its subject decides about the order, and so about
// the user.
func (m message) update() (update, error) {
	u, err := parseUpdate(m.Data())
	if err == nil && !strings.HasSuffix(m.Subject(), "."+strconv.FormatInt(u.UserID, 10)) {
		err = fmt.Errorf("it is for the user %d, and its subject is %s", u.UserID, m.Subject())
	}
	return u, err
}

// traceID finds the message in the pod's log: its number in the stream, and which
// delivery it was.
func (m message) traceID() string {
	return fmt.Sprintf("%s-%d-%d", streamName, m.sequence(), m.meta.NumDelivered)
}

// String names the message in a line for the operator.
func (m message) String() string {
	return fmt.Sprintf("update %d (%s, delivery %d)", m.sequence(), m.Subject(), m.meta.NumDelivered)
}

const maxDelay = 5 * time.Minute

// delay is how long to leave a message after an error: as long as the pod asks, or
// longer each time, up to 32 s.
func (m message) delay(err error) time.Duration {
	var apiErr *symphony.APIError
	if errors.As(err, &apiErr) && apiErr.RetryAfter > 0 {
		return min(apiErr.RetryAfter, maxDelay)
	}
	return time.Second << min(max(m.meta.NumDelivered, 1)-1, 5)
}
