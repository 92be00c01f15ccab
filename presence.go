package symphony

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/symphony-go/symphony/internal/limiter"
)

const entitlementUserProvisioning = "User Provisioning"

// SetUserPresence sets the presence of another user: POST /v3/user/presence. The caller is
// a service user with the "User Provisioning" entitlement; a session on behalf of a user may
// set that user's own presence.
//
// With soft, a user who is offline stays offline, and the category applies once they come
// online; an idle user may stay AWAY. The response may therefore have another category than
// the requested one; that is no error. Without soft the category shows at once. The call may
// be applied twice with the same result, so it is retried.
//
// A userID below 1 and an empty category are refused with an [*InvalidArgumentError]; a
// category that this package does not know is sent. The pod's errors are
// [*BadRequestError] for a category that it rejects, [*UnauthorizedError],
// [*ForbiddenError] without the entitlement, [*NotFoundError] for an unknown user, and
// [*RateLimitError] and [*ServerError] after the retries.
//
// Source: Pod API 20.17.1, "Set Other User's Presence - Admin",
// https://rest-api.symphony.com/main/presence/set-user-presence.
func (c *Client) SetUserPresence(ctx context.Context, userID int64, category PresenceCategory, soft bool) (*V2Presence, error) {
	return c.setUserPresence(ctx, userID, category, soft, limiter.Single)
}

func (c *Client) setUserPresence(ctx context.Context, userID int64, category PresenceCategory, soft bool, class limiter.Class) (*V2Presence, error) {
	if err := checkUserID(userID); err != nil {
		return nil, err
	}
	if err := checkCategory(category); err != nil {
		return nil, err
	}
	return c.presence(ctx, request{
		operation: "SetUserPresence",
		route:     "/v3/user/presence",
		method:    http.MethodPost,
		path:      "/v3/user/presence",
		query:     softQuery(soft),
		body: struct {
			Category PresenceCategory `json:"category"`
			UserID   int64            `json:"userId"`
		}{category, userID},
		retryable:   true,
		class:       class,
		userID:      userID,
		entitlement: entitlementUserProvisioning,
	})
}

// SetPresence sets the presence of the session's own user: POST /v2/user/presence. The user
// needs the privilege ADMIN_PRESENCE_UPDATE. The meaning of soft, the refused arguments and
// the errors are those of [Client.SetUserPresence].
//
// Each time a bot reads a datafeed, the pod by default sets the bot to AVAILABLE.
//
// Source: Pod API 20.17.1, "Set Presence".
func (c *Client) SetPresence(ctx context.Context, category PresenceCategory, soft bool) (*V2Presence, error) {
	if err := checkCategory(category); err != nil {
		return nil, err
	}
	return c.presence(ctx, request{
		operation: "SetPresence",
		route:     "/v2/user/presence",
		method:    http.MethodPost,
		path:      "/v2/user/presence",
		query:     softQuery(soft),
		body: struct {
			Category PresenceCategory `json:"category"`
		}{category},
		retryable: true,
	})
}

// GetPresence returns the presence of the session's own user: GET /v2/user/presence.
//
// Source: Pod API 20.17.1, "Get Presence".
func (c *Client) GetPresence(ctx context.Context) (*V2Presence, error) {
	return c.presence(ctx, request{
		operation: "GetPresence",
		route:     "/v2/user/presence",
		method:    http.MethodGet,
		path:      "/v2/user/presence",
		retryable: true,
	})
}

// GetUserPresence returns the presence of a user: GET /v3/user/{userID}/presence. With local
// only this pod is queried, and a user of another pod shows OFFLINE.
//
// The presence of a user of another pod is known only while the caller is connected with that
// user and has registered interest ([Client.RegisterPresenceInterest]). Read it at most once
// in five minutes.
//
// A userID below 1 is refused with an [*InvalidArgumentError]; an unknown user is a
// [*NotFoundError].
//
// Source: Pod API 20.17.1, "Get User Presence V3".
func (c *Client) GetUserPresence(ctx context.Context, userID int64, local bool) (*V2Presence, error) {
	return c.getUserPresence(ctx, userID, local, limiter.Single)
}

func (c *Client) getUserPresence(ctx context.Context, userID int64, local bool, class limiter.Class) (*V2Presence, error) {
	if err := checkUserID(userID); err != nil {
		return nil, err
	}
	return c.presence(ctx, request{
		operation: "GetUserPresence",
		route:     "/v3/user/{uid}/presence",
		method:    http.MethodGet,
		path:      fmt.Sprintf("/v3/user/%d/presence", userID),
		query:     fmt.Sprintf("local=%t", local),
		retryable: true,
		class:     class,
		userID:    userID,
	})
}

// maxRegistered is the number of ids that one request registers at most.
const maxRegistered = 1000

// RegisterPresenceInterest asks the pod to keep track of users of other pods, so that
// [Client.GetUserPresence] returns their presence: POST /v1/user/presence/register, with at
// most 1,000 ids a request. The caller needs the privilege ADMIN_PRESENCE_UPDATE, and a connection with
// each user. A registration lasts for an hour: register again before it ends. After an error
// some of the users may be registered; registering them again is harmless.
//
// An id below 1, and no ids at all, are refused with an [*InvalidArgumentError].
//
// Source: Pod API 20.17.1, "Register Presence Interest".
func (c *Client) RegisterPresenceInterest(ctx context.Context, userIDs ...int64) error {
	if len(userIDs) == 0 {
		return &InvalidArgumentError{"userIDs", "there are none; pass at least one user id"}
	}
	for _, id := range userIDs {
		if err := checkUserID(id); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(userIDs, maxRegistered) {
		err := c.do(ctx, request{
			operation: "RegisterPresenceInterest",
			route:     "/v1/user/presence/register",
			method:    http.MethodPost,
			path:      "/v1/user/presence/register",
			body:      chunk,
			retryable: true,
		}, new(acknowledgement))
		if err != nil {
			return err
		}
	}
	return nil
}

// acknowledgement is a response that says only that the call succeeded.
type acknowledgement struct {
	Code json.RawMessage `json:"code"` // of an error
}

func (a *acknowledgement) validate() error {
	if len(a.Code) > 0 && string(a.Code) != "null" {
		return errors.New("it has an error code")
	}
	return nil
}

// presence makes a call whose response is one presence.
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
		return &InvalidArgumentError{"category", fmt.Sprintf("it is empty; the known categories are %v", PresenceCategories())}
	}
	return nil
}
