package symphonytest

import (
	"crypto/rand"
	"slices"
	"sync"
)

// maxFeedPage is how many presences one read of a feed returns at most.
const maxFeedPage = 500

// feeds are the presence feeds of a pod, by id. For each it keeps the users whose
// presence changed since the feed was last read, in the order of their first change.
type feeds struct {
	mu   sync.Mutex // guards byID
	byID map[string]*feed
}

type feed struct {
	changed []int64
	known   map[int64]bool // those in changed
}

func newFeeds() *feeds { return &feeds{byID: map[string]*feed{}} }

// changed tells every feed that a user's presence changed.
func (f *feeds) changed(userID int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, feed := range f.byID {
		if !feed.known[userID] {
			feed.known[userID] = true
			feed.changed = append(feed.changed, userID)
		}
	}
}

// create returns the id of a new feed. It contains characters that must be escaped in a
// path, as the ids of a real pod may.
func (f *feeds) create() (id string) {
	id = "f/" + rand.Text() + "+="
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byID[id] = &feed{known: map[int64]bool{}}
	return id
}

// read takes the next page of users out of a feed.
func (f *feeds) read(id string) (userIDs []int64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	feed, ok := f.byID[id]
	if !ok {
		return nil, false
	}
	n := min(len(feed.changed), maxFeedPage)
	userIDs, feed.changed = feed.changed[:n], slices.Clone(feed.changed[n:])
	for _, userID := range userIDs {
		delete(feed.known, userID)
	}
	return userIDs, true
}

// remove deletes a feed.
func (f *feeds) remove(id string) (ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok = f.byID[id]
	delete(f.byID, id)
	return ok
}
