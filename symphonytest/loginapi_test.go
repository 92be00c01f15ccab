package symphonytest_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
	"github.com/symphony-go/symphony/symphonytest"
)

// login sends a login and returns the session token of its response.
func login(t *testing.T, pod *symphonytest.Pod, r request) (status int, token string) {
	t.Helper()
	got := r.mustSend(t, pod)
	if got.status != 200 {
		requireAPIError(t, got, got.status, got.status, r.url)
		return got.status, ""
	}
	var body struct{ Name, Token, AuthorizationToken string }
	got.decode(t, &body)
	require.Equal(t, "sessionToken", body.Name)
	require.NotEmpty(t, body.Token)
	require.NotEmpty(t, body.AuthorizationToken)
	return got.status, body.Token
}

// signed returns a login's body with a JWT.
func signed(t *testing.T, method jwt.SigningMethod, claims jwt.MapClaims, key any) string {
	t.Helper()
	text, err := jwt.NewWithClaims(method, claims).SignedString(key)
	require.NoError(t, err)
	return fmt.Sprintf(`{"token":%q}`, text)
}

func TestLoginWithKey(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		key, now := rsaKey(), time.Now().Add(24*time.Hour)
		pod := start(user(1, symphonytest.Online),
			symphonytest.WithClock(func() time.Time { return now }),
			symphonytest.WithServiceUsers(
				symphonytest.ServiceUser{Username: "bot", UserProvisioning: true, PublicKey: &key.PublicKey},
				symphonytest.ServiceUser{Username: "keyless"}))
		claims := func(subject string, ahead time.Duration) jwt.MapClaims {
			return jwt.MapClaims{"sub": subject, "exp": now.Add(ahead).Unix()}
		}
		good := claims("bot", time.Minute)
		for _, test := range []struct {
			name   string
			method jwt.SigningMethod
			claims jwt.MapClaims
			key    any
			status int
		}{
			{"good", jwt.SigningMethodRS512, good, key, 200},
			{"almost five minutes ahead", jwt.SigningMethodRS512, claims("bot", 299*time.Second), key, 200},
			{"RS256", jwt.SigningMethodRS256, good, key, 401},
			{"PS512", jwt.SigningMethodPS512, good, key, 401},
			{"HS512", jwt.SigningMethodHS512, good, []byte("key"), 401},
			{"none", jwt.SigningMethodNone, good, jwt.UnsafeAllowNoneSignatureType, 401},
			{"another key", jwt.SigningMethodRS512, good, otherKey(), 401},
			{"unknown user", jwt.SigningMethodRS512, claims("nobody", time.Minute), key, 401},
			{"user without a key", jwt.SigningMethodRS512, claims("keyless", time.Minute), key, 401},
			{"expired", jwt.SigningMethodRS512, claims("bot", -time.Second), key, 401},
			{"too far ahead", jwt.SigningMethodRS512, claims("bot", 302*time.Second), key, 401},
			{"without expiry", jwt.SigningMethodRS512, jwt.MapClaims{"sub": "bot"}, key, 401},
			{"expiry as text", jwt.SigningMethodRS512, jwt.MapClaims{"sub": "bot", "exp": "soon"}, key, 401},
		} {
			status, token := login(t, pod, request{url: pod.LoginURL() + "/pubkey/authenticate", body: signed(t, test.method, test.claims, test.key)})
			require.Equal(t, test.status, status, test.name)
			if status == 200 {
				require.Equal(t, 200, setBusy(t, pod, token).status)
			}
		}
		for body, want := range map[string]int{"": 400, "x": 400, "{}": 401, `{"token":""}`: 401, `{"token":"a.b.c"}`: 401, `{"token":"e30.e30.e30"}`: 401, `{"token":"a.b.c","name":"bot"}`: 400} {
			status, _ := login(t, pod, request{url: pod.LoginURL() + "/pubkey/authenticate", body: body})
			require.Equal(t, want, status, body)
		}
		got := request{url: pod.LoginURL() + "/pubkey/authenticate", body: signed(t, jwt.SigningMethodRS256, good, key)}.mustSend(t, pod)
		require.Contains(t, got.body, "not by RS512")
		form := request{url: pod.LoginURL() + "/pubkey/authenticate", body: "{}", header: map[string]string{"Content-Type": "text/plain"}}
		status, _ := login(t, pod, form)
		require.Equal(t, 415, status)
		require.Equal(t, 2, pod.Logins())
	})
}

