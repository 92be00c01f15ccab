package symphony

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

const pathFeed = "/v1/presence/feed/"

// CreatePresenceFeed makes a feed of the changes of presence in the pod, and gives
// its id: POST /v1/presence/feed/create. When an attempt's answer is lost, the feed
// that it made stays behind at the pod.
//
// Deprecated: by Symphony since 24.1. Poll [Client.GetUserPresence] or
// [Client.AllPresences] instead.
func (c *Client) CreatePresenceFeed(ctx context.Context) (feedID string, err error) {
	var feed createdFeed
	err = c.do(ctx, request{method: http.MethodPost, path: pathFeed + "create", retryable: true}, &feed)
	return feed.ID, err
}

// ReadPresenceFeed gives the presences that changed since the feed was last read, at
// most 500: GET /v1/presence/feed/{feedID}/read. When an attempt's answer is lost, so
// are its changes.
//
// An empty feedID is refused with an [*InvalidArgumentError].
//
// Deprecated: by Symphony since 24.1. Poll [Client.GetUserPresence] or
// [Client.AllPresences] instead.
func (c *Client) ReadPresenceFeed(ctx context.Context, feedID string) ([]V2Presence, error) {
	path, err := feedPath(feedID, "/read")
	if err != nil {
		return nil, err
	}
	return c.presences(ctx, path, "")
}

// DeletePresenceFeed deletes a feed: POST /v1/presence/feed/{feedID}/delete.
//
// An empty feedID is refused with an [*InvalidArgumentError].
//
// Deprecated: by Symphony since 24.1.
func (c *Client) DeletePresenceFeed(ctx context.Context, feedID string) error {
	path, err := feedPath(feedID, "/delete")
	if err != nil {
		return err
	}
	err = c.do(ctx, request{method: http.MethodPost, path: path, retryable: true}, new(deletedFeed))
	if gone, ok := errors.AsType[*APIError](err); ok && gone.Attempts > 1 &&
		(gone.StatusCode == http.StatusBadRequest || gone.StatusCode == http.StatusNotFound) {
		return nil // an attempt whose answer was lost has deleted it
	}
	return err
}

type createdFeed struct {
	ID string `json:"id"`
}

func (f *createdFeed) validate() error {
	if f.ID == "" {
		return errors.New("a feed without an id")
	}
	return nil
}

// deletedFeed is an acknowledgement: which feed it was is known.
type deletedFeed struct{}

// feedPath escapes a feed id, which can hold any of "/", "+" and "=".
func feedPath(feedID, action string) (string, error) {
	if feedID == "" {
		return "", &InvalidArgumentError{"feedID", "it is empty"}
	}
	path := pathFeed + strings.ReplaceAll(url.QueryEscape(feedID), "+", "%20") + action
	if checkPath(path) != nil {
		return "", &InvalidArgumentError{"feedID", `it holds a ".." segment, as no feed of a pod does`}
	}
	return path, nil
}
