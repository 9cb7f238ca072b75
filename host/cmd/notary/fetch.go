package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// A fetcher gets files over HTTPS, if the person at the command line permits it. It
// follows no proxy of the environment, and no redirect to another host: who names a
// server is not asked by another one.
type fetcher struct {
	offline, network bool
	ca               string // file of certificates, "" for this machine's
}

func (f *fetcher) flags(o *options) {
	o.BoolVar(&f.offline, "offline", false, "")
	o.BoolVar(&f.network, "network", false, "")
	o.StringVar(&f.ca, "ca", "", "")
}

func (f *fetcher) check(command string) error {
	switch {
	case f.offline && f.network:
		return usageError("%s: --offline and --network contradict each other", command)
	case f.ca != "" && !f.network:
		return usageError("%s: --ca is about servers, and there is no --network", command)
	}
	return nil
}

// Bounds of a fetch. A server that sends nothing does not hold a command for ever.
const (
	fetchPatience = 5 * time.Minute
	maxRedirects  = 3
)

// get returns what a URL has, at most limit bytes.
func (f *fetcher) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	if !f.network {
		return nil, hinted(fmt.Errorf("%.200s is a URL, and nothing is fetched without --network", address), "fetch it by other means, or add --network")
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, usageError("%.200q: want https://host/path", address)
	}
	client, err := f.client()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%.200s: the server answers %d", address, resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%.200s has more than %d bytes", address, limit)
	case len(data) == 0:
		return nil, fmt.Errorf("%.200s is empty", address)
	}
	return data, nil
}

func (f *fetcher) client() (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		text, err := readFile(f.ca, maxPart)
		if err != nil {
			return nil, hinted(err, "--ca wants a file of certificates in PEM")
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, usageError("%s has no certificate in PEM", f.ca)
		}
	}
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: config, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute, DisableKeepAlives: true},
		CheckRedirect: sameServer,
	}, nil
}

func sameServer(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case req.URL.Scheme != "https" || req.URL.Host != via[0].URL.Host:
		return errors.New("a redirect to another server is not followed")
	}
	return nil
}
