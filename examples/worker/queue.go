package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/symphony-go/symphony"
)

// queue is the stream of updates, in which each user belongs to one partition, with a
// durable consumer for each partition.
//
// A consumer has one message in flight at a time, which keeps the order within its
// partition: the next message is delivered after this one is acknowledged, not while this
// one waits to be delivered again. All workers pull from all consumers, so they share the
// load, and the partitions of a worker that dies continue at once, except for the messages
// that it held.
type queue struct {
	conn      *nats.Conn
	js        jetstream.JetStream
	stream    jetstream.Stream
	consumers []jetstream.Consumer
	ackWait   time.Duration
	out       *screen
	denied    context.Context // ends, with the cause, when NATS denies a permission
}

// openQueue connects to NATS, and sets up the streams and the consumers.
func openQueue(ctx context.Context, s settings, out *screen) (*queue, error) {
	denied, deny := context.WithCancelCause(context.Background())
	conn, err := connect(s, out, deny)
	if err != nil {
		return nil, err
	}
	q := &queue{conn: conn, ackWait: s.ackWait, out: out, denied: denied}
	if q.js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(responseWait)); err == nil {
		ctx, cancel := q.whileAllowed(ctx)
		defer cancel()
		q.stream, q.consumers, err = setUp(ctx, q.js, s)
	}
	if err != nil {
		conn.Close()
		return nil, cmp.Or(q.refusal(), err)
	}
	return q, nil
}

// refusal is the permission that NATS denied, nil for none.
func (q *queue) refusal() error { return context.Cause(q.denied) }

// whileAllowed returns a context that ends when NATS denies a permission: the server says so
// beside the request, which is left without a response.
func (q *queue) whileAllowed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(q.denied, func() { cancel(q.refusal()) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// connect connects to NATS. What is published while the connection is away fails and is not
// kept for later, so that no acknowledgement arrives after its time is over.
func connect(s settings, out *screen, deny func(error)) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(s.name), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				out.say("NATS is away: %v", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { out.say("NATS is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				deny(fmt.Errorf("NATS: %w", err))
				return
			}
			out.say("NATS: %v", err)
		}),
	}
	if s.natsCreds != "" {
		options = append(options, nats.UserCredentials(s.natsCreds))
	}
	conn, err := nats.Connect(s.natsURL, options...)
	if errors.As(err, new(*url.Error)) { // whose text may hold a password
		return nil, &symphony.InvalidArgumentError{Argument: "NATS_URL", Reason: "it is not a URL such as nats://nats.acme.net:4222"}
	}
	if err != nil {
		return nil, fmt.Errorf("NATS: %w", err)
	}
	return conn, nil
}

// errDeleted is the error for a stream or a consumer that was deleted.
var errDeleted = errors.New("it was deleted while it was used; start the program again to create it")

// deleted returns an error if the stream is deleted, or the consumer of it unless that is "".
// It asks twice: a NATS cluster that has just elected a leader may not know of it yet.
func (q *queue) deleted(ctx context.Context, stream, consumer string) (err error) {
	for range 2 {
		if consumer == "" {
			_, err = q.js.Stream(ctx, stream)
		} else {
			_, err = q.js.Consumer(ctx, stream, consumer)
		}
		if !errors.Is(err, jetstream.ErrStreamNotFound) && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil
		}
		pause(ctx, responseWait/4)
	}
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("NATS: the consumer %s of the stream %s: %w", consumer, stream, errDeleted)
	}
	return fmt.Errorf("NATS: the stream %s: %w", stream, errDeleted)
}

// publish returns when NATS has stored the update, and says under which number. It tries
// until then: an update that is published twice is stored once.
func (q *queue) publish(ctx context.Context, u update) (sequence uint64, err error) {
	data, err := json.Marshal(u)
	if err != nil {
		return 0, err
	}
	ctx, cancel := q.whileAllowed(ctx)
	defer cancel()
	for said := false; ; pause(ctx, responseWait/10) {
		ack, err := q.js.Publish(ctx, subject+strconv.FormatInt(u.UserID, 10), data, jetstream.WithMsgID(u.ID))
		if err == nil {
			return ack.Sequence, nil
		}
		err = cmp.Or(q.refusal(), q.deleted(ctx, streamName, ""), err)
		if ctx.Err() != nil || q.conn.IsClosed() || errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, errDeleted) {
			return 0, fmt.Errorf("NATS: update %s is not stored: %w", u.ID, err)
		}
		if !said {
			q.out.say("update %s is not stored yet: %v", u.ID, err)
			said = true
		}
	}
}

// claim tells the server that a message is being worked on. A restarted server takes the
// time of the publication for the time of the delivery, or the time of the claim if there
// was one. Without a claim it would at once deliver to another worker every message in
// flight that had waited before. A claim that is not confirmed is not repeated, because
// another worker may have the message by then.
func (q *queue) claim(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, responseWait)
	defer cancel()
	_, err := q.conn.RequestWithContext(ctx, m.Reply(), []byte("+WPI"))
	return err
}

// bury puts an update that the pod will never accept on the stream of dead letters, and then
// removes it from its own stream: whenever this process ends, the update is on one of them.
func (q *queue) bury(ctx context.Context, m message, reason string) error {
	letter := nats.NewMsg(deadSubject + m.Subject()[strings.LastIndexByte(m.Subject(), '.')+1:])
	letter.Data = m.Data()
	letter.Header.Set(headerReason, strings.Join(strings.Fields(reason), " "))
	letter.Header.Set(headerSequence, strconv.FormatUint(m.sequence(), 10))
	_, err := q.js.PublishMsg(ctx, letter, jetstream.WithMsgID(fmt.Sprintf("%s-%d", streamName, m.sequence())))
	if err != nil {
		return err
	}
	return m.TermWithReason(letter.Header.Get(headerReason))
}

// superseded reports whether a newer update of the same user is waiting.
func (q *queue) superseded(ctx context.Context, m message) bool {
	last, err := q.stream.GetLastMsgForSubject(ctx, m.Subject())
	return err == nil && last.Sequence > m.sequence()
}

// waiting is how many updates are neither applied nor buried. The consumers know; the stream
// may also hold updates that were acknowledged while the server stopped. A consumer may
// learn of an update a moment after its publication.
func (q *queue) waiting(ctx context.Context) (int, error) {
	consumers := q.stream.ListConsumers(ctx)
	waiting, counted := 0, 0
	for info := range consumers.Info() {
		waiting += info.NumAckPending + int(info.NumPending) //nolint:gosec // no stream holds so many
		counted++
	}
	if err := consumers.Err(); err != nil {
		return 0, err
	}
	if counted != len(q.consumers) {
		return 0, fmt.Errorf("NATS: %d of %d consumers answer", counted, len(q.consumers))
	}
	return waiting, nil
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// deadLetters are the numbers of the updates that were buried.
func (q *queue) deadLetters(ctx context.Context) (map[uint64]bool, error) {
	stream, err := q.js.Stream(ctx, deadName)
	if err != nil {
		return nil, fmt.Errorf("NATS: %w", err)
	}
	letters := map[uint64]bool{}
	for number := range stream.CachedInfo().State.LastSeq {
		letter, err := stream.GetMsg(ctx, number+1)
		if err != nil {
			return nil, fmt.Errorf("NATS: %w", err)
		}
		sequence, err := strconv.ParseUint(letter.Header.Get(headerSequence), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("dead letter %d: %w", number+1, err)
		}
		letters[sequence] = true
	}
	return letters, nil
}
