package symphonytest

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"

	"github.com/symphony-go/symphony"
)

// maxFeedPage is how many presences one read of a feed gives.
const maxFeedPage = 500

// feed is the users whose presence changed since the feed was last read, in the
// order of their first change.
type feed struct{ changed []int64 }

// changed tells the feeds of a change. The caller holds the lock.
func (p *Pod) changed(userID int64) {
	for _, f := range p.feeds {
		if !slices.Contains(f.changed, userID) {
			f.changed = append(f.changed, userID)
		}
	}
}

func (p *Pod) createFeed(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.caller(w, r); !ok {
		return
	}
	var random [9]byte
	_, _ = rand.Read(random[:])
	id := "f/" + base64.StdEncoding.EncodeToString(random[:]) + "+=" // a real one may hold these too
	p.feeds[id] = &feed{}
	writeJSON(w, http.StatusOK, map[string]string{"id": id})
}

func (p *Pod) readFeed(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ok := p.feed(w, r)
	if !ok {
		return
	}
	n := min(len(f.changed), maxFeedPage)
	page := make([]symphony.V2Presence, 0, n)
	for _, id := range f.changed[:n] {
		page = append(page, p.users[id].presence())
	}
	f.changed = slices.Clone(f.changed[n:])
	writeJSON(w, http.StatusOK, page)
}

func (p *Pod) deleteFeed(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.feed(w, r); !ok {
		return
	}
	delete(p.feeds, r.PathValue("feed"))
	writeJSON(w, http.StatusOK, map[string]string{"id": r.PathValue("feed")})
}

// feed is the feed that a request names; without one it is answered with 400.
func (p *Pod) feed(w http.ResponseWriter, r *http.Request) (*feed, bool) {
	if _, ok := p.caller(w, r); !ok {
		return nil, false
	}
	f, ok := p.feeds[r.PathValue("feed")]
	if !ok {
		badRequest(w, "There is no such presence feed")
	}
	return f, ok
}
