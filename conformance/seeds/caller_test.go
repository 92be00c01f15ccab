package seeds_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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
	names  int // names, so that no two are equal
}

func newCaller(w *world, number int) *caller {
	c := &caller{world: w, number: number, client: w.clients[number%len(w.clients)], random: rand.New(rand.NewPCG(w.seed, uint64(1+number)))}
	w.pod.mu.Lock()
	defer w.pod.mu.Unlock()
	for n := range usersPerCaller {
		id := int64(1 + 100*number + n)
		c.users = append(c.users, id)
		if n > 0 || c.random.IntN(4) > 0 { // else the pod has no such user
			w.users[id] = presence{category: c.name("BEFORE"), since: w.start}
		}
	}
	return c
}

// name returns a name that no one else makes: upper-case letters, as of a category.
func (c *caller) name(kind string) symphony.PresenceCategory {
	c.names++
	text := fmt.Sprintf("%s_%03d_%03d", kind, c.number, c.names)
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

func outcomeOf(err error) outcome {
	if err != nil {
		return failed
	}
	return succeeded
}
