//go:build postgres

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/veriproof/notary/sdk/journal"
)

// A client sends sessions, one request after the other, each until it is acknowledged.
type client struct {
	fleet *fleet
	name  string
	at    int // whom it talks to
	r     *rand.Rand

	exports []export
	latency []time.Duration
	resent  int
	lost    int // answers
}

// An export is a request, and what its sender knows of it.
type export struct {
	session  string
	spans    []*trace.Span
	epochs   []string // that it was sent to
	position *journal.Position
}

func (c *client) run(ctx context.Context) {
	for k := 0; ctx.Err() == nil; k++ {
		e := export{session: fmt.Sprintf("%s-%d", c.name, k/4)}
		for range 1 + k%3 {
			e.spans = append(e.spans, newSpan("chat", "content", fmt.Sprintf("turn %d, mail %s", k, sampleEmail)))
		}
		if k%8 == 3 { // every other session ends with its fourth request, the others are left open
			e.spans = append(e.spans, lastSpan("invoke_agent"))
		}
		began := time.Now()
		c.send(ctx, &e)
		if e.position != nil {
			c.exports = append(c.exports, e)
			c.latency = append(c.latency, time.Since(began))
		}
		within(ctx, time.Duration(c.r.IntN(200))*time.Millisecond)
	}
}

// send sends a request until it is acknowledged, with growing pauses, and to the next
// notary after a failure, but for answers that were lost on the way: half of them it asks
// for again where it was.
func (c *client) send(ctx context.Context, e *export) {
	body := request(e.session, e.spans...)
	for pause := 50 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, time.Second) {
		one := c.fleet.members[c.at%len(c.fleet.members)]
		one.mu.Lock()
		s := one.c
		one.mu.Unlock()
		if s != nil {
			if !slices.Contains(e.epochs, s.p.ready.Epoch) {
				e.epochs = append(e.epochs, s.p.ready.Epoch)
			}
			wait := 3 * time.Second
			lossy := c.r.IntN(6) == 0 // the connection breaks: perhaps before it is stored, perhaps before the answer
			if lossy {
				wait = time.Duration(c.r.IntN(8000)) * time.Microsecond
			}
			limit, cancel := context.WithTimeout(ctx, wait)
			position, err := s.export(limit, body)
			cancel()
			if err == nil {
				e.position = position
				return
			}
			c.resent++
			if lossy {
				c.lost++
			}
			if lossy && c.r.IntN(2) == 0 {
				continue // at once, to the same one, which may have it
			}
		}
		c.at++
		within(ctx, pause/2+time.Duration(c.r.Int64N(int64(pause))))
	}
}
