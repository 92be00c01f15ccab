package symphony_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
)

// BenchmarkSetUserPresence is one call, sequential, on loopback, beside the same
// call by hand on net/http. Machines change their speed, so the peers take turns
// in one loop and their times are reported as ratios to the call by hand.
//
//	go test -run '^$' -bench '^BenchmarkSetUserPresence$' .
func BenchmarkSetUserPresence(b *testing.B) {
	base := "http://" + cannedServer(b, 0) + "/pod"
	client, err := symphony.NewClient(base, symphony.StaticSessionToken("a-session-token"))
	require.NoError(b, err)
	byHand := &http.Client{Transport: symphony.NewTransport()}

	hand := func() error { return setByHand(b.Context(), byHand, base) }
	far := func() error {
		_, err := client.SetUserPresence(b.Context(), 7078106126503, symphony.PresenceBusy, true)
		return err
	}
	near, cancel := context.WithTimeout(b.Context(), 25*time.Second)
	defer cancel()
	nearby := func() error {
		_, err := client.SetUserPresence(near, 7078106126503, symphony.PresenceBusy, true)
		return err
	}

	for name, call := range map[string]func() error{"by-hand": hand, "symphony": far, "symphony-near-deadline": nearby} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("ratio", func(b *testing.B) {
		var spent [3]time.Duration
		for b.Loop() {
			for i, call := range []func() error{hand, far, nearby} {
				start := time.Now()
				if err := call(); err != nil {
					b.Fatal(err)
				}
				spent[i] += time.Since(start)
			}
		}
		b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "symphony/hand")
		b.ReportMetric(spent[2].Seconds()/spent[0].Seconds(), "near-deadline/hand")
	})
}

// BenchmarkSetUserPresences is a bulk run with 64 workers, beside a worker pool by hand
// on net/http with the same transport. They take turns in chunks; the ratio is of
// throughputs, above 1 where the bulk run is faster.
//
//	go test -run '^$' -bench '^BenchmarkSetUserPresences$' -benchtime 5x .
func BenchmarkSetUserPresences(b *testing.B) {
	const workers, calls = 64, 20_000
	for _, latency := range []time.Duration{0, 5 * time.Millisecond} {
		b.Run(latency.String(), func(b *testing.B) {
			base := "http://" + cannedServer(b, latency) + "/pod"
			client, err := symphony.NewClient(base, symphony.StaticSessionToken("a-session-token"))
			require.NoError(b, err)
			byHand := &http.Client{Transport: symphony.NewTransport()}
			var hand, bulk time.Duration
			for b.Loop() {
				start := time.Now()
				poolByHand(b, byHand, base, workers, calls)
				hand += time.Since(start)
				start = time.Now()
				for result := range client.SetUserPresences(b.Context(), users(calls, new(int)), symphony.WithConcurrency(workers)) {
					require.NoError(b, result.Err)
				}
				bulk += time.Since(start)
			}
			b.ReportMetric(hand.Seconds()/bulk.Seconds(), "bulk/hand")
			b.ReportMetric(float64(calls*b.N)/bulk.Seconds(), "calls/s")
		})
	}
}

// poolByHand makes calls by a worker pool as one writes it without this package.
func poolByHand(b *testing.B, client *http.Client, base string, workers, calls int) {
	jobs := make(chan struct{})
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range jobs {
				if err := setByHand(b.Context(), client, base); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range calls {
		jobs <- struct{}{}
	}
	close(jobs)
	group.Wait()
}

// setByHand is the call as one writes it without this package.
func setByHand(ctx context.Context, client *http.Client, base string) error {
	body, err := json.Marshal(struct {
		Category string `json:"category"`
		UserID   int64  `json:"userId"`
	}{"BUSY", 7078106126503})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v3/user/presence?soft=true", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("sessionToken", "a-session-token")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var presence symphony.V2Presence
	return json.NewDecoder(resp.Body).Decode(&presence)
}

// cannedServer responds to every request with a presence, and allocates nothing, so
// that the figures are those of the client.
func cannedServer(b *testing.B, latency time.Duration) (address string) {
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = listener.Close() })
	const presence = `{"category":"BUSY","userId":7078106126503,"timestamp":1533928483800}`
	response := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(presence), presence)
	serve := func(conn net.Conn) {
		defer conn.Close()
		request := make([]byte, 0, 8<<10)
		for {
			n, err := conn.Read(request[len(request):cap(request)])
			if err != nil {
				return
			}
			if request = request[:len(request)+n]; request[len(request)-1] == '}' { // the end of the body
				request = request[:0]
				if latency > 0 {
					<-time.After(latency)
				}
				if _, err := conn.Write(response); err != nil {
					return
				}
			}
		}
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}
