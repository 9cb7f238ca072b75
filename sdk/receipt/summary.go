package receipt

import (
	"encoding/json"
	"fmt"
)

// A Summary is the record of a sealed part's last leaf. It is encrypted with
// the part like any record and disclosed like any record, so that counts are
// no side channel to storage. A part that was recovered after a crash has no
// summary: its keys are gone.
type Summary struct {
	Format  string `json:"format"` // "1"
	Tenant  string `json:"tenant"`
	Session string `json:"session"`
	// Records is the number of leaves before the summary.
	Records uint64 `json:"records"`
	// Duplicates is the number of records that were sent again byte for byte
	// and not stored twice.
	Duplicates uint64 `json:"duplicates"`
	// Edits counts redactions by plugin, label and place, in that order.
	Edits []EditCount `json:"edits"`
	// OpenedUnixNano and SealedUnixNano are the host's clock, which the notary
	// does not control.
	OpenedUnixNano int64 `json:"opened_unix_nano"`
	SealedUnixNano int64 `json:"sealed_unix_nano"`
	// ClaimedStartUnixNano and ClaimedEndUnixNano are the earliest start and
	// the latest end that the records claim; 0 if none does.
	ClaimedStartUnixNano uint64 `json:"claimed_start_unix_nano"`
	ClaimedEndUnixNano   uint64 `json:"claimed_end_unix_nano"`
	// SDKs lists the distinct senders' libraries as they name themselves.
	SDKs []string `json:"sdks"`
}

// An EditCount counts the edits that agree in plugin, label and place.
type EditCount struct {
	Plugin string `json:"plugin"`
	Label  string `json:"label"`
	Place  string `json:"place"`
	Count  uint64 `json:"count"`
}

// Encode returns the JSON bytes that become the summary's record.
func (s Summary) Encode() ([]byte, error) { return json.Marshal(s) }

// ParseSummary reads a summary's record bytes.
func ParseSummary(b []byte) (*Summary, error) {
	var s Summary
	if err := strictJSON(b, &s); err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	if s.Format != "1" {
		return nil, fmt.Errorf("summary: format %q, want \"1\"", s.Format)
	}
	return &s, nil
}
