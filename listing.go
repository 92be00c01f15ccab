package symphony

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// maxPresencePage is the largest number of users on a page of a listing.
const maxPresencePage = 5000

// ListPresences returns one page of the presences of all users: GET /v2/users/presence. The
// caller needs the role "User Provisioning". A page has at most limit users; the maximum
// is 5000, and 0 means the pod's default, 1000. Users with an id smaller than lastUserID are
// left out; the API does not say whether lastUserID itself is. Users who are not listed are
// not active. A page is expensive for the pod; [Client.AllPresences] reads all pages.
//
// A negative lastUserID, and a limit below 0 or above 5000, are refused with an
// [*InvalidArgumentError].
//
// Source: Pod API 20.17.1, "Get All User Presence".
func (c *Client) ListPresences(ctx context.Context, lastUserID int64, limit int) ([]V2Presence, error) {
	if lastUserID < 0 {
		return nil, &InvalidArgumentError{"lastUserID", fmt.Sprintf("%d is below 0; 0 is the beginning", lastUserID)}
	}
	if limit < 0 || limit > maxPresencePage {
		return nil, &InvalidArgumentError{"limit", fmt.Sprintf("%d is not between 0 (the pod's default, 1000) and %d", limit, maxPresencePage)}
	}
	query := url.Values{}
	if lastUserID > 0 {
		query.Set("lastUserId", strconv.FormatInt(lastUserID, 10))
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return c.presences(ctx, request{
		operation: "ListPresences",
		route:     "/v2/users/presence",
		method:    http.MethodGet,
		path:      "/v2/users/presence",
		query:     query.Encode(),
		retryable: true,
	})
}

// AllPresences yields the presences of all users, each user once. It reads a page when the
// previous page is consumed. An error ends the sequence. Ranging over the sequence again reads
// the pages again. The caller needs the role "User Provisioning".
//
// The sequence ends at the first page without a new user: a short page may be followed by
// others, because it leaves out users who are not active. The ids of all users are kept until
// the sequence ends, so that a user whom the pod repeats is yielded once. A presence without a user
// id is yielded with UserID 0.
func (c *Client) AllPresences(ctx context.Context) iter.Seq2[V2Presence, error] {
	return func(yield func(V2Presence, error) bool) {
		seen := map[int64]bool{}
		for last := int64(0); ; {
			page, err := c.ListPresences(ctx, last, maxPresencePage)
			if err != nil {
				yield(V2Presence{}, err)
				return
			}
			users := countNew(page, seen)
			if users == 0 && len(seen) > 0 {
				return
			}
			for _, presence := range page {
				if presence.UserID != 0 {
					if seen[presence.UserID] {
						continue
					}
					seen[presence.UserID] = true
					last = max(last, presence.UserID)
				}
				if !yield(presence, nil) {
					return
				}
			}
			if users == 0 {
				return
			}
		}
	}
}

// countNew returns the number of users of a page who have not been seen.
func countNew(page []V2Presence, seen map[int64]bool) (n int) {
	for _, presence := range page {
		if presence.UserID != 0 && !seen[presence.UserID] {
			n++
		}
	}
	return n
}

// presences makes a call whose response is a list of presences.
func (c *Client) presences(ctx context.Context, req request) ([]V2Presence, error) {
	var list presenceList
	if err := c.do(ctx, req, &list); err != nil {
		return nil, err
	}
	return list, nil
}

// presenceList is a list in which each presence must have a category.
type presenceList []V2Presence

func (l *presenceList) validate() error {
	for i := range *l {
		if err := (*l)[i].validate(); err != nil {
			return err
		}
	}
	return nil
}
