package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func take(t *testing.T, q *queue) person {
	t.Helper()
	p, ok := q.next()
	require.True(t, ok)
	return p
}

func TestQueueWorksOnAPersonOnce(t *testing.T) {
	t.Parallel()
	q := newQueue(10)
	q.add("1", "2", "1")
	require.Equal(t, person("1"), take(t, q))
	q.add("1") // while it is running
	require.Equal(t, person("2"), take(t, q))
	q.done("2")
	require.Equal(t, 1, q.length())
	q.done("1")
	require.Equal(t, person("1"), take(t, q), "something happened in the meantime")
	q.done("1")
	require.Zero(t, q.length())
}

func TestQueueLimit(t *testing.T) {
	t.Parallel()
	q := newQueue(2)
	q.add("1")
	require.True(t, q.hasRoom("2"))
	q.add("2")
	require.False(t, q.hasRoom("3"))
	require.True(t, q.hasRoom("1"), "is in it already")
	require.Equal(t, person("1"), take(t, q))
	require.False(t, q.hasRoom("3"), "who is worked on counts")
	q.done("1")
	require.True(t, q.hasRoom("3"))
}

func TestQueueRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10)
		q.add("1")
		began := time.Now()
		for want := range 3 {
			require.Equal(t, person("1"), take(t, q))
			q.retry("1", func(failures int) time.Duration {
				require.Equal(t, want+1, failures)
				return time.Duration(failures) * time.Second
			})
			q.add("1") // does not shorten the delay
		}
		require.Equal(t, 3*time.Second, time.Since(began))
		require.Equal(t, person("1"), take(t, q))
		require.Equal(t, 6*time.Second, time.Since(began))
		q.done("1")
		require.Zero(t, q.length())
	})
}

func TestQueueClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10)
		ended := make(chan bool)
		go func() {
			_, ok := q.next()
			ended <- ok
		}()
		synctest.Wait()
		q.close()
		require.False(t, <-ended)
		q.add("1")
		_, ok := q.next()
		require.False(t, ok, "what waits is left to the next process")
	})
}
