//go:build generated

package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/symphony-go/symphony/benchmarks/generated/oapi"
	"github.com/symphony-go/symphony/benchmarks/generated/ogen"
)

func init() {
	generatedPeers = []peer{{name: "oapi-codegen", connect: connectOAPI}, {name: "ogen", connect: connectOgen}}
}

func connectOAPI(t target) (client, error) {
	editor := func(_ context.Context, req *http.Request) error {
		req.Header.Set("sessionToken", t.Token)
		return nil
	}
	c, err := oapi.NewClientWithResponses(t.URL, oapi.WithHTTPClient(t.defaultClient()), oapi.WithRequestEditorFn(editor))
	if err != nil {
		return nil, err
	}
	return calls(func(ctx context.Context, userID int64) (string, error) {
		params := &oapi.SetUserPresenceParams{Soft: new(true)}
		response, err := c.SetUserPresenceWithResponse(ctx, params, oapi.UserPresenceUpdate{Category: category, UserId: userID})
		if err != nil {
			return "", err
		}
		if response.JSON200 == nil {
			return "", fmt.Errorf("status %d", response.StatusCode())
		}
		return response.JSON200.Category, nil
	}), nil
}

// sessionToken is ogen's source of session tokens.
type sessionToken string

func (s sessionToken) SessionToken(context.Context, ogen.OperationName) (ogen.SessionToken, error) {
	return ogen.SessionToken{APIKey: string(s)}, nil
}

func connectOgen(t target) (client, error) {
	c, err := ogen.NewClient(t.URL, sessionToken(t.Token), ogen.WithClient(t.defaultClient()))
	if err != nil {
		return nil, err
	}
	return calls(func(ctx context.Context, userID int64) (string, error) {
		update := &ogen.UserPresenceUpdate{Category: category, UserId: ogen.UserID(userID)}
		response, err := c.SetUserPresence(ctx, update, ogen.SetUserPresenceParams{Soft: ogen.NewOptBool(true)})
		if err != nil {
			return "", err
		}
		presence, ok := response.(*ogen.Presence)
		if !ok {
			return "", fmt.Errorf("%T", response)
		}
		return string(presence.Category), nil
	}), nil
}
