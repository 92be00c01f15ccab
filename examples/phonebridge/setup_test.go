package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// TestMain is the program itself when a rehearsal starts it as the service.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-attached" {
		main()
		return
	}
	os.Exit(m.Run())
}

var testSigner = signer{[]byte("0123456789abcdef0123456789abcdef")}

var testKey, _ = rsa.GenerateKey(rand.Reader, 2048)

// office is a pod with the users 1 to 3, and a bridge to it.
type office struct {
	*testing.T
	pod    *symphonytest.Pod
	token  string
	path   string // of the database
	bridge *bridge
	log    *buffer
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, path: filepath.Join(t.TempDir(), "calls.db"), log: &buffer{}}
	var ticks atomic.Int64
	o.pod = symphonytest.New(t, symphonytest.WithClock(func() time.Time { // each time is another one
		return time.UnixMilli(1_800_000_000_000 + ticks.Add(1))
	}), symphonytest.WithUsers(
		symphonytest.User{ID: 1, EmailAddress: "ann@acme.com", Category: symphony.PresenceBusy},
		symphonytest.User{ID: 2, EmailAddress: "bob@acme.com"},
		symphonytest.User{ID: 3, EmailAddress: "cas@acme.com", Activity: symphonytest.Offline},
	))
	o.token = o.pod.IssueToken("phonebridge")
	o.bridge = o.newBridge(o.token)
	return o
}

func (o *office) newBridge(token string) *bridge {
	o.Helper()
	meters, err := newMeters()
	require.NoError(o, err)
	client, err := symphony.NewClient(o.pod.URL(), symphony.StaticSessionToken(token), clientOptions()...)
	require.NoError(o, err)
	log := slog.New(slog.NewJSONHandler(o.log, nil))
	return &bridge{
		client: client, store: newStore(o.T, o.path), queue: newQueue(10), meters: meters,
		credentials: &credentials{log: log}, log: log, now: time.Now,
	}
}

func newStore(t *testing.T, path string) *store {
	t.Helper()
	store, err := openStore(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.close() })
	return store
}

// happens stores an event.
func (o *office) happens(e event) {
	o.Helper()
	_, err := o.bridge.store.accept(o.Context(), e.person(), e, []byte(time.Now().String()), time.Now())
	require.NoError(o, err)
}

// call stores an event of user 1.
func (o *office) call(name string, state state) {
	o.Helper()
	o.happens(event{Call: name, UserID: 1, State: state})
}

// settle settles user 1, which must succeed.
func (o *office) settle() {
	o.Helper()
	require.NoError(o, o.bridge.settle(o.Context(), "1"))
}

// sets returns the categories that the pod was asked to set.
func (o *office) sets() (categories []string) {
	for _, request := range o.pod.Requests() {
		if request.Method == "POST" {
			_, category, _ := bytes.Cut(request.Body, []byte(`"category":"`))
			category, _, _ = bytes.Cut(category, []byte(`"`))
			categories = append(categories, string(category))
		}
	}
	return categories
}

// shows returns the presence of a user.
func (o *office) shows(id int64) symphony.PresenceCategory {
	user, _ := o.pod.User(id)
	return user.Category
}

// chooses sets the presence of user 1 as they do themselves.
func (o *office) chooses(category symphony.PresenceCategory) {
	o.Helper()
	_, err := o.bridge.client.SetUserPresence(context.Background(), 1, category, false)
	require.NoError(o, err)
	o.pod.ClearRequests()
}

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
