package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/symphony-go/symphony"
)

const responseWait = 2 * time.Second // for a response of NATS

// setUp creates the streams and the consumers unless they exist; if they exist, it needs
// fewer permissions. It refuses settings that break what the program promises: another number
// of partitions would break the order, another ack wait the time that workers have for their
// messages, and an age limit would lose updates. The operator may set other limits.
//
// A producer needs no consumers, and none are created for it.
func setUp(ctx context.Context, js jetstream.JetStream, s settings) (stream jetstream.Stream, consumers []jetstream.Consumer, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*responseWait)
	defer cancel()
	if stream, err = openStream(ctx, js, streamConfig(s)); err != nil {
		return nil, nil, err
	}
	if err := checkStream(stream.CachedInfo().Config, streamConfig(s)); err != nil {
		return nil, nil, err
	}
	_, err = openStream(ctx, js, jetstream.StreamConfig{
		Name: deadName, Subjects: []string{deadSubject + "*"}, Discard: jetstream.DiscardNew, Replicas: s.replicas,
	})
	if err != nil || s.role == producer {
		return stream, nil, err
	}
	for partition := range s.partitions {
		consumer, err := openConsumer(ctx, stream, consumerConfig(s, partition))
		if err != nil {
			return nil, nil, err
		}
		consumers = append(consumers, consumer)
	}
	return stream, consumers, nil
}

func streamConfig(s settings) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:     streamName,
		Subjects: []string{subject + "*"},
		SubjectTransform: &jetstream.SubjectTransformConfig{
			Source:      subject + "*",
			Destination: fmt.Sprintf("%s{{partition(%d,1)}}.{{wildcard(1)}}", subject, s.partitions),
		},
		Retention:  jetstream.WorkQueuePolicy, // what is acknowledged is gone, nothing else ever is
		Discard:    jetstream.DiscardNew,
		Duplicates: 10 * time.Minute,
		Replicas:   s.replicas,
	}
}

func consumerConfig(s settings, partition int) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       fmt.Sprintf("partition-%d", partition),
		FilterSubject: fmt.Sprintf("%s%d.*", subject, partition),
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       s.ackWait,
		MaxAckPending: 1,
		MaxDeliver:    -1,
	}
}

func openStream(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) (jetstream.Stream, error) {
	stream, err := js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, config)
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another worker was first
		stream, err = js.Stream(ctx, config.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("NATS: the stream %s: %w", config.Name, err)
	}
	return stream, nil
}

func openConsumer(ctx context.Context, stream jetstream.Stream, config jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	consumer, err := stream.Consumer(ctx, config.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		consumer, err = stream.CreateConsumer(ctx, config)
	}
	if errors.Is(err, jetstream.ErrConsumerExists) {
		consumer, err = stream.Consumer(ctx, config.Durable)
	}
	if err != nil {
		return nil, fmt.Errorf("NATS: the consumer %s: %w", config.Durable, err)
	}
	return consumer, checkConsumer(consumer.CachedInfo().Config, config)
}

func checkStream(is, want jetstream.StreamConfig) error {
	return check("the stream "+is.Name, []setting{
		{"subjects", strings.Join(is.Subjects, " "), strings.Join(want.Subjects, " ")},
		{"subject transform", transform(is), transform(want)},
		{"retention", is.Retention, want.Retention},
		{"discard policy", is.Discard, want.Discard},
		{"maximum age", is.MaxAge, want.MaxAge},
		{"maximum of messages per subject", max(is.MaxMsgsPerSubject, 0), max(want.MaxMsgsPerSubject, 0)},
		{"duplicate window", min(is.Duplicates, want.Duplicates), want.Duplicates},
	})
}

func transform(config jetstream.StreamConfig) string {
	if config.SubjectTransform == nil {
		return "none"
	}
	return config.SubjectTransform.Source + " to " + config.SubjectTransform.Destination
}

func checkConsumer(is, want jetstream.ConsumerConfig) error {
	return check("the consumer "+is.Durable, []setting{
		{"filter", is.FilterSubject, want.FilterSubject},
		{"acknowledgement policy", is.AckPolicy, want.AckPolicy},
		{"acknowledgement wait", is.AckWait, want.AckWait},
		{"maximum of pending acknowledgements", is.MaxAckPending, want.MaxAckPending},
		{"maximum of deliveries", max(is.MaxDeliver, -1), want.MaxDeliver},
		{"inactivity threshold", is.InactiveThreshold, want.InactiveThreshold},
	})
}

// setting is a setting of a stream or a consumer.
type setting struct {
	name     string
	is, want any
}

// check returns an error that names the first setting that is not as it must be.
func check(what string, settings []setting) error {
	for _, s := range settings {
		if s.is != s.want {
			return &symphony.InvalidArgumentError{Argument: what, Reason: fmt.Sprintf(
				"the %s is %v and must be %v; use the same -partitions and -ack-wait everywhere, or change it back, or let the stream run empty and delete it",
				s.name, s.is, s.want)}
		}
	}
	return nil
}
