package symphony

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// CreatePresenceFeed creates a feed of the presence changes in the pod, and returns its id:
// POST /v1/presence/feed/create. If the response of an attempt is lost, the feed that it
// created remains at the pod.
//
// Deprecated: by Symphony since 24.1. Poll [Client.GetUserPresence] or
// [Client.AllPresences] instead.
func (c *Client) CreatePresenceFeed(ctx context.Context) (feedID string, err error) {
	var feed createdFeed
	err = c.do(ctx, request{
		operation: "CreatePresenceFeed",
		route:     "/v1/presence/feed/create",
		method:    http.MethodPost,
		path:      "/v1/presence/feed/create",
		retryable: true,
	}, &feed)
	return feed.ID, err
}

// ReadPresenceFeed returns the presences that changed since the feed was last read, at most
// 500: GET /v1/presence/feed/{feedID}/read. If the response of an attempt is lost, its
// changes are lost too.
//
// An empty feedID, "." and ".." are refused with an [*InvalidArgumentError].
//
// Deprecated: by Symphony since 24.1. Poll [Client.GetUserPresence] or
// [Client.AllPresences] instead.
func (c *Client) ReadPresenceFeed(ctx context.Context, feedID string) ([]V2Presence, error) {
	path, err := feedPath(feedID, "/read")
	if err != nil {
		return nil, err
	}
	return c.presences(ctx, request{
		operation: "ReadPresenceFeed",
		route:     "/v1/presence/feed/{feedId}/read",
		method:    http.MethodGet,
		path:      path,
		retryable: true,
	})
}

// DeletePresenceFeed deletes a feed: POST /v1/presence/feed/{feedID}/delete.
//
// An empty feedID, "." and ".." are refused with an [*InvalidArgumentError].
//
// Deprecated: by Symphony since 24.1.
func (c *Client) DeletePresenceFeed(ctx context.Context, feedID string) error {
	path, err := feedPath(feedID, "/delete")
	if err != nil {
		return err
	}
	err = c.do(ctx, request{
		operation: "DeletePresenceFeed",
		route:     "/v1/presence/feed/{feedId}/delete",
		method:    http.MethodPost,
		path:      path,
		retryable: true,
	}, new(acknowledgement))
	if gone, ok := errors.AsType[*APIError](err); ok && gone.maybeApplied &&
		(gone.StatusCode == http.StatusBadRequest || gone.StatusCode == http.StatusNotFound) {
		return nil // an earlier attempt, whose response was lost, has deleted it
	}
	return err
}

type createdFeed struct {
	ID string `json:"id"`
}

func (f *createdFeed) validate() error {
	if f.ID == "" {
		return errors.New("the feed has no id")
	}
	return nil
}

// feedPath returns the path of a feed, whose id may hold "/", "+" and "=".
func feedPath(feedID, action string) (string, error) {
	if feedID == "" {
		return "", &InvalidArgumentError{"feedID", "it is empty"}
	}
	path := "/v1/presence/feed/" + strings.ReplaceAll(url.QueryEscape(feedID), "+", "%20") + action
	if checkPath(path) != nil {
		return "", &InvalidArgumentError{"feedID", `it holds a "." or ".." segment, as no feed id of a pod does`}
	}
	return path, nil
}
