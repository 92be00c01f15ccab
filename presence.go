package symphony

import (
	"context"
	"fmt"
	"net/http"
)

const pathUserPresence = "/v3/user/presence"

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
