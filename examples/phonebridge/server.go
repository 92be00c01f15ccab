package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// maxBody is how many bytes an event may have.
const maxBody = 16 << 10

// server serves the telephone system and those who watch the service.
type server struct {
	signer      signer
	intake      *intake
	meters      *meters
	credentials *credentials
	log         *slog.Logger
	now         func() time.Time

	ending atomic.Bool // the process is about to end
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /calls", s.calls)
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.meters.handler())
	return mux
}

// calls takes an event. It responds 202 when the event is in the database.
func (s *server) calls(w http.ResponseWriter, r *http.Request) {
	status, err := s.take(w, r)
	s.meters.request(r.Context(), status)
	if err == nil {
		w.WriteHeader(status)
		return
	}
	level := slog.LevelWarn
	if status == http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.log.Log(r.Context(), level, "an event is refused", "status", status, "remote", r.RemoteAddr, "error", err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	respond(w, status, err)
}

func (s *server) take(w http.ResponseWriter, r *http.Request) (status int, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, err
	}
	if err != nil {
		return http.StatusBadRequest, err
	}
	signature, err := s.signer.verify(r.Header, body, s.now())
	if err != nil {
		return http.StatusUnauthorized, err
	}
	e, err := parseEvent(body)
	if err != nil {
		return http.StatusBadRequest, err
	}
	err = s.intake.accept(r.Context(), e, signature, s.now())
	switch {
	case errors.Is(err, errReplay):
		return http.StatusConflict, err
	case errors.Is(err, errFull):
		return http.StatusServiceUnavailable, err
	case err != nil:
		s.log.Error("an event cannot be stored", "error", err)
		return http.StatusInternalServerError, errors.New("the event cannot be stored; try again later")
	}
	return http.StatusAccepted, nil
}

// health reports whether the process works: whether it can read its database.
func (s *server) health(w http.ResponseWriter, r *http.Request) {
	if err := s.intake.store.ping(r.Context()); err != nil {
		s.log.Error("the database cannot be read", "error", err)
		respond(w, http.StatusInternalServerError, errors.New("the database cannot be read"))
		return
	}
	respond(w, http.StatusOK, nil)
}

// ready reports whether events can be sent here: not while the pod refuses the
// credentials, and not when the process is about to end. A pod that is away does not
// matter: the events wait.
func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.ending.Load():
		respond(w, http.StatusServiceUnavailable, errors.New("the service is shutting down"))
	case s.credentials.refused.Load():
		respond(w, http.StatusServiceUnavailable, errors.New("the pod refuses the credentials"))
	default:
		respond(w, http.StatusOK, nil)
	}
}

// respond sends a status, and what is wrong.
func respond(w http.ResponseWriter, status int, err error) {
	body := map[string]string{"status": "ok"}
	if err != nil {
		body = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has gone
}
