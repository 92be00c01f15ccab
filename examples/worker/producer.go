package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// errBroken is the error of a run that left something undone.
var errBroken = errors.New("not all is well")

// produce is the role of a producer: it publishes the updates that are the lines of
// stdin, in their order. When it ends before stdin does, feed it the same lines again:
// those that are stored already are not stored twice for ten minutes.
func produce(ctx context.Context, s settings, stdin io.Reader, out *screen) error {
	queue, err := openQueue(ctx, s, out)
	if err != nil {
		return err
	}
	defer queue.conn.Close()
	published, bad, number := 0, 0, 0
	lines := bufio.NewScanner(stdin)
	for lines.Scan() && ctx.Err() == nil {
		number++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		u, err := parseUpdate(line)
		if err != nil {
			out.say("line %d: %v", number, err)
			bad++
			continue
		}
		if _, err := queue.publish(ctx, u); err != nil {
			return err
		}
		published++
		out.show("%d published", published)
	}
	out.end()
	out.say("%d published, %d unreadable", published, bad)
	switch {
	case lines.Err() != nil:
		return fmt.Errorf("stdin: %w: %w", errBroken, lines.Err())
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %w", ctx.Err())
	case bad > 0:
		return errBroken
	}
	return nil
}