// appPod starts a pod with users and an app that jane has installed.
func appPod(start start, app symphonytest.App) *symphonytest.Pod {
	app.ID, app.Users = "calendar", []int64{1, 9, 10, 11}
	return start(symphonytest.WithApps(app), symphonytest.WithUsers(
		symphonytest.User{ID: 1, Username: "jane"},
		symphonytest.User{ID: 2, Username: "john"},
		symphonytest.User{ID: 10, Inactive: true},
		symphonytest.User{ID: 11, External: true}))
}

// requireUserLogins requires that an app's session opens sessions for the right users.
func requireUserLogins(t *testing.T, pod *symphonytest.Pod, base, app string, client *http.Client) {
	t.Helper()
	require.Equal(t, 401, setBusy(t, pod, app).status, "an app's token makes no calls")
	before := pod.Logins()
	for path, want := range map[string]int{"user/1": 200, "username/jane": 200, "user/2": 401, "username/john": 401, "user/9": 401, "user/10": 401, "user/11": 401, "user/x": 401, "username/x": 401} {
		status, token := login(t, pod, request{url: base + path + "/authenticate", token: app, client: client})
		require.Equal(t, want, status, path)
		if status == 200 {
			requireOwnPresenceOnly(t, pod, token)
		}
	}
	for _, token := range []string{"", "wrong", pod.IssueToken("admin")} {
		status, _ := login(t, pod, request{url: base + "user/1/authenticate", token: token, client: client})
		require.Equal(t, 401, status)
	}
	require.Equal(t, before+2, pod.Logins())
}

// requireOwnPresenceOnly requires that a session on behalf of user 1 sets that user's
// presence, and no one else's.
func requireOwnPresenceOnly(t *testing.T, pod *symphonytest.Pod, token string) {
	t.Helper()
	require.Equal(t, symphony.PresenceBusy, setBusy(t, pod, token).presence(t).Category)
	own := request{method: "GET", path: ownPath, token: token}.mustSend(t, pod).presence(t)
	require.EqualValues(t, 1, own.UserID)
	require.Equal(t, symphony.PresenceBusy, own.Category)
	other := request{path: setPath, token: token, body: `{"category":"BUSY","userId":2}`}.mustSend(t, pod)
	requireAPIError(t, other, 403, 403, "another user")
	list := request{method: "GET", path: "/v2/users/presence", token: token}.mustSend(t, pod)
	requireAPIError(t, list, 403, 403, "a list")
	away := request{path: ownPath, token: token, body: `{"category":"AWAY"}`}.mustSend(t, pod).presence(t)
	require.Equal(t, symphony.PresenceAway, away.Category)
}

func TestLoginOnBehalfOfUsersWithKey(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		pod := appPod(start, symphonytest.App{PublicKey: &rsaKey().PublicKey})
		nameless := pod.IssueToken("") // entitles no one else
		require.Equal(t, 200, request{method: "GET", path: ownPath, token: nameless}.mustSend(t, pod).status)
		body := signed(t, jwt.SigningMethodRS512, jwt.MapClaims{"sub": "calendar", "exp": time.Now().Add(time.Minute).Unix()}, rsaKey())
		status, app := login(t, pod, request{url: pod.LoginURL() + "/pubkey/app/authenticate", body: body})
		require.Equal(t, 200, status)
		requireUserLogins(t, pod, pod.LoginURL()+"/pubkey/app/", app, nil)
	})
}

