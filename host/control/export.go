package control

import (
	"net/http"
	"strconv"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// An Exported answers the announcement of an export.
type Exported struct {
	Order Order `json:"order"` // where the journal has it
}

// journalExport has the journal say that an operator is about to take bundles out of
// storage, which is not this interface's to do. By is the name of the token, not a claim.
func (s *Server) journalExport(w http.ResponseWriter, r *http.Request) error {
	q, by, err := s.byOperator(r, "from", "to", "parts", "recipient", "for", "commitment", "epoch", "seq")
	if err != nil {
		return err
	}
	b := journal.ExportBody{By: by, For: q.Get("for")}
	if b.Parts, err = strconv.ParseUint(q.Get("parts"), 10, 63); err != nil {
		return badQuery("parts is not a number", "give how many session parts are exported")
	}
	for name, at := range map[string]*int64{"from": &b.FromUnixNano, "to": &b.ToUnixNano} {
		if !q.Has(name) {
			continue
		}
		if *at, err = strconv.ParseInt(q.Get(name), 10, 64); err != nil {
			return badQuery(name+" is not a number", "give Unix time in nanoseconds")
		}
	}
	if q.Has("recipient") {
		var id receipt.Hash
		if !lowerHex(id[:], q.Get("recipient")) {
			return badQuery("recipient is not lower-case hex of its length", "give the ID of the recipient whose key opens the records")
		}
		b.Recipient = id
	}
	if err := b.Check(); err != nil {
		return badQuery("the journal has no such export", "from is before to, and for has up to 64 letters, digits, spaces and ._@+-")
	}
	// An export is journaled where its parts are, so that whoever audits them finds it.
	var of *SealedRef
	if b.Parts > 0 {
		if of, err = sealedRef(q); err != nil {
			return err
		}
	}
	done, err := s.opts.Notary.JournalExport(r.Context(), b, of)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, done)
	return nil
}
