package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for _, test := range []struct {
		name   string
		signed time.Time
		change func(http.Header)
		body   string
		err    string
	}{
		{name: "good", signed: now, body: "{}"},
		{name: "slow clock", signed: now.Add(-tolerance), body: "{}"},
		{name: "old", signed: now.Add(-tolerance - time.Second), body: "{}", err: headerTimestamp + " is 5m1s off"},
		{name: "of the future", signed: now.Add(tolerance + time.Second), body: "{}", err: headerTimestamp + " is 5m1s off"},
		{name: "another body", signed: now, body: "{ }", err: headerSignature + " is not"},
		{name: "another time stamp", signed: now, body: "{}", change: func(h http.Header) { h.Set(headerTimestamp, "1800000001") }, err: headerSignature + " is not"},
		{name: "no time stamp", signed: now, body: "{}", change: func(h http.Header) { h.Del(headerTimestamp) }, err: headerSignature + " is not"},
		{name: "no signature", signed: now, body: "{}", change: func(h http.Header) { h.Del(headerSignature) }, err: headerSignature + " is not"},
		{name: "not hex", signed: now, body: "{}", change: func(h http.Header) { h.Set(headerSignature, "secret") }, err: headerSignature + " is not"},
		{name: "a short signature", signed: now, body: "{}", change: func(h http.Header) { h.Set(headerSignature, h.Get(headerSignature)[:62]) }, err: headerSignature + " is not"},
		{name: "another secret", signed: now, body: "{}", change: func(h http.Header) {
			signer{[]byte(strings.Repeat("x", minSecret))}.sign(h, []byte("{}"), now)
		}, err: headerSignature + " is not"},
		{name: "a signed word", signed: now, body: "{}", change: func(h http.Header) {
			h.Set(headerTimestamp, "now")
			h.Set(headerSignature, fmt.Sprintf("%x", testSigner.mac("now", []byte("{}"))))
		}, err: "not a number of seconds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			testSigner.sign(header, []byte("{}"), test.signed)
			if test.change != nil {
				test.change(header)
			}
			signature, err := testSigner.verify(header, []byte(test.body), now)
			if test.err == "" {
				require.NoError(t, err)
				require.Len(t, signature, 32)
				return
			}
			require.ErrorContains(t, err, test.err)
			require.NotContains(t, err.Error(), string(testSigner.secret))
		})
	}
}

// The README has this signature, so that telephone systems can be tested against it.
func TestSignatureOfTheREADME(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	testSigner.sign(header, []byte(`{"call":"a-17","userId":4711,"state":"answered"}`), time.Unix(1_800_000_000, 0))
	require.Equal(t, "36f387d360c7f1ce3d4147ef669f67a080f94109752d49ab56f3e968f402e4ef", header.Get(headerSignature))
}

func TestSecret(t *testing.T) {
	t.Parallel()
	_, err := newSigner("short")
	require.EqualError(t, err, "PHONEBRIDGE_SECRET has 5 bytes; it must have at least 32, for example from: openssl rand -hex 32")
	require.NotContains(t, fmt.Sprintf("%v %+v %s", testSigner, testSigner, testSigner), "0123")
}
