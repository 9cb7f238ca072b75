// Package logserver serves a transparency log over HTTP: its files to anyone, in the
// form of C2SP tlog-tiles, and, if there is a log to append to, the interface by
// which notaries submit commitments (host/commitlog/ENDPOINT.md).
//
// What is read is signed or hashed, so nobody has to trust this server, and it needs
// no TLS for that. Who submits shows an API key: a log is for one storage, and an
// audit reports what nothing accounts for.
//
// Requests are bounded in number, size and time. A Handler is safe for concurrent use.
package logserver

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/transparency-dev/tessera/api/layout"

	"github.com/veriproof/notary/host/commitlog"
)

// Options of a Handler.
type Options struct {
	// Files are what is served. Required.
	Files commitlog.Files
	// Log takes what is submitted; nil if this is a read side alone.
	Log commitlog.Log
	// Accepts says whether a bearer token may submit. Required with Log.
	Accepts func(token string) bool
	// Patience is how long an answer waits for proofs; 10 seconds if 0.
	Patience time.Duration
	Logger   *slog.Logger
}

const (
	patience = 10 * time.Second
	// maxSubmissions bounds the submissions at a time, each of up to
	// commitlog.MaxSubmission commitments.
	maxSubmissions = 64
	hashSize       = 32
)

// A Handler answers requests for a log.
type Handler struct {
	o     Options
	mux   http.ServeMux
	slots chan struct{}
}

// New makes a handler.
func New(o Options) *Handler {
	o.Patience = cmp.Or(o.Patience, patience)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{o: o, slots: make(chan struct{}, maxSubmissions)}
	h.mux.HandleFunc("GET /checkpoint", h.checkpoint)
	h.mux.HandleFunc("GET /tile/{level}/{index...}", h.tile)
	if o.Log != nil {
		h.mux.HandleFunc("POST "+commitlog.SubmitPath, h.submit)
	}
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// Pages of others may read what everybody may.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	h.mux.ServeHTTP(w, r)
}

