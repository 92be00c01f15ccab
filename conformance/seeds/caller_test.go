package seeds_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/symphony-go/symphony"
)

const (
	usersPerCaller = 6
	stepsPerCaller = 4
)

// caller is a part of a program: it does one thing after another, about users of its own.
type caller struct {
	*world
	number int
	client client
	random *rand.Rand
	users  []int64
	made   int // names, so that no two are equal
}

func newCaller(w *world, number int) *caller {
	c := &caller{world: w, number: number, client: w.clients[number%len(w.clients)], random: rand.New(rand.NewPCG(w.seed, uint64(1+number)))}
	w.pod.mu.Lock()
	defer w.pod.mu.Unlock()
	for n := range usersPerCaller {
		id := int64(1 + 100*number + n)
		c.users = append(c.users, id)
		if n > 0 || c.random.IntN(4) > 0 { // else the pod has no such user
			w.pod.users[id] = presence{category: c.name("BEFORE"), since: w.start}
		}
	}
	return c
}

// name returns a name that no one else makes: upper-case letters, as of a category.
func (c *caller) name(kind string) symphony.PresenceCategory {
	c.made++
	text := fmt.Sprintf("%s_%03d_%03d", kind, c.number, c.made)
	letters := []byte(text)
	for i, letter := range letters {
		if letter >= '0' && letter <= '9' {
			letters[i] = 'A' + letter - '0'
		}
	}
	return symphony.PresenceCategory(letters)
}

// user draws one of the caller's users.
func (c *caller) user() int64 { return c.users[c.random.IntN(len(c.users))] }

func (c *caller) play() {
	for range stepsPerCaller {
		switch c.random.IntN(8) {
		case 0, 1:
			c.setMany()
		case 2, 3:
			c.changeMany()
		case 4:
			c.lookUp()
		default:
			for range 1 + c.random.IntN(6) {
				c.single()
			}
		}
		if c.random.IntN(3) == 0 {
			time.Sleep(c.tick.draw(c.random, 5*time.Second))
		}
	}
}

// newContext draws a context: it never ends, ends at a deadline, or is cancelled.
func (c *caller) newContext() (ctx context.Context, ends time.Time, cancel func()) {
	most := 3 * time.Second
	if c.random.IntN(4) == 0 {
		most /= 50
	}
	after := c.tick.draw(c.random, most)
	switch c.random.IntN(5) {
	case 0:
		ctx, cancel := context.WithTimeout(context.Background(), after)
		return ctx, time.Now().Add(after), cancel
	case 1:
		ctx, cancel := context.WithCancel(context.Background())
		timer := time.AfterFunc(after, cancel)
		return ctx, time.Now().Add(after), func() { timer.Stop(); cancel() }
	default:
		return context.Background(), time.Time{}, func() {}
	}
}

// single makes one call.
func (c *caller) single() {
	ctx, ends, cancel := c.newContext()
	defer cancel()
	made := &call{start: time.Now(), ends: ends, trace: string(c.name("TRACE")), user: c.user()}
	ctx = symphony.ContextWithTraceID(ctx, made.trace)
	switch c.random.IntN(4) {
	case 0:
		made.operation = "SetUserPresence"
		c.setOne(ctx, made)
	case 1:
		made.operation = "GetUserPresence"
		made.presence, made.err = c.client.GetUserPresence(ctx, made.user, true)
	default:
		made.operation, made.key = "Once", made.trace
		c.sendOnce(ctx, made)
	}
	made.finish = time.Now()
	c.addCall(made)
}

func (c *caller) setOne(ctx context.Context, made *call) {
	w := c.intend(made.user, c.name("SET"))
	made.presence, made.err = c.client.SetUserPresence(ctx, made.user, w.category, c.random.IntN(2) == 0)
	w.outcome = outcomeOf(made.err)
}

// sendOnce makes a call that may be sent only once.
func (c *caller) sendOnce(ctx context.Context, made *call) {
	made.user = 0
	var entry struct {
		Key string `json:"key"`
	}
	made.err = c.client.Do(ctx, symphony.Request{
		Method:    http.MethodPost,
		Path:      "/v1/ledger",
		Body:      map[string]string{"key": made.key},
		Operation: made.operation,
	}, &entry)
}

func outcomeOf(err error) outcome {
	if err != nil {
		return failed
	}
	return succeeded
}
