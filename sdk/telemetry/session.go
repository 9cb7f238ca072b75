package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/veriproof/notary/sdk/receipt"
)

// Attribute keys with a meaning for the notary.
const (
	keySession = attribute.Key("session.id")
	keyEnd     = attribute.Key("veriproof.session.end")
)

// A Session is one conversation or task of the application, as the notary sees it:
// all spans with its id.
type Session struct {
	c  *Client
	id string
	// from is where in Client.epochs the one stands that may have taken its first span.
	from int
}

type sessionKey struct{}

// Session names a session. Nothing is sent by that; naming it again is the same
// session.
func (c *Client) Session(id string) *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Session{c, id, max(len(c.epochs)-1, 0)}
}

// Attach returns a context under which all spans that begin belong to the session,
// with no need to say it of each.
func (s *Session) Attach(ctx context.Context) context.Context {
	return context.WithValue(ctx, sessionKey{}, s.id)
}

// sessions puts the session of the context on each span that begins.
type sessions struct{}

func (sessions) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	if id, ok := ctx.Value(sessionKey{}).(string); ok {
		s.SetAttributes(keySession.String(id))
	}
}

func (sessions) OnEnd(sdktrace.ReadOnlySpan)      {}
func (sessions) Shutdown(context.Context) error   { return nil }
func (sessions) ForceFlush(context.Context) error { return nil }

// End says that the session is over, and returns when all of its spans that have ended
// are durable, or why one is lost, whatever [Client.Flush] has told of it. (Of more than
// 65,536 sessions that lost spans and did not end, [Options.Lost] alone tells.) The notary
// seals it when nothing has come for a moment (sessions.linger in its configuration, 2 s by
// default). Spans that end later begin a further part of the session.
//
// It is said by a span in a trace of its own: whether the caller's is sampled decides about
// the caller's spans, and not about that.
func (s *Session) End(ctx context.Context) error {
	_, span := s.c.Tracer("github.com/veriproof/notary/sdk/telemetry").Start(s.Attach(ctx), "session end", trace.WithNewRoot())
	span.SetAttributes(SessionEnd())
	span.End()
	return s.c.queue.endOf(ctx, s.id)
}

// An EarlierEpochs error says that the session may have parts of which there are no
// receipts here: since it was named, other epochs of the notary than the one that serves
// now have acknowledged spans. The notary was started anew, or was reloaded, meanwhile.
// It has sealed what was open then; receipts of these parts are in the bundles that the
// operator exports, and the positions that [Options.Keep] got show that they must be there.
type EarlierEpochs struct{ Epochs []receipt.Epoch }

func (e *EarlierEpochs) Error() string {
	return fmt.Sprintf("telemetry: the session may have parts in %d earlier epochs of the notary, the last of which is %v: their receipts are in its bundles", len(e.Epochs), e.Epochs[len(e.Epochs)-1])
}

// maxAnswer bounds an answer of the control interface in bytes.
const maxAnswer = 8 << 20

// Receipts waits until each part that the session has in the notary's present epoch is
// sealed, and returns a receipt for each, in order, checked against the attested key. A
// nil error means that these are all. If the session may have parts in earlier epochs,
// those of the present one are returned with an error of type [*EarlierEpochs].
//
// With [Options.Receipts], each is kept there when it has been checked. If one of another
// content is kept for its part, both are, and the error is an [*Equivocation], at once.
func (s *Session) Receipts(ctx context.Context) ([]Receipt, error) {
	var kept []Receipt
	for {
		out, all, err := s.receipts(ctx)
		if s.c.o.Receipts != "" {
			err = errors.Join(err, keepNew(s.c.o.Receipts, kept, out))
			kept = out
		}
		if err != nil || all {
			return out, err
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return out, fmt.Errorf("telemetry: the session is not sealed yet: %w", ctx.Err())
		}
	}
}

// earlier returns an error if other epochs than the present one have acknowledged
// something since the session was named.
func (s *Session) earlier(present string) error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	var others []receipt.Epoch
	for _, e := range s.c.epochs[min(s.from, len(s.c.epochs)):] {
		if e.String() != present {
			others = append(others, e)
		}
	}
	if others == nil {
		return nil
	}
	return &EarlierEpochs{others}
}

// receipts asks once. all says that there is nothing to wait for.
func (s *Session) receipts(ctx context.Context) (out []Receipt, all bool, err error) {
	if s.c.o.Control == "" {
		return nil, false, errors.New("telemetry: Options.Control is missing: where are receipts asked for?")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.c.o.Control+"/v1/sessions/"+url.PathEscape(s.id), nil)
	if err != nil {
		return nil, false, fmt.Errorf("telemetry: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+s.c.o.APIKey)
	resp, err := s.c.http.Do(req)
	if err != nil {
		// The URL has the session's id, and an error may end up in a log.
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, false, fmt.Errorf("telemetry: asking for receipts: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, false, fmt.Errorf("telemetry: %w", err)
	}
	// The gate has let the answer pass, so it knows the epoch that gave it.
	a, err := s.c.o.Gate.Check(ctx)
	if err != nil {
		return nil, false, err
	}
	elsewhere := s.earlier(a.RuntimeData.Notary.Epoch)
	if resp.StatusCode == http.StatusNotFound && elsewhere != nil {
		return nil, true, elsewhere
	}
	if resp.StatusCode != http.StatusOK {
		// The session's id stands in the path, and so not in the error.
		return nil, false, fmt.Errorf("telemetry: the control interface answered %s", resp.Status)
	}
	var answer struct {
		Parts []struct {
			Epoch    string  `json:"epoch"`
			Part     uint32  `json:"part"`
			Receipt  string  `json:"receipt"`
			LogIndex *uint64 `json:"log_index"`
		} `json:"parts"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, false, errors.New("telemetry: the control interface's answer is not the documented JSON")
	}
	key, err := a.RuntimeData.SigningKey()
	if err != nil {
		return nil, false, fmt.Errorf("telemetry: %w", err)
	}
	for _, p := range answer.Parts {
		if p.Receipt == "" {
			return out, false, nil
		}
		if p.Epoch != a.RuntimeData.Notary.Epoch {
			return out, false, fmt.Errorf("%w: part %d is of epoch %.40q, and %s serves", ErrReceipt, p.Part, p.Epoch, a.RuntimeData.Notary.Epoch)
		}
		r, err := CheckReceipt(p.Receipt, key)
		if err == nil && (r.Manifest.Part != p.Part || r.Manifest.Origin.Epoch.String() != p.Epoch) {
			err = fmt.Errorf("%w: it is of another part", ErrReceipt)
		}
		if err != nil {
			return out, false, fmt.Errorf("part %d: %w", p.Part, err)
		}
		r.LogIndex = p.LogIndex
		out = append(out, r)
	}
	return out, true, elsewhere
}
