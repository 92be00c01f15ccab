package symphony

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// maxPresencePage is the most users that a page of a listing can have.
const maxPresencePage = 5000

// ListPresences gives one page of the presences of all users: GET
// /v2/users/presence. The caller needs the role "User Provisioning". A page has at
// most limit users, 5000 at most, 1000 with 0. Users with an id smaller than
// lastUserID are left out; whether that user itself is, the API does not say. Users
// who are not listed are not active. Pages are expensive for the pod;
// [Client.AllPresences] gets them all.
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
	return c.presences(ctx, "/v2/users/presence", query.Encode())
}

// AllPresences gives the presences of all users, page by page as they are consumed,
// each user once. An error ends the sequence. It can be ranged again, and then asks
// the pod again. The caller needs the role "User Provisioning".
//
// It ends with the first page that brings no new user: a page may be short, because
// users who are not active are left out of it. The ids of the users are kept
// meanwhile, so that whatever the pod repeats is given once.
func (c *Client) AllPresences(ctx context.Context) iter.Seq2[V2Presence, error] {
	return func(yield func(V2Presence, error) bool) {
		seen := map[int64]struct{}{}
		for last := int64(0); ; {
			page, err := c.ListPresences(ctx, last, maxPresencePage)
			if err != nil {
				yield(V2Presence{}, err)
				return
			}
			news := false
			for _, presence := range page {
				if _, ok := seen[presence.UserID]; ok {
					continue
				}
				seen[presence.UserID] = struct{}{}
				news = true
				last = max(last, presence.UserID)
				if !yield(presence, nil) {
					return
				}
			}
			if !news {
				return
			}
		}
	}
}

// presences makes a call that answers with a list of presences.
func (c *Client) presences(ctx context.Context, path, query string) ([]V2Presence, error) {
	var list presenceList
	if err := c.do(ctx, request{method: http.MethodGet, path: path, query: query, retryable: true}, &list); err != nil {
		return nil, err
	}
	return list, nil
}

// presenceList is a list of presences that are whole.
type presenceList []V2Presence

func (l *presenceList) validate() error {
	for i := range *l {
		if err := (*l)[i].validate(); err != nil {
			return err
		}
	}
	return nil
}
