package session

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/veriproof/notary/host/journal"
)

// TestResendWaitsForTheLatest: records that were sent one by one and come again all at once
// wait for the latest append of each part that has some of them. To look for each of 65,536
// appends among those that are waited for already took four seconds, with the part locked.
func TestResendWaitsForTheLatest(t *testing.T) {
	const n = 1000
	marks := make([]mark, 3*n)
	for i := range marks {
		binary.LittleEndian.PutUint64(marks[i][:], uint64(i)*0x9e3779b97f4a7c15)
	}
	filled := func(marks []mark) *part {
		p := new(part)
		p.seen.room(len(marks))
		for i := range marks {
			p.seen.add(&marks[i], uint32(i))
			p.appends = append(p.appends, new(journal.Pending))
		}
		return p
	}
	p, older, oldest := filled(marks[:n]), filled(marks[n:2*n]), filled(marks[2*n:])
	p.before = []*part{older, oldest}
	d := &desk{pending: []*journal.Pending{new(journal.Pending)}} // of another session
	for name, c := range map[string]struct {
		resent []mark
		want   []*journal.Pending
	}{
		"nothing":           {nil, nil},
		"of all parts":      {marks, []*journal.Pending{p.appends[n-1], older.appends[n-1], oldest.appends[n-1]}},
		"in another order":  {[]mark{marks[7], marks[3], marks[2*n+5], marks[3]}, []*journal.Pending{p.appends[7], oldest.appends[5]}},
		"the first of each": {[]mark{marks[n], marks[0]}, []*journal.Pending{p.appends[0], older.appends[0]}},
	} {
		d.pending = d.pending[:1]
		if fresh := p.fresh(&group{marks: c.resent}, d); len(fresh) != 0 || !slices.Equal(d.pending[1:], c.want) {
			t.Errorf("%s: %d are new, and %d appends are waited for, want %d", name, len(fresh), len(d.pending)-1, len(c.want))
		}
	}
	fresh := p.fresh(&group{marks: []mark{marks[1], {15: 1}, {15: 2}, {15: 1}}}, d)
	if !slices.Equal(fresh, []int{1, 2}) {
		t.Errorf("%v are new, want the second and the third", fresh)
	}
}