func TestLoginOnBehalfOfUsersWithCertificate(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		certificate := newCertificate(t)
		pod := appPod(start, symphonytest.App{Certificate: certificate.Leaf})
		base := pod.SessionAuthURL() + "/v1/app/"
		client := pod.Client()
		if client.Transport.(*http.Transport).TLSClientConfig.RootCAs == nil {
			status, _ := login(t, pod, request{url: base + "authenticate"})
			require.Equal(t, 401, status, "a pod that does not speak TLS")
			return
		}
		client = certified(t, pod, certificate)
		status, app := login(t, pod, request{url: base + "authenticate", client: client})
		require.Equal(t, 200, status)
		requireUserLogins(t, pod, base, app, client)
		for _, step := range []string{"authenticate", "user/1/authenticate", "username/jane/authenticate"} {
			for name, r := range map[string]request{
				"no certificate":         {},
				"another's certificate":  {client: certified(t, pod, newCertificate(t))},
				"a Content-Type":         {client: client, header: map[string]string{"Content-Type": jsonType}},
				"a body":                 {client: client, body: "{}", header: map[string]string{}},
				"a body of unknown size": {client: client, body: "{}", header: map[string]string{}, chunk: true},
			} {
				r.url, r.token = base+step, app
				status, _ := login(t, pod, r)
				require.Equal(t, 401, status, "%s: %s", step, name)
			}
		}
	})
}

func TestLoginWithCertificate(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		certificate := newCertificate(t)
		pod := start(user(1, symphonytest.Online))
		pod.AddServiceUser(symphonytest.ServiceUser{Username: "certified", UserProvisioning: true, Certificate: certificate.Leaf})
		url := pod.SessionAuthURL() + "/v1/authenticate"
		status, _ := login(t, pod, request{url: url})
		require.Equal(t, 401, status, "without a certificate")
		client := pod.Client()
		if client.Transport.(*http.Transport).TLSClientConfig.RootCAs == nil {
			return // a pod that does not speak TLS
		}
		client = certified(t, pod, certificate)
		status, token := login(t, pod, request{url: url, client: client})
		require.Equal(t, 200, status)
		require.Equal(t, 200, setBusy(t, pod, token).status)
		status, _ = login(t, pod, request{url: url, client: client, header: map[string]string{"Content-Type": jsonType}})
		require.Equal(t, 401, status, "with a Content-Type")
		status, _ = login(t, pod, request{url: url, client: client, body: "{}", header: map[string]string{}})
		require.Equal(t, 401, status, "with a body")
		pod.AddServiceUser(symphonytest.ServiceUser{Username: "certified"})
		status, _ = login(t, pod, request{url: url, client: client})
		require.Equal(t, 401, status, "of no service user")
	})
}

// The logins of package auth reach a pod of any kind.
func TestLoginByPackageAuth(t *testing.T) {
	onEveryPod(t, func(t *testing.T, start start) {
		certificate := newCertificate(t)
		pod := start(symphonytest.WithUsers(symphonytest.User{ID: 1, Username: "jane"}),
			symphonytest.WithServiceUsers(symphonytest.ServiceUser{Username: "bot", UserProvisioning: true, PublicKey: &rsaKey().PublicKey, Certificate: certificate.Leaf}),
			symphonytest.WithApps(symphonytest.App{ID: "calendar", PublicKey: &rsaKey().PublicKey}))
		viaPod := symphony.WithHTTPClient(pod.Client())
		withKey, err := auth.NewRSA(pod.LoginURL(), "bot", rsaKey(), viaPod)
		require.NoError(t, err)
		app, err := auth.NewApp(pod.LoginURL(), "calendar", rsaKey(), viaPod)
		require.NoError(t, err)
		providers := []symphony.SessionTokenProvider{withKey, app.User(1), app.Username("jane")}
		if pod.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs != nil {
			withCertificate, err := auth.NewCertificate(pod.SessionAuthURL(), certificate, viaPod)
			require.NoError(t, err)
			providers = append(providers, withCertificate)
		}
		for _, provider := range providers {
			client, err := symphony.NewClient(pod.URL(), provider, viaPod)
			require.NoError(t, err)
			_, err = client.SetUserPresence(t.Context(), 1, symphony.PresenceBusy, false)
			require.NoError(t, err)
			pod.RevokeTokens()
			_, err = client.SetUserPresence(t.Context(), 1, symphony.PresenceAway, false)
			require.NoError(t, err, "it logs in again")
		}
	})
}
