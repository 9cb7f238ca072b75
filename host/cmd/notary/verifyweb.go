package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// pageHeaders are sent with each file of the verifier's page. The page needs
// nothing but itself.
var pageHeaders = map[string]string{
	"Content-Security-Policy":      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-cache",
}

// serveVerifier serves the verifier's page to a browser on this machine.
func serveVerifier(ctx context.Context, a *app, dir, address string) error {
	if dir == "" {
		program, err := os.Executable()
		if err != nil {
			return err
		}
		dir = filepath.Join(filepath.Dir(program), "web")
	}
	if _, err := os.Stat(filepath.Join(dir, "verifier.js")); err != nil {
		return hinted(fmt.Errorf("%s is not the verifier's page: %w", dir, err), "\"make web\" makes it in build/web; --web-dir says where it is")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return hinted(err, "give --listen another address, such as 127.0.0.1:0")
	}
	files := http.FileServerFS(os.DirFS(dir))
	s := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, value := range pageHeaders {
				w.Header().Set(name, value)
			}
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				http.Error(w, "this page is only read", http.StatusMethodNotAllowed)
				return
			}
			files.ServeHTTP(w, r)
		}),
	}
	fmt.Fprintf(a.stdout, "The verifier is at http://%v/ until you press Ctrl-C. What you give it stays in the browser.\n", l.Addr())
	end := context.AfterFunc(ctx, func() { s.Close() })
	defer end()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
