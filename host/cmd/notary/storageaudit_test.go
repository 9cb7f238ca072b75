//go:build postgres || objectstore

package main

import "testing"

// auditStorage reads the storage with the recipient's key, and holds it against what was
// acknowledged.
func (m *machine) auditStorage(t *testing.T, acks []acknowledged) {
	t.Helper()
	st, err := openStorage(t.Context(), m.path("notary.yaml"), m.path("recipient.pem"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.close(t.Context())
	if err := st.damage(); err != nil {
		t.Error(err)
	}
	spans := make(map[string][]foundSpan)
	for _, p := range st.Parts() {
		if p.Manifest == nil {
			t.Errorf("part %d of %v is not sealed", p.ID.Part, p.ID.Handle)
			continue
		}
		raw, err := st.bundle(t.Context(), p, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		m.verified(t, raw)
		m.collect(t, st, p, spans)
	}
	checkAcknowledged(t, st, spans, acks)
	m.checkRecovered(t, st)
}
