package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// history stores events of a user, named by a call and a sign: +a is answered, -a has
// ended. It returns which of them said anything new.
func history(t *testing.T, s *store, p person, events ...string) (isNew []bool) {
	t.Helper()
	for i, text := range events {
		e := event{Call: text[1:], State: answered}
		if text[0] == '-' {
			e.State = ended
		}
		isOne, err := s.accept(t.Context(), p, e, []byte{byte(i), byte(len(text)), text[0], p[0]}, time.Now())
		require.NoError(t, err)
		isNew = append(isNew, isOne)
	}
	return isNew
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		events []string
		isNew  []bool
		inCall bool
	}{
		{"none", nil, nil, false},
		{"one", []string{"+a"}, []bool{true}, true},
		{"over", []string{"+a", "-a"}, []bool{true, true}, false},
		{"twice", []string{"+a", "+a", "-a", "-a"}, []bool{true, false, true, false}, false},
		{"out of order", []string{"-a", "+a"}, []bool{true, false}, false},
		{"overlapping", []string{"+a", "+b", "-a"}, []bool{true, true, true}, true},
		{"both over", []string{"+a", "+b", "-b", "-a"}, []bool{true, true, true, true}, false},
		{"late repetition", []string{"+a", "-a", "+a"}, []bool{true, true, false}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, filepath.Join(t.TempDir(), "calls.db"))
			require.Equal(t, test.isNew, history(t, s, "1", test.events...))
			history(t, s, "2", "+a") // is nobody's business
			situation, err := s.situation(t.Context(), 1)
			require.NoError(t, err)
			require.Equal(t, test.inCall, situation.inCall)
		})
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	s := newStore(t, filepath.Join(t.TempDir(), "calls.db"))
	now, e := time.Now(), event{Call: "a", UserID: 1, State: answered}
	accept := func() error {
		_, err := s.accept(t.Context(), "1", e, []byte("signature"), now)
		return err
	}
	require.NoError(t, accept())
	e.Call = "b"
	require.ErrorIs(t, accept(), errReplay)
	calls, _, err := s.count(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, calls, "a replay changes nothing")
	require.NoError(t, s.clean(t.Context(), now.Add(2*tolerance)))
	require.ErrorIs(t, accept(), errReplay, "its time stamp may still be good")
	require.NoError(t, s.clean(t.Context(), now.Add(4*tolerance)))
	require.NoError(t, accept())
}

func TestStoreSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "calls with a ? and a %.db")
	s := newStore(t, path)
	history(t, s, "1", "+a")
	change := symphony.PresenceChange{UserID: 1, Set: symphony.PresenceOnThePhone, Before: symphony.V2Presence{Category: "BUSY"}}
	require.NoError(t, s.save(t.Context(), change, setting))
	require.NoError(t, s.close())
	require.FileExists(t, path)

	got, err := newStore(t, path).situation(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, situation{inCall: true, phase: setting, change: change}, got)
}

func TestStoreIsOfOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "calls.db")
	newStore(t, path)
	_, err := openStore(t.Context(), path)
	require.ErrorContains(t, err, "does another phonebridge use it?")
}

func TestStoreInNoDirectory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "no", "calls.db")
	_, err := openStore(t.Context(), path)
	require.ErrorContains(t, err, path)
}

// Events that came before the lookup and events that name the user id are of one person.
func TestResolve(t *testing.T) {
	t.Parallel()
	s := newStore(t, filepath.Join(t.TempDir(), "calls.db"))
	history(t, s, "ann@acme.com", "+a", "-a", "+b", "+c")
	history(t, s, "1", "+a", "+b", "-c")
	require.NoError(t, s.resolve(t.Context(), "ann@acme.com", 1, time.Now()))

	p, err := s.find(t.Context(), event{Email: "ANN@acme.com"})
	require.NoError(t, err)
	require.Equal(t, person("1"), p)
	has, err := s.hasCalls(t.Context(), "ann@acme.com")
	require.NoError(t, err)
	require.False(t, has)
	calls, _, err := s.count(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, calls, "of a, b and c, b goes on")
}

func TestUnfinished(t *testing.T) {
	t.Parallel()
	s := newStore(t, filepath.Join(t.TempDir(), "calls.db"))
	for userID, test := range map[int64]struct {
		event string
		phase phase
	}{
		1: {"+a", noChange}, 2: {"+a", setting}, 3: {"+a", active}, 4: {"+a", left}, 5: {"+a", reverting},
		11: {"-a", noChange}, 12: {"-a", setting}, 13: {"-a", active}, 14: {"-a", left}, 15: {"-a", reverting},
	} {
		p := personWithID(userID)
		e := event{Call: test.event[1:], State: map[byte]state{'+': answered, '-': ended}[test.event[0]]}
		_, err := s.accept(t.Context(), p, e, []byte(p), time.Now())
		require.NoError(t, err)
		if test.phase != noChange {
			require.NoError(t, s.save(t.Context(), symphony.PresenceChange{UserID: userID}, test.phase))
		}
	}
	history(t, s, "ann@acme.com", "+a", "-a")
	people, err := s.unfinished(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []person{"1", "2", "5", "12", "13", "14", "15", "ann@acme.com"}, people)
}

func TestExpire(t *testing.T) {
	t.Parallel()
	s := newStore(t, filepath.Join(t.TempDir(), "calls.db"))
	history(t, s, "1", "+a")
	history(t, s, "2", "+a", "-a")
	for _, test := range []struct {
		after time.Duration
		want  []person
	}{{time.Hour, nil}, {5 * time.Hour, []person{"1"}}, {6 * time.Hour, nil}} {
		now := time.Now().Add(test.after)
		people, err := s.expire(t.Context(), now.Add(-4*time.Hour), now)
		require.NoError(t, err)
		require.Equal(t, test.want, people)
	}
	require.NoError(t, s.clean(t.Context(), time.Now().Add(remember+time.Minute)))
	has, err := s.hasCalls(t.Context(), "2")
	require.NoError(t, err)
	require.False(t, has, "an ended call is forgotten after a day")
	has, err = s.hasCalls(t.Context(), "1")
	require.NoError(t, err)
	require.True(t, has)
}
