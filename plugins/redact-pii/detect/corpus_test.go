package detect

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// sample is a labelled text, of the corpus or of the golden file.
type sample struct {
	Text     string
	Entities []entity
}

type entity struct {
	Start, End int
	Label      string
}

// corpusLabels maps the corpus's labels to ours. Its national ids have the form
// of a social security number; its other labels (names, places, passwords) are
// not for patterns to decide.
var corpusLabels = map[string]string{
	"EMAIL": "EMAIL", "PHONENUMBER": "PHONE", "SSN": "SSN", "NATIONALID": "SSN",
	"IBAN": "IBAN", "CREDITCARDNUMBER": "CARD",
}

// TestCorpus measures recall and precision on the labelled corpus under
// NOTARY_DATA, and on the golden file, which is always there.
func TestCorpus(t *testing.T) {
	for name, samples := range corpora(t) {
		hits, missed, wrong := 0, 0, 0
		perLabel := map[string][2]int{}
		for _, s := range samples {
			found := scan(New(), []byte(s.Text), nil)
			used := map[int]bool{}
			for _, e := range s.Entities {
				i := match(found, e)
				n := perLabel[e.Label]
				n[1]++
				if i < 0 {
					missed++
				} else {
					hits, used[i] = hits+1, true
					n[0]++
				}
				perLabel[e.Label] = n
			}
			wrong += len(found) - len(used)
		}
		recall := float64(hits) / float64(max(1, hits+missed))
		precision := float64(hits) / float64(max(1, hits+wrong))
		t.Logf("%s: recall %.4f, precision %.4f (%d hits, %d missed, %d wrong)", name, recall, precision, hits, missed, wrong)
		for l, n := range perLabel {
			t.Logf("%s: %s %d of %d", name, l, n[0], n[1])
		}
		if recall < 0.95 || precision < 0.95 {
			t.Errorf("%s: recall %.4f and precision %.4f, want 0.95", name, recall, precision)
		}
	}
}

func match(found []Finding, e entity) int {
	for i, f := range found {
		if f.Start == e.Start && f.End == e.End && f.Label.String() == e.Label {
			return i
		}
	}
	return -1
}

func corpora(t *testing.T) map[string][]sample {
	out := map[string][]sample{}
	for _, v := range vectors(t) {
		if v.Key != "" {
			continue
		}
		s, at := sample{Text: v.Text}, 0
		for _, sp := range v.Spans {
			start := at + index(v.Text[at:], sp.Text)
			at = start + len(sp.Text)
			s.Entities = append(s.Entities, entity{start, at, sp.Label})
		}
		out["golden"] = append(out["golden"], s)
	}
	if dir := os.Getenv("NOTARY_DATA"); dir != "" {
		eachLine(t, filepath.Join(dir, "pii", "samples.jsonl"), func(line []byte) {
			var s sample
			decode(t, line, &s)
			ours := s.Entities[:0]
			for _, e := range s.Entities {
				if l, ok := corpusLabels[e.Label]; ok {
					ours = append(ours, entity{e.Start, e.End, l})
				}
			}
			s.Entities = ours
			out["corpus"] = append(out["corpus"], s)
		})
	}
	return out
}

func index(s, sub string) int {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i:i+len(sub)] == sub {
			return i
		}
	}
	return 0
}

// TestExchanges measures how much of real session text, nearly free of
// personal data, would be masked. Without NOTARY_DATA it looks at the golden
// file's texts without findings, of which nothing may be masked.
func TestExchanges(t *testing.T) {
	total, masked := 0, 0
	look := func(text string) {
		total += len(text)
		for _, f := range scan(New(), []byte(text), nil) {
			masked += f.End - f.Start
			t.Logf("%s, score %d, %d bytes", f.Label, f.Score, f.End-f.Start)
		}
	}
	for _, v := range vectors(t) {
		if len(v.Spans) == 0 {
			look(v.Text)
		}
	}
	if dir := os.Getenv("NOTARY_DATA"); dir != "" {
		eachLine(t, filepath.Join(dir, "otlp", "exchanges.jsonl"), func(line []byte) {
			var x struct{ Request, Response string }
			decode(t, line, &x)
			look(x.Request)
			look(x.Response)
		})
	}
	t.Logf("%d of %d bytes would be masked", masked, total)
	if masked*1000 > total {
		t.Errorf("%d of %d bytes would be masked, more than one in a thousand", masked, total)
	}
}

func decode(t *testing.T, line []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(line, v); err != nil {
		t.Fatal(err)
	}
}

func eachLine(t *testing.T, path string, do func([]byte)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		do(sc.Bytes())
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
}
