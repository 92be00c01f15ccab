package symphonytest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/symphonytest"
)

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

// login posts to a login endpoint by hand.
func login(t *testing.T, client *http.Client, url, token, body string, header ...string) (status int, sessionToken string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("sessionToken", token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	var answer struct{ Name, Token, AuthorizationToken string }
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &answer), string(text))
	if resp.StatusCode == http.StatusOK {
		require.Equal(t, "sessionToken", answer.Name)
		require.NotEmpty(t, answer.AuthorizationToken)
	}
	return resp.StatusCode, answer.Token
}

func TestLoginVerifiesTheJWT(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	now := time.Now()
	pod := start(t, user(1, symphonytest.Online),
		symphonytest.WithClock(func() time.Time { return now }),
		symphonytest.WithServiceUsers(
			symphonytest.ServiceUser{Username: "bot", UserProvisioning: true, PublicKey: &key.PublicKey},
			symphonytest.ServiceUser{Username: "keyless"}))
	claims := func(subject string, ahead time.Duration) jwt.Claims {
		return jwt.MapClaims{"sub": subject, "exp": now.Add(ahead).Unix()}
	}
	good := claims("bot", time.Minute)
	for _, test := range []struct {
		name   string
		method jwt.SigningMethod
		claims jwt.Claims
		key    any
		status int
	}{
		{"good", jwt.SigningMethodRS512, good, key, 200},
		{"almost five minutes ahead", jwt.SigningMethodRS512, claims("bot", 299*time.Second), key, 200},
		{"RS256", jwt.SigningMethodRS256, good, key, 401},
		{"HS512", jwt.SigningMethodHS512, good, []byte("key"), 401},
		{"none", jwt.SigningMethodNone, good, jwt.UnsafeAllowNoneSignatureType, 401},
		{"another key", jwt.SigningMethodRS512, good, other, 401},
		{"unknown user", jwt.SigningMethodRS512, claims("nobody", time.Minute), key, 401},
		{"user without a key", jwt.SigningMethodRS512, claims("keyless", time.Minute), key, 401},
		{"expired", jwt.SigningMethodRS512, claims("bot", -time.Second), key, 401},
		{"too far ahead", jwt.SigningMethodRS512, claims("bot", 302*time.Second), key, 401},
		{"without expiry", jwt.SigningMethodRS512, jwt.MapClaims{"sub": "bot"}, key, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, err := jwt.NewWithClaims(test.method, test.claims).SignedString(test.key)
			require.NoError(t, err)
			status, token := login(t, pod.Client(), pod.LoginURL()+"/pubkey/authenticate", "", fmt.Sprintf(`{"token":%q}`, text))
			require.Equal(t, test.status, status)
			require.Equal(t, status == 200, token != "")
			if status == 200 {
				require.Equal(t, 200, set(t, pod, token, "", busy).status)
			}
		})
	}
	for _, body := range []string{"", "{}", "x", `{"token":""}`, `{"token":"a.b.c"}`} {
		status, _ := login(t, pod.Client(), pod.LoginURL()+"/pubkey/authenticate", "", body)
		require.Equal(t, 401, status, body)
	}
}

func TestLoginOnBehalfOfUsers(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	pod := start(t,
		symphonytest.WithUsers(symphonytest.User{ID: 1, Username: "jane"}, symphonytest.User{ID: 2, Username: "john"}),
		symphonytest.WithApps(symphonytest.App{ID: "calendar", PublicKey: &key.PublicKey, Users: []int64{1, 9}}))
	text, err := jwt.NewWithClaims(jwt.SigningMethodRS512, jwt.MapClaims{"sub": "calendar", "exp": time.Now().Add(time.Minute).Unix()}).SignedString(key)
	require.NoError(t, err)
	status, app := login(t, pod.Client(), pod.LoginURL()+"/pubkey/app/authenticate", "", fmt.Sprintf(`{"token":%q}`, text))
	require.Equal(t, 200, status)
	require.Equal(t, 401, set(t, pod, app, "", busy).status, "an app's token makes no calls")

	for path, want := range map[string]int{"user/1": 200, "username/jane": 200, "user/2": 401, "username/john": 401, "user/9": 401, "user/x": 401, "username/x": 401} {
		status, token := login(t, pod.Client(), pod.LoginURL()+"/pubkey/app/"+path+"/authenticate", app, "")
		require.Equal(t, want, status, path)
		if status == 200 {
			require.Equal(t, 403, set(t, pod, token, "", busy).status, "a user has no entitlement")
		}
	}
	for _, token := range []string{"", "wrong", pod.IssueToken("admin")} {
		status, _ := login(t, pod.Client(), pod.LoginURL()+"/pubkey/app/user/1/authenticate", token, "")
		require.Equal(t, 401, status)
	}
	require.Equal(t, 3, pod.Logins())
}

func TestLoginWithCertificate(t *testing.T) {
	t.Parallel()
	pod := start(t, symphonytest.WithTLS(), user(1, symphonytest.Online))
	certificate := selfSigned(t)
	pod.AddServiceUser(symphonytest.ServiceUser{Username: "certified", Certificate: certificate.Leaf})
	url := pod.SessionAuthURL() + "/v1/authenticate"
	with := pod.Client()
	transport := with.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.Certificates = []tls.Certificate{certificate}
	with.Transport = transport
	t.Cleanup(transport.CloseIdleConnections)

	status, _ := login(t, pod.Client(), url, "", "")
	require.Equal(t, 401, status, "without a certificate")
	status, token := login(t, with, url, "", "")
	require.Equal(t, 200, status)
	require.NotEmpty(t, token)
	status, _ = login(t, with, url, "", "", "Content-Type", "application/json")
	require.Equal(t, 401, status, "with a Content-Type")
	status, _ = login(t, with, url, "", "{}")
	require.Equal(t, 401, status, "with a body")
	pod.AddServiceUser(symphonytest.ServiceUser{Username: "certified"})
	status, _ = login(t, with, url, "", "")
	require.Equal(t, 401, status, "of nobody")

	plain := start(t)
	status, _ = login(t, plain.Client(), plain.SessionAuthURL()+"/v1/authenticate", "", "")
	require.Equal(t, 401, status)
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