func (h *Handler) checkpoint(w http.ResponseWriter, r *http.Request) {
	text, err := h.o.Files.ReadCheckpoint(r.Context())
	if err != nil {
		h.missing(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache") // it grows
	w.Write(text)
}

// forEver: what a tile or a bundle of so many entries holds never changes.
const forEver = "public, max-age=31536000, immutable"

func (h *Handler) tile(w http.ResponseWriter, r *http.Request) {
	data, err := h.read(r.Context(), r.PathValue("level"), r.PathValue("index"))
	if err != nil {
		h.missing(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", forEver)
	w.Write(data)
}

// read returns a tile or a bundle of entries at exactly the size that was asked for.
// Directories have no partial ones any more once there is a full one; here they have.
func (h *Handler) read(ctx context.Context, level, path string) ([]byte, error) {
	if level == "entries" {
		index, partial, err := layout.ParseTileIndexPartial(path)
		if err != nil || layout.EntriesPath(index, partial) != "tile/entries/"+path {
			return nil, fs.ErrNotExist
		}
		data, err := h.o.Files.ReadEntryBundle(ctx, index, partial)
		if err != nil {
			return nil, err
		}
		return firstEntries(data, width(partial))
	}
	l, index, partial, err := layout.ParseTileLevelIndexPartial(level, path)
	if err != nil || layout.TilePath(l, index, partial) != "tile/"+level+"/"+path {
		return nil, fs.ErrNotExist
	}
	data, err := h.o.Files.ReadTile(ctx, l, index, partial)
	if err != nil {
		return nil, err
	}
	size := width(partial) * hashSize
	if len(data) < size {
		return nil, fs.ErrNotExist
	}
	return data[:size], nil
}

func width(partial uint8) int { return cmp.Or(int(partial), layout.TileWidth) }

// firstEntries returns the first n entries of a bundle, each with its length in two
// bytes before it.
func firstEntries(data []byte, n int) ([]byte, error) {
	at := 0
	for range n {
		if len(data)-at < 2 {
			return nil, fs.ErrNotExist
		}
		at += 2 + int(binary.BigEndian.Uint16(data[at:]))
		if at > len(data) {
			return nil, errors.New("a bundle of entries is cut short")
		}
	}
	return data[:at], nil
}

func (h *Handler) missing(w http.ResponseWriter, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if errors.Is(err, fs.ErrNotExist) {
		http.Error(w, "the log has no such file", http.StatusNotFound)
		return
	}
	h.o.Logger.Error("reading the log", "error", err)
	http.Error(w, "the log cannot be read just now", http.StatusServiceUnavailable)
}

// submit appends commitments and answers with the proofs that are there in time.
func (h *Handler) submit(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !h.o.Accepts(token) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "an API key that this log accepts is missing", http.StatusUnauthorized)
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many submissions at a time", http.StatusTooManyRequests)
		return
	}
	commitments, status, err := parseSubmission(http.MaxBytesReader(w, r.Body, commitlog.MaxRequest))
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.o.Patience)
	defer cancel()
	proofs, err := h.prove(ctx, commitments)
	if len(proofs) == 0 && err != nil {
		h.o.Logger.Error("submission", "commitments", len(commitments), "error", err)
		w.Header().Set("Retry-After", strconv.Itoa(5))
		http.Error(w, "the log cannot be written just now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(commitlog.Answer{Proofs: proofs}); err != nil {
		h.o.Logger.Debug("an answer was not taken", "error", err)
	}
}

// parseSubmission reads the body of a request.
func parseSubmission(body io.Reader) (out [][32]byte, status int, err error) {
	var s commitlog.Submission
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, http.StatusRequestEntityTooLarge, errors.New("the request is too large")
		}
		return nil, http.StatusBadRequest, errors.New(`want JSON: {"commitments": ["64 characters of lower-case hex", …]}`)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, http.StatusBadRequest, errors.New("something follows the JSON")
	}
	if n := len(s.Commitments); n > commitlog.MaxSubmission {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("%d commitments, at most %d are taken at a time", n, commitlog.MaxSubmission)
	} else if n == 0 {
		return nil, http.StatusBadRequest, errors.New("no commitments")
	}
	seen := make(map[string]bool)
	for i, text := range s.Commitments {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != hashSize || hex.EncodeToString(raw) != text {
			return nil, http.StatusBadRequest, fmt.Errorf("commitment %d is not 64 characters of lower-case hex", i)
		}
		if seen[text] {
			return nil, http.StatusBadRequest, fmt.Errorf("commitment %d is there twice", i)
		}
		seen[text] = true
		out = append(out, [32]byte(raw))
	}
	return out, 0, nil
}

// prove submits commitments at once, and returns what is proved when ctx ends. The
// rest is in the log or will be: the log remembers, and gives its proof when it is
// asked for again. The error is of one that failed otherwise.
func (h *Handler) prove(ctx context.Context, commitments [][32]byte) ([]commitlog.Proved, error) {
	proofs := make([]commitlog.Proved, len(commitments))
	errs := make([]error, len(commitments))
	var wg sync.WaitGroup
	for i, c := range commitments {
		wg.Go(func() {
			proof, _, err := h.o.Log.Submit(ctx, c)
			if err == nil {
				proofs[i] = commitlog.Proved{Commitment: hex.EncodeToString(c[:]), Proof: string(proof)}
			} else if ctx.Err() == nil {
				errs[i] = err
			}
		})
	}
	wg.Wait()
	out := make([]commitlog.Proved, 0, len(proofs))
	for _, p := range proofs {
		if p.Proof != "" {
			out = append(out, p)
		}
	}
	return out, cmp.Or(errs...)
}

// Keys accepts the API keys with these hashes.
func Keys(hash func(string) [32]byte, hashes [][32]byte) func(token string) bool {
	return func(token string) bool {
		h := hash(token)
		found := 0
		for i := range hashes {
			found |= subtle.ConstantTimeCompare(h[:], hashes[i][:])
		}
		return found == 1
	}
}
