package simtee

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// services are the running servers of a TEE.
type services struct {
	sidecar, maa *http.Server
	sidecarURL   string
	maaURL       string
	jwks         []byte
	wg           sync.WaitGroup
	stop         func() bool // ends the watch on the context
}

var errRunning = errors.New("simulated TEE: already started")

// Start starts sidecar and attestation service on loopback, on the ports of the
// last time if they are free and on any others if not. They run until ctx ends
// or [TEE.Close] is called.
func (t *TEE) Start(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running != nil {
		return errRunning
	}
	s, err := t.listen()
	if err != nil {
		return fmt.Errorf("simulated TEE: %w", err)
	}
	t.running = s
	s.stop = context.AfterFunc(ctx, s.close)
	return nil
}

// Close stops the services and waits for them. A TEE that does not run is left
// as it is.
func (t *TEE) Close() error {
	t.mu.Lock()
	s := t.running
	t.running = nil
	t.mu.Unlock()
	if s == nil {
		return nil
	}
	s.stop()
	s.close()
	s.wg.Wait()
	return nil
}

// SidecarURL returns "http://127.0.0.1:PORT" while the TEE runs, else "".
func (t *TEE) SidecarURL() string { return t.serving().sidecarURL }

// MAAURL returns "https://127.0.0.1:PORT" while the TEE runs, else "". It is the
// iss of the tokens.
func (t *TEE) MAAURL() string { return t.serving().maaURL }

// JWKS returns the attestation service's key set while the TEE runs, else nil.
func (t *TEE) JWKS() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running == nil {
		return nil
	}
	return t.running.jwks // replaced as a whole by RotateMAAKey
}

func (t *TEE) serving() *services {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running == nil {
		return &services{}
	}
	return t.running
}

func (t *TEE) listen() (*services, error) {
	cert, err := tls.X509KeyPair([]byte(t.state.TLSCert), []byte(t.state.TLSKey))
	if err != nil {
		return nil, err
	}
	sidecar, err := listenNear(t.state.SidecarAddr)
	if err != nil {
		return nil, err
	}
	maa, err := listenNear(t.state.MAAAddr)
	if err != nil {
		return nil, errors.Join(err, sidecar.Close())
	}
	s := &services{sidecarURL: "http://" + sidecar.Addr().String(), maaURL: "https://" + maa.Addr().String()}
	if s.jwks, err = keySet(t.maaKey, s.maaURL, t.opts.Now()); err == nil {
		err = t.remember(sidecar.Addr().String(), maa.Addr().String())
	}
	if err != nil {
		return nil, errors.Join(err, sidecar.Close(), maa.Close())
	}
	s.sidecar = s.serve(sidecar, t.sidecarHandler())
	s.maa = s.serve(tls.NewListener(maa, &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	}), t.maaHandler(s.maaURL))
	return s, nil
}

// listenNear takes the port of the last time or, if another process has it now,
// any free one.
func listenNear(addr string) (net.Listener, error) {
	if addr != "" {
		if l, err := net.Listen("tcp", addr); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// remember keeps the addresses, so that the issuer survives a restart.
func (t *TEE) remember(sidecar, maa string) error {
	if t.state.SidecarAddr == sidecar && t.state.MAAAddr == maa {
		return nil
	}
	t.state.SidecarAddr, t.state.MAAAddr = sidecar, maa
	if t.opts.Dir == "" {
		return nil
	}
	return t.state.save(t.opts.Dir)
}

func (s *services) serve(l net.Listener, h http.Handler) *http.Server {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // failed handshakes of tests
	}
	s.wg.Go(func() { _ = srv.Serve(l) }) // ErrServerClosed, after close
	return srv
}

func (s *services) close() {
	_ = s.sidecar.Close()
	_ = s.maa.Close()
}
