package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-resty/resty/v2"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

const (
	category = "BUSY"
	path     = "/v3/user/presence?soft=true"
)

// client sets the presence of a user to BUSY, softly, and returns the category that the
// pod returns.
type client interface {
	set(ctx context.Context, userID int64) (string, error)
}

// calls is a client that is one function.
type calls func(ctx context.Context, userID int64) (string, error)

func (f calls) set(ctx context.Context, userID int64) (string, error) { return f(ctx, userID) }

// peer is one way to make the call.
type peer struct {
	name     string
	deadline time.Duration // of the context; 0 for none
	connect  func(target) (client, error)
}

// nearDeadline comes before the timeout of an attempt of this SDK, which then sets none.
const nearDeadline = 25 * time.Second

const (
	byHand    = "net/http by hand"
	ownClient = "this SDK"
)

// generatedPeers are linked by the build tag "generated".
var generatedPeers []peer

// peers are all that is compared. The first one is what the others are compared with.
func peers() []peer {
	all := []peer{
		{name: byHand, connect: connectByHand},
		{name: ownClient, connect: connectSDK},
		{name: ownClient + ", deadline near", deadline: nearDeadline, connect: connectSDK},
		{name: "http.DefaultClient", connect: connectDefault},
		{name: "go-retryablehttp", connect: connectRetryable},
		{name: "resty", connect: connectResty},
		{name: "hcloud-go", connect: connectHCloud},
	}
	return append(all, generatedPeers...)
}

// bulkPeers are the peers that are measured with more than single calls. A peer that differs
// only in its context's deadline is not among them.
func bulkPeers() []peer {
	var some []peer
	for _, p := range peers() {
		if p.deadline == 0 {
			some = append(some, p)
		}
	}
	return some
}

// target is the pod to call.
type target struct {
	URL         string // base URL
	Certificate []byte // which HTTPS is trusted by; nil over HTTP
	Token       string
	watch       func(http.RoundTripper) http.RoundTripper // put over the client's transport; nil for none
}

// prepare has a client's own transport trust the server, and be watched.
func (t target) prepare(transport http.RoundTripper) http.RoundTripper {
	if t.Certificate != nil {
		certificate, err := x509.ParseCertificate(t.Certificate)
		if err != nil {
			panic(err) // it is the server's own
		}
		pool := x509.NewCertPool()
		pool.AddCert(certificate)
		transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	if t.watch != nil {
		return t.watch(transport)
	}
	return transport
}

// defaultClient is like http.DefaultClient, with connections of its own.
func (t target) defaultClient() *http.Client {
	return &http.Client{Transport: t.prepare(http.DefaultTransport.(*http.Transport).Clone())}
}

// presence is a response, and without the timestamp a request's body.
type presence struct {
	Category  string `json:"category"`
	UserID    int64  `json:"userId"`
	Timestamp int64  `json:"timestamp,omitempty"`
}

// tuned returns a transport that is set up for many calls to one host.
func tuned() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true, ForceAttemptHTTP2: true}
}

func connectByHand(t target) (client, error) {
	return overHTTP(t, &http.Client{Transport: t.prepare(tuned())}), nil
}

func connectDefault(t target) (client, error) { return overHTTP(t, t.defaultClient()), nil }

// overHTTP is the call written without any library: no retry, no timeout, no trace id.
func overHTTP(t target, c *http.Client) client {
	return calls(func(ctx context.Context, userID int64) (string, error) {
		body, err := json.Marshal(presence{Category: category, UserID: userID})
		if err != nil {
			return "", err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+path, bytes.NewReader(body))
		if err != nil {
			return "", err
		}
		setHeader(req.Header, t.Token)
		return decode(c.Do(req))
	})
}

func setHeader(header http.Header, token string) {
	header.Set("sessionToken", token)
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
}

func decode(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	var response presence
	err = json.NewDecoder(resp.Body).Decode(&response)
	return response.Category, err
}

func connectRetryable(t target) (client, error) {
	c := retryablehttp.NewClient()
	c.Logger = nil
	c.HTTPClient.Transport = t.prepare(c.HTTPClient.Transport)
	return calls(func(ctx context.Context, userID int64) (string, error) {
		body, err := json.Marshal(presence{Category: category, UserID: userID})
		if err != nil {
			return "", err
		}
		req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, t.URL+path, body)
		if err != nil {
			return "", err
		}
		setHeader(req.Header, t.Token)
		return decode(c.Do(req))
	}), nil
}

// connectResty is set up to retry as its README says: three times, after a 429 or an
// error.
func connectResty(t target) (client, error) {
	c := resty.New().SetBaseURL(t.URL).SetHeader("Accept", "application/json").SetHeader("sessionToken", t.Token).
		SetRetryCount(3).
		AddRetryCondition(func(r *resty.Response, err error) bool {
			return err != nil || r.StatusCode() == http.StatusTooManyRequests
		})
	c.SetTransport(t.prepare(c.GetClient().Transport))
	return calls(func(ctx context.Context, userID int64) (string, error) {
		var response presence
		resp, err := c.R().SetContext(ctx).SetBody(presence{Category: category, UserID: userID}).SetResult(&response).Post(path)
		if err == nil && !resp.IsSuccess() {
			err = fmt.Errorf("status %d", resp.StatusCode())
		}
		return response.Category, err
	}), nil
}

// connectHCloud is the core of hcloud-go, which its calls go through.
func connectHCloud(t target) (client, error) {
	c := hcloud.NewClient(hcloud.WithEndpoint(t.URL), hcloud.WithHTTPClient(t.defaultClient()))
	return calls(func(ctx context.Context, userID int64) (string, error) {
		body, err := json.Marshal(presence{Category: category, UserID: userID})
		if err != nil {
			return "", err
		}
		req, err := c.NewRequest(ctx, http.MethodPost, path, bytes.NewReader(body))
		if err != nil {
			return "", err
		}
		req.Header.Set("sessionToken", t.Token)
		var response presence
		_, err = c.Do(req, &response)
		return response.Category, err
	}), nil
}
