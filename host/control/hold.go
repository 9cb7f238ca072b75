package control

import (
	"net/http"
	"strconv"
)

func (s *Server) holdSession(w http.ResponseWriter, r *http.Request) error {
	return ofSession(s, w, r, s.opts.Notary.HoldSession)
}

func (s *Server) releaseSession(w http.ResponseWriter, r *http.Request) error {
	return ofSession(s, w, r, s.opts.Notary.ReleaseSession)
}

// holdPart holds the session of a part of any epoch.
func (s *Server) holdPart(w http.ResponseWriter, r *http.Request) error {
	return ofPart(s, w, r, s.opts.Notary.HoldPart)
}

// releaseHold ends the hold that stands at an entry.
func (s *Server) releaseHold(w http.ResponseWriter, r *http.Request) error {
	q, err := s.operatorOnly(r, "epoch", "seq")
	if err != nil {
		return err
	}
	var epoch [16]byte
	if !lowerHex(epoch[:], q.Get("epoch")) {
		return badQuery("epoch is not lower-case hex of its length", "give the place of the hold in the journal, as \"notary session list --json\" has it")
	}
	seq, err := strconv.ParseUint(q.Get("seq"), 10, 64)
	if err != nil {
		return badQuery("seq is not a number", "give the place of the hold in the journal of epoch")
	}
	done, err := s.opts.Notary.ReleaseHold(r.Context(), epoch, seq)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, done)
	return nil
}
