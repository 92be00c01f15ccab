package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonyotel"
)

// grace is how long requests and calls in progress may take when the process is asked to
// end.
const grace = 10 * time.Second

// service is the phone bridge: a server that takes events, and workers that act on them.
type service struct {
	settings
	client *symphony.Client
	server *server
	bridge *bridge
}

// serve runs the service until the context ends. Then it completes what is in progress; what
// waits is in the database.
func serve(ctx context.Context, s settings, config auth.Config, log *slog.Logger) (err error) {
	meters, err := newMeters()
	if err != nil {
		return err
	}
	client, err := newClient(config, meters, log)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, s.database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	queue := newQueue(s.queue)
	credentials := &credentials{log: log}
	if err := meters.watch(store, queue, credentials); err != nil {
		return err
	}
	service := &service{
		settings: s, client: client,
		server: &server{
			signer: s.signer, intake: &intake{store: store, queue: queue}, meters: meters, credentials: credentials, log: log, now: time.Now,
		},
		bridge: &bridge{
			client: client, store: store, queue: queue, meters: meters, credentials: credentials, log: log, now: time.Now,
		},
	}
	return service.run(ctx)
}

func newClient(config auth.Config, meters *meters, log *slog.Logger) (*symphony.Client, error) {
	provider := symphonyotel.WithMeterProvider(meters.provider)
	client, err := auth.NewClient(config, append(clientOptions(), symphonyotel.Instrument(provider), symphony.WithLogger(log))...)
	if err != nil {
		return nil, err
	}
	_, err = symphonyotel.ObserveLimits(client, provider)
	return client, err
}

func (s *service) run(ctx context.Context) error {
	log := s.server.log
	ctx, end := context.WithCancel(ctx)
	defer end()
	calls, cancelCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelCalls()
	if err := s.resume(ctx); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	log.Info("listening", "address", listener.Addr().String())

	var running sync.WaitGroup
	for range s.concurrency {
		running.Go(func() { s.bridge.work(calls) })
	}
	running.Go(func() { s.sweep(ctx) })
	running.Go(func() { s.bridge.credentials.watch(ctx, s.client) })
	err = s.listenAndServe(ctx, listener)

	end()
	s.bridge.queue.close()
	timer := time.AfterFunc(grace, cancelCalls)
	defer timer.Stop()
	running.Wait()
	log.Info("the service has ended; what waits is in the database", "people", s.bridge.queue.length())
	return err
}

// resume goes on with what an earlier process did not complete.
func (s *service) resume(ctx context.Context) error {
	people, err := s.bridge.store.unfinished(ctx)
	if err != nil {
		return err
	}
	s.bridge.queue.add(people...)
	s.server.log.Info("resuming", "people", len(people), "database", s.database)
	return nil
}

// listenAndServe serves until the context ends, and then completes the requests in
// progress.
func (s *service) listenAndServe(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.server.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.server.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.server.ending.Store(true)
	s.server.log.Info("shutting down")
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return server.Shutdown(deadline)
}

// sweep ends calls that have lasted too long, and forgets what is no longer needed.
func (s *service) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		now := s.bridge.now()
		people, err := s.bridge.store.expire(ctx, now.Add(-s.longestCall), now)
		if len(people) > 0 {
			s.server.log.Warn("calls without an end are taken for ended", "calls", len(people), "longest_call", s.longestCall.String())
			s.bridge.queue.add(people...)
		}
		if err = errors.Join(err, s.bridge.store.clean(ctx, now)); err != nil && ctx.Err() == nil {
			s.server.log.Error("the database cannot be cleaned", "error", err)
		}
		sleep(ctx, min(s.longestCall/4, time.Minute))
	}
}
