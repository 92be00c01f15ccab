package main

import (
	"context"
	"time"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/symphonytest"
)

// embeddedUsers are the users of the embedded pod.
func embeddedUsers() []symphonytest.User {
	return []symphonytest.User{
		{ID: 1},
		{ID: 2, Category: symphony.PresenceBusy},
		{ID: 3, Activity: symphonytest.Offline},
		{ID: 4, Category: symphony.PresenceInAMeeting},
		{ID: 5},
	}
}

// enliven changes the users of the embedded pod, one each second, until the context ends.
func enliven(ctx context.Context, pod *symphonytest.Pod) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for step := 0; ; step++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			live(pod, step)
		}
	}
}

// live makes one change to the embedded users. Every ten steps form a cycle: a user becomes
// idle, has a phone call, comes online, leaves a meeting, leaves the company; then each of
// these is undone.
func live(pod *symphonytest.Pod, step int) {
	on := step/5%2 == 0 // the first five steps, or the five that undo them
	switch step % 5 {
	case 0:
		pod.SetActivity(2, either(on, symphonytest.Idle, symphonytest.Online))
	case 1:
		pod.AddUser(symphonytest.User{ID: 1, Category: either(on, symphony.PresenceOnThePhone, symphony.PresenceAvailable)})
	case 2:
		pod.SetActivity(3, either(on, symphonytest.Online, symphonytest.Offline))
	case 3:
		pod.AddUser(symphonytest.User{ID: 4, Category: either(on, symphony.PresenceBeRightBack, symphony.PresenceInAMeeting)})
	case 4:
		pod.AddUser(symphonytest.User{ID: 5, Inactive: on})
	}
}

func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}
