package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// A failure is an answer other than success.
type failure struct {
	status int
	text   string
	hint   string
	retry  int   // seconds for Retry-After, 0 for none
	warn   bool  // somebody tried what he may not: worth a line in the log
	cause  error // for the log only
}

func (f *failure) Error() string { return fmt.Sprintf("%d %s", f.status, f.text) }

func fail(status int, text, hint string) *failure {
	return &failure{status: status, text: text, hint: hint}
}

func badQuery(text, hint string) *failure { return fail(http.StatusBadRequest, text, hint) }

// failureOf translates an error of the Notary. The texts are fixed: a wrapped
// error may quote what it failed on.
func failureOf(err error) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, ErrNotFound):
		return fail(http.StatusNotFound, "no such session or part",
			"check the session id and that it is percent-encoded; a session appears with its first acknowledged record")
	case errors.Is(err, ErrHeld):
		return fail(http.StatusConflict, "the session is under a legal hold", "release the hold first: \"notary session release\"")
	case errors.Is(err, ErrState):
		return fail(http.StatusConflict, "not possible in the part's present state",
			"see the state at GET /v1/sessions/{session}; end the session first, or open records with a recipient's key")
	case errors.Is(err, ErrProtected):
		f = fail(http.StatusConflict, "a retention policy or legal hold of the storage protects the key from being destroyed",
			"the order stands in the journal; ask again when the policy or hold is lifted, or the next start does it")
	case errors.Is(err, ErrUnavailable):
		f = fail(http.StatusServiceUnavailable, "storage or log cannot be reached", "try again in a moment")
		f.retry = 2
	default:
		f = fail(http.StatusInternalServerError, "internal error", "give the operator the Request-Id of this answer")
	}
	f.cause = err
	return f
}

// write sends the failure as JSON.
func (f *failure) write(w http.ResponseWriter) {
	if f.retry > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(f.retry))
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="notary"`)
	}
	writeJSON(w, f.status, struct {
		Error string `json:"error"`
		Hint  string `json:"hint"`
	}{f.text, f.hint})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		// Only strings and numbers are ever encoded here.
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that went away is not our failure.
	_, _ = w.Write(append(b, '\n'))
}
