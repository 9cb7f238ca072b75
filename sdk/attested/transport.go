package attested

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// TLSConfig returns the settings by which a client connects to the notary. The
// handshake fails unless the peer has the attested key and the appraisal counts.
// A connection that lives longer than the appraisal is not cut by it: use
// [Gate.DialOptions] or [Gate.RoundTripper], which ask before each request.
func (g *Gate) TLSConfig(ctx context.Context) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// Authorities have no say. VerifyConnection runs on resumed sessions, too.
		InsecureSkipVerify: true,
		VerifyConnection:   func(s tls.ConnectionState) error { return g.peer(ctx, &s) },
	}
}

// DialOptions returns what makes a gRPC connection go through the gate: the
// handshake and each call. Give it to grpc.NewClient, or to an exporter that takes dial
// options, together with a way to say who you are, such as [APIKey].
func (g *Gate) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(g.Credentials()),
		grpc.WithPerRPCCredentials(perCall{g}),
	}
}

// Credentials returns gRPC's transport credentials. They check a connection when it is
// made; see [Gate.DialOptions].
func (g *Gate) Credentials() credentials.TransportCredentials {
	return &transport{TransportCredentials: credentials.NewTLS(g.TLSConfig(context.Background())), gate: g}
}

type transport struct {
	credentials.TransportCredentials
	gate *Gate
}

// ClientHandshake appraises before the connection says anything, so that a gate that is
// shut does not even show what it would talk to.
func (t *transport) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if _, err := t.gate.Check(ctx); err != nil {
		return nil, nil, err
	}
	config := t.gate.TLSConfig(ctx)
	// A server of several names may look at it; nothing is checked by it.
	config.ServerName, _, _ = net.SplitHostPort(authority)
	return credentials.NewTLS(config).ClientHandshake(ctx, authority, conn)
}

func (t *transport) Clone() credentials.TransportCredentials {
	return &transport{TransportCredentials: t.TransportCredentials.Clone(), gate: t.gate}
}

// perCall is the gate before each call on a connection that is open already.
type perCall struct{ g *Gate }

func (p perCall) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	if _, err := p.g.Check(ctx); err != nil {
		// As where no connection is made: exporters come again. An error without a code is
		// Unauthenticated to gRPC, and has them drop what they would send.
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return nil, nil
}

func (perCall) RequireTransportSecurity() bool { return true }

// APIKey says who you are on each gRPC call. It is never sent without TLS.
type APIKey string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (k APIKey) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(k)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (APIKey) RequireTransportSecurity() bool { return true }

// RoundTripper returns an HTTP transport that goes through the gate: the
// handshake and each request. Requests without https fail.
func (g *Gate) RoundTripper() http.RoundTripper {
	t := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: g.TLSConfig(context.Background()), MaxIdleConnsPerHost: 16}
	return &roundTripper{g, t}
}

type roundTripper struct {
	g *Gate
	t *http.Transport
}

func (r *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	err := error(nil)
	if req.URL.Scheme != "https" {
		err = errPlain
	} else {
		_, err = r.g.Check(req.Context())
	}
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	return r.t.RoundTrip(req)
}

// CloseIdleConnections closes connections that no request uses.
func (r *roundTripper) CloseIdleConnections() { r.t.CloseIdleConnections() }
