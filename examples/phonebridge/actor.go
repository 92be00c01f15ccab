package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// actor is a person of the rehearsal with their telephone.
type actor struct {
	pod       *symphonytest.Pod
	telephone *telephone
	patience  time.Duration // how long to wait for something to happen
	random    *rand.Rand
	user      symphonytest.User // at the beginning
	token     string            // of the person's own session
	client    *symphony.Client  // with that token
	delay     time.Duration     // before the first episode
	episodes  []*episode
	events    int // different events that the service has accepted
}

// kind is what is special about an episode.
type kind int

const (
	plain     kind = iota
	reversed       // the end of a call arrives before its beginning: there is nothing to show
	chosen         // the person chooses another presence during the call
	brief          // the call may be over before it shows
	forgotten      // the end of the call never arrives
)

// episode is a time with at least one call, and nothing of the sort before and after it.
type episode struct {
	kind      kind
	calls     int
	chooses   symphony.PresenceCategory // before the first call; "" for none
	overrides symphony.PresenceCategory // during the call, if the kind is chosen

	started    time.Time // before anything
	began      time.Time // before the first event
	overlapped time.Time // before the event after that; until then ON_THE_PHONE was waited for
	ended      time.Time // before the end of the last call was sent; zero if it never was
}

var choices = []symphony.PresenceCategory{
	symphony.PresenceBusy, symphony.PresenceInAMeeting, symphony.PresenceBeRightBack, symphony.PresenceOutOfOffice, symphony.PresenceDoNotDisturb,
}

// newActor makes a person up and adds them to the pod.
func newActor(pod *symphonytest.Pod, id int64, spread time.Duration, random *rand.Rand) *actor {
	a := &actor{pod: pod, random: rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))}
	a.user = symphonytest.User{ID: id, Username: fmt.Sprintf("user-%d", id), EmailAddress: fmt.Sprintf("User-%d@example.com", id)}
	switch random.IntN(10) {
	case 0:
		a.user.Activity = symphonytest.Offline
	case 1:
		a.user.Activity = symphonytest.Idle
	default:
		if random.IntN(2) == 0 {
			a.user.Category = choices[random.IntN(len(choices))]
		}
	}
	pod.AddUser(a.user)
	a.token = pod.IssueToken(a.user.Username)
	a.client, _ = symphony.NewClient(pod.URL(), symphony.StaticSessionToken(a.token)) // both are valid
	a.delay = time.Duration(random.Int64N(int64(spread)))
	for range random.IntN(3) {
		a.episodes = append(a.episodes, a.newEpisode(kind(random.IntN(2)), random))
	}
	last := []kind{plain, plain, plain, chosen, chosen, chosen, brief, forgotten}[random.IntN(8)]
	a.episodes = append(a.episodes, a.newEpisode(last, random))
	return a
}

func (a *actor) newEpisode(kind kind, random *rand.Rand) *episode {
	e := &episode{kind: kind, calls: 1 + random.IntN(3)}
	if a.user.Activity == symphonytest.Online {
		if random.IntN(3) == 0 {
			e.chooses = choices[random.IntN(len(choices))]
		}
		e.overrides = append(choices, symphony.PresenceAvailable)[random.IntN(len(choices)+1)]
	} else if kind == chosen { // who is not there chooses nothing
		e.kind = plain
	}
	return e
}

// forgets reports whether the end of the person's last call never arrives.
func (a *actor) forgets() bool { return a.episodes[len(a.episodes)-1].kind == forgotten }

// shows returns the category that was set last, also one that waits for an offline user.
func (a *actor) shows() symphony.PresenceCategory {
	u, _ := a.pod.User(a.user.ID)
	if u.Pending != "" {
		return u.Pending
	}
	return u.Category
}

// play makes all calls of the person.
func (a *actor) play(ctx context.Context) error {
	sleep(ctx, a.delay)
	for i, e := range a.episodes {
		e.started = time.Now()
		if e.chooses != "" {
			if err := a.choose(ctx, e.chooses); err != nil {
				return err
			}
		}
		if err := a.playEpisode(ctx, e, fmt.Sprintf("call-%d-%d", a.user.ID, i)); err != nil {
			return err
		}
		a.pause(ctx)
	}
	return ctx.Err()
}

func (a *actor) playEpisode(ctx context.Context, e *episode, name string) error {
	e.began = time.Now()
	switch e.kind {
	case reversed:
		e.ended = time.Now()
		return a.send(ctx, name, ended, answered)
	case brief:
		if err := a.send(ctx, name, answered); err != nil {
			return err
		}
		e.ended = time.Now()
		return a.send(ctx, name, ended)
	}
	if err := a.send(ctx, name, answered); err != nil {
		return err
	}
	a.await(ctx, true)
	e.overlapped = time.Now()
	if err := a.playOverlap(ctx, e, name); err != nil || e.kind == forgotten {
		return err
	}
	e.ended = time.Now()
	if err := a.send(ctx, fmt.Sprint(name, "-", e.calls), ended); err != nil {
		return err
	}
	if e.kind == plain {
		a.await(ctx, false)
	}
	return nil
}

// playOverlap makes the other calls of an episode, of which the last one goes on.
func (a *actor) playOverlap(ctx context.Context, e *episode, name string) error {
	last := fmt.Sprint(name, "-", e.calls)
	if err := a.send(ctx, last, answered); err != nil {
		return err
	}
	for i := 1; i < e.calls; i++ {
		states := []state{answered, ended}
		if a.random.IntN(4) == 0 {
			states = []state{ended, answered}
		}
		if err := a.send(ctx, fmt.Sprint(name, "-", i), states...); err != nil {
			return err
		}
	}
	if a.user.Activity == symphonytest.Offline && a.random.IntN(2) == 0 {
		a.pod.SetActivity(a.user.ID, symphonytest.Online)
	}
	if e.kind == chosen {
		if err := a.choose(ctx, e.overrides); err != nil {
			return err
		}
	}
	a.pause(ctx)
	err := a.send(ctx, name, ended)
	a.pause(ctx)
	return err
}

// pause waits for up to a second.
func (a *actor) pause(ctx context.Context) {
	sleep(ctx, time.Duration(a.random.Int64N(int64(time.Second))))
}

// await waits until the person shows ON_THE_PHONE, or no longer does. Whether it happened is
// for the audit to say.
func (a *actor) await(ctx context.Context, onThePhone bool) {
	deadline := time.Now().Add(a.patience)
	for (a.shows() == symphony.PresenceOnThePhone) != onThePhone && ctx.Err() == nil && time.Now().Before(deadline) {
		sleep(ctx, 20*time.Millisecond)
	}
}

// choose sets the person's own presence, as their desktop does.
func (a *actor) choose(ctx context.Context, category symphony.PresenceCategory) error {
	for {
		_, err := a.client.SetPresence(ctx, category, false)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		sleep(ctx, 200*time.Millisecond) // the pod is away
	}
}

// send sends events of a call, some of them twice: the same request, or another.
func (a *actor) send(ctx context.Context, call string, states ...state) error {
	for _, state := range states {
		e := event{Call: call, State: state}
		if a.user.ID%2 == 0 {
			e.UserID = a.user.ID
		} else {
			e.Email = a.user.EmailAddress
		}
		if err := a.telephone.send(ctx, e, 0); err != nil {
			return err
		}
		a.events++
		if again := a.random.IntN(8); again < 2 {
			if err := a.telephone.send(ctx, e, time.Duration(again)*time.Second); err != nil {
				return err
			}
		}
	}
	return nil
}
