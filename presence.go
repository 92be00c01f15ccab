package symphony

import (
	"context"
	"fmt"
	"net/http"
)

const (
	pathUserPresence = "/v3/user/presence"
	pathOwnPresence  = "/v2/user/presence"
)

// SetUserPresence sets the presence of another user: POST /v3/user/presence. The
// caller is a service user with the "User Provisioning" entitlement.
//
// With soft, a user who is offline stays so until they come online, and an idle
// user may stay AWAY: the answer may carry another category than the one asked
// for, which is success. Without soft the category shows at once. The call may be
// applied twice with the same result, so it is retried.
//
// A userID below 1 and an empty category are refused with an
// [*InvalidArgumentError]; a category that this package does not know is sent. The
// pod answers with [*BadRequestError] for a category that cannot be set,
// [*UnauthorizedError], [*ForbiddenError] without the entitlement,
// [*NotFoundError] for an unknown user, [*RateLimitError] and [*ServerError] after
// the retries.
//
// Source: Pod API 20.17.1, "Set Other User's Presence - Admin V3",
// https://rest-api.symphony.com/main/presence/set-other-user-presence-admin-v3.
func (c *Client) SetUserPresence(ctx context.Context, userID int64, category PresenceCategory, soft bool) (*V2Presence, error) {
	if err := checkUserID(userID); err != nil {
		return nil, err
	}
	if err := checkCategory(category); err != nil {
		return nil, err
	}
	body := struct {
		Category PresenceCategory `json:"category"`
		UserID   int64            `json:"userId"`
	}{category, userID}
	return c.presence(ctx, request{http.MethodPost, pathUserPresence, softQuery(soft), body, true})
}

// SetPresence sets the presence of the session's own user: POST /v2/user/presence.
// The user needs the privilege ADMIN_PRESENCE_UPDATE. The meaning of soft, the
// refused arguments and the errors are those of [Client.SetUserPresence].
//
// A bot that reads a datafeed is set AVAILABLE by each read.
//
// Source: Pod API 20.17.1, "Set Presence".
func (c *Client) SetPresence(ctx context.Context, category PresenceCategory, soft bool) (*V2Presence, error) {
	if err := checkCategory(category); err != nil {
		return nil, err
	}
	body := struct {
		Category PresenceCategory `json:"category"`
	}{category}
	return c.presence(ctx, request{http.MethodPost, pathOwnPresence, softQuery(soft), body, true})
}

// GetPresence gives the presence of the session's own user: GET /v2/user/presence.
//
// Source: Pod API 20.17.1, "Get Presence".
func (c *Client) GetPresence(ctx context.Context) (*V2Presence, error) {
	return c.presence(ctx, request{method: http.MethodGet, path: pathOwnPresence, retryable: true})
}

// GetUserPresence gives the presence of a user: GET /v3/user/{userID}/presence. With
// local, only the own pod is asked, and a user of another one shows OFFLINE.
//
// The presence of a user of another pod is known only while the own user is
// connected with them and has registered interest
// ([Client.RegisterPresenceInterest]); read it at most once in five minutes.
//
// A userID below 1 is refused with an [*InvalidArgumentError]; an unknown user is a
// [*NotFoundError].
//
// Source: Pod API 20.17.1, "Get User Presence V3".
func (c *Client) GetUserPresence(ctx context.Context, userID int64, local bool) (*V2Presence, error) {
	if err := checkUserID(userID); err != nil {
		return nil, err
	}
	path := fmt.Sprintf("/v3/user/%d/presence", userID)
	return c.presence(ctx, request{method: http.MethodGet, path: path, query: fmt.Sprintf("local=%t", local), retryable: true})
}

// RegisterPresenceInterest asks the pod to keep track of users of other pods, so that
// [Client.GetUserPresence] knows them: POST /v1/user/presence/register. The caller
// needs the privilege ADMIN_PRESENCE_UPDATE, and a connection with each user. It
// holds for an hour: register again before that.
//
// An id below 1, and no ids at all, are refused with an [*InvalidArgumentError].
//
// Source: Pod API 20.17.1, "Register Presence Interest".
func (c *Client) RegisterPresenceInterest(ctx context.Context, userIDs ...int64) error {
	if len(userIDs) == 0 {
		return &InvalidArgumentError{"userIDs", "there are none"}
	}
	for _, id := range userIDs {
		if err := checkUserID(id); err != nil {
			return err
		}
	}
	return c.do(ctx, request{http.MethodPost, "/v1/user/presence/register", "", userIDs, true}, new(acknowledgement))
}

// acknowledgement is an answer that says only that all went well.
type acknowledgement struct {
	Format  string `json:"format"`
	Message string `json:"message"`
}

// presence makes a call that answers with one presence.
func (c *Client) presence(ctx context.Context, req request) (*V2Presence, error) {
	presence := new(V2Presence)
	if err := c.do(ctx, req, presence); err != nil {
		return nil, err
	}
	return presence, nil
}

func softQuery(soft bool) string {
	if soft {
		return "soft=true"
	}
	return "soft=false"
}

func checkUserID(id int64) error {
	if id < 1 {
		return &InvalidArgumentError{"userID", fmt.Sprintf("%d is below 1", id)}
	}
	return nil
}

func checkCategory(category PresenceCategory) error {
	if category == "" {
		return &InvalidArgumentError{"category", fmt.Sprintf("it is empty; the pod takes one of %v", PresenceCategories())}
	}
	return nil
}
