package pluginhost

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/veriproof/notary/host/jsontext"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestFindingsSideBySide: where one finding begins at the escape that the one before it
// ends with, both go. In what is no JSON the second takes the escape, too.
func TestFindingsSideBySide(t *testing.T) {
	for _, c := range []struct {
		name, text, one, two, want string
		actions                    [2]Action
		got                        []Action
	}{
		{"a line break between", `log: token=abc123\nann@example.com end`, "abc123\n", "ann@example.com", "log: token=[EMAIL][CARD] end", [2]Action{}, []Action{Mask, Mask}},
		{"both have a rule", `log: token=abc123\nann@example.com end`, "abc123\n", "ann@example.com", "log: token=[EMAIL][CARD] end", [2]Action{Token, DropField}, []Action{Token, DropField}},
		{"the second is the escape's rest", `x\r\n y`, "\r", "\n", "x[EMAIL][CARD] y", [2]Action{}, []Action{Mask, Mask}},
		{"JSON", `{"a":"abc123\nann@example.com"}`, "abc123\n", "ann@example.com", `{"a":"[EMAIL][CARD]"}`, [2]Action{}, []Action{Mask, Mask}},
		{"a number", `{"a":"\n","n":411111111}`, "4111", "11111", `{"a":"\n","n":"[EMAIL]"}`, [2]Action{Token, DropRecord}, []Action{DropRecord}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := fields(c.text)
			shown, _ := decode(in)
			one := strings.Index(string(shown[0].Text), c.one)
			two := one + len(c.one)
			if !strings.HasPrefix(string(shown[0].Text[two:]), c.two) {
				t.Fatalf("%q is not behind %q in %q", c.two, c.one, shown[0].Text)
			}
			s := load(t, Options{Rules: map[string]Rule{"EMAIL": {Action: c.actions[0]}, "CARD": {Action: c.actions[1]}}}, redactor("a", abi.AppendReply(nil, 0, []abi.Edit{
				{Start: uint32(one), End: uint32(two)}, {Start: uint32(two), End: uint32(two + len(c.two)), Label: 1},
			})))
			edits, err := s.Redact(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if got := mask(in, edits)[0]; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			var got []Action
			for _, e := range edits {
				got = append(got, e.Action)
			}
			if !slices.Equal(got, c.got) {
				t.Errorf("actions %v, want %v", got, c.got)
			}
		})
	}
}

// TestSecretsHideNowhere: with the built-in redactors, a secret is gone from each field of
// a request and in each spelling.
func TestSecretsHideNowhere(t *testing.T) {
	s := loadBuiltIn(t, "redact-secrets")
	for _, c := range [][2]string{
		{"postgres://admin:Tr0ub4dor3x@db.example.com/x", "postgres://[URL_CREDENTIALS]@db.example.com/x"},
		{"curl -u admin:Tr0ub4dor3x https://x.example", "curl -u [PASSWORD] https://x.example"},
		{"it is Tr0ub4dor3x ok", "it is [URL_CREDENTIALS] ok"},
		{`{"m":"out: {\"aws_secret_access_key\":\"wJalrXUtnFEMI\\/K7MDENG\\/bPxRfiCYzx9Q8kLmNop\"}"}`, `{"m":"out: {\"aws_secret_access_key\":\"[SECRET]\"}"}`},
		{`{"password":"Tr0ub4dor\"3xyzQQ77\\aa99bb"}`, `{"password":"[PASSWORD]"}`},
		{`{"m":"{\"password\":\"Tr0ub4dor\\\"3xyzQQ77\"}"}`, `{"m":"{\"password\":\"[PASSWORD]\"}"}`},
		{`out: {"password":"Tr0ub4dor\"3xyzQQ77","n":1}`, `out: {"password":"[PASSWORD]","n":1}`},
		{`{"m":"out: {\"password\":\"Tr0ub4dor\\\"3xyzQQ77\"}"}`, `{"m":"out: {\"password\":\"[PASSWORD]\"}"}`},
	} {
		in := fields(c[0], "postgres://admin:Tr0ub4dor3x@db.example.com/x")
		edits, err := s.Redact(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got := mask(in, edits)[0]; got != c[1] {
			t.Errorf("%s\ngot  %s\nwant %s", c[0], got, c[1])
		}
	}
}

// TestNumbersHideNowhere: a secret number that has no quotes, and is reported with what closes the JSON
// around it, is gone from other fields, too, and its token is theirs.
func TestNumbersHideNowhere(t *testing.T) {
	s, err := Load(t.Context(), []Source{{Name: "redact-secrets", Kind: abi.KindRedactor, Module: builtInModule(t, "redact-secrets")}},
		Options{Rules: map[string]Rule{AnyLabel: {Action: Token}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	for _, text := range []string{`{"password":84736251}`, `[{"password":84736251}]`, `{"b":{"password":84736251},"c":1}`, `password=84736251`} {
		in := fields(text, "84736251", `{"q":84736251,"z":1}`, "z 84736251.")
		edits, err := s.Redact(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range edits {
			if e.Value != "84736251" {
				t.Errorf("%s: a token of %q", text, e.Value)
			}
		}
		if got := strings.Join(mask(in, edits), " "); strings.Contains(got, "84736251") {
			t.Errorf("%s: left is %s", text, got)
		}
	}
}

// TestColoursHideNothing: what terminals show in colours is found by the built-in redactors, as
// it came from the terminal, in JSON and spelled, wherever the colour begins and ends.
func TestColoursHideNothing(t *testing.T) {
	s := builtIns(t)
	for _, secret := range []string{"4539578763621486", "536-22-8741", "jo.smith@example.org", "AKIAQ7XNP3Y5W2JKLM4R", "glpat-x8Kd92Jf7sLqP3xZ5vB1"} {
		for _, coloured := range []string{
			"\x1b[31m%s\x1b[0m", "\x1b[01;31m\x1b[K%s\x1b[m\x1b[K", "key=\x1b[38;5;208m%s\x1b[39m,", "\x1b[2J\x1b[1;1H%s", "a\x1b(B\x1b[m %s", "\x1b[31m" + secret + "\x1b[m\x1b[32m%s\x1b[m",
			"%s", // and so on: part of it
		} {
			if coloured == "%s" {
				coloured = secret[:4] + "\x1b[1m" + secret[4:7] + "\x1b[22m" + secret[7:]
			}
			text := strings.ReplaceAll(coloured, "%s", secret)
			inJSON, err := json.Marshal(map[string]string{"out": text})
			if err != nil {
				t.Fatal(err)
			}
			twice, err := json.Marshal([]string{string(inJSON)})
			if err != nil {
				t.Fatal(err)
			}
			in := fields(text, string(inJSON), string(twice), "log: "+string(inJSON)[:len(inJSON)-2], strings.ReplaceAll(text, "\x1b", `\x1b`), strings.ReplaceAll(text, "\x1b", `\033`))
			for i := range in { // each by itself: what is found in one is looked for in others
				edits, err := s.Redact(t.Context(), in[i:i+1])
				if err != nil {
					t.Fatal(err)
				}
				got := mask(in[i:i+1], edits)[0]
				if strings.Contains(got, secret) || strings.Contains(got, secret[7:]) {
					t.Errorf("%q became %q", in[i].Text, got)
				}
				if i < 3 && i > 0 && !json.Valid([]byte(got)) {
					t.Errorf("%q became %q, which is no JSON", in[i].Text, got)
				}
			}
		}
	}
	for _, c := range [][2]string{ // as grep and jq write them
		{"\x1b[01;31m\x1b[KDB_PASSWORD\x1b[m\x1b[K=Tr0ub4dor3xyz", "\x1b[01;31m\x1b[KDB_PASSWORD\x1b[m\x1b[K=[PASSWORD]"},
		{"\x1b[34;1m\"password\"\x1b[0m\x1b[1;39m:\x1b[0m \x1b[0;32m\"Tr0ub4dor3xyz\"\x1b[0m", "\x1b[34;1m\"password\"\x1b[0m\x1b[1;39m:\x1b[0m \x1b[0;32m\"[PASSWORD]\"\x1b[0m"},
	} {
		in := fields(c[0])
		edits, err := s.Redact(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got := mask(in, edits)[0]; got != c[1] {
			t.Errorf("got  %q\nwant %q", got, c[1])
		}
	}
}

// TestFullWidthHidesNothing: characters of ASCII that are as wide as Chinese ones are what they stand for.
func TestFullWidthHidesNothing(t *testing.T) {
	s := builtIns(t)
	for _, c := range [][2]string{
		{"カード番号：４５３９－５７８７－６３６２－１４８６、", "カード番号：[CARD]、"},
		{`{"連絡先":"ｊｏ．ｓｍｉｔｈ＠ｅｘａｍｐｌｅ．ｏｒｇ"}`, `{"連絡先":"[EMAIL]"}`},
		{"password：Tr0ub4dor3xyz，", "password：[PASSWORD]，"},
		{`["\uff21KIAQ7XNP3Y5W2JKLM4R"]`, `["[AWS_KEY]"]`},
	} {
		in := fields(c[0])
		edits, err := s.Redact(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got := mask(in, edits)[0]; got != c[1] {
			t.Errorf("%s\ngot  %s\nwant %s", c[0], got, c[1])
		}
	}
}

// FuzzRestore reports several ranges of what redactors see of any text, one behind the
// other: the edits are in order, and each character that was reported is in one.
func FuzzRestore(f *testing.F) {
	for _, s := range []string{`log {"a":"ticket=abc123\n4111 1111"} end`, `{"a":"b\nc\td","n":[421,"{\"b\":\"\\u0040\"}"]}`, `C:\nick\r\n\t\u0040`} {
		f.Add(s, []byte{10, 14, 0, 9})
		f.Add(s, []byte{2, 3, 0, 1, 0, 2, 0, 1, 1, 1})
	}
	f.Fuzz(func(t *testing.T, text string, sizes []byte) {
		if !utf8.ValidString(text) || len(text) > 1<<12 {
			return
		}
		in := fields(text)
		shown, seen := decode(in)
		view := shown[0].Text
		// A size is how much is left out, the next how much is reported.
		var reported []Edit
		at := 0
		for i, n := range sizes {
			from := at
			if at = min(at+int(n), len(view)); at < len(view) {
				at = runeStart(view, at)
			}
			if i%2 == 1 && from < at {
				reported = append(reported, Edit{Start: from, End: at})
			}
		}
		edits := seen.restore(in, shown, slices.Clone(reported))
		last := 0
		for _, e := range edits {
			if e.Start < last || e.End <= e.Start || e.End > len(text) || !utf8.ValidString(text[e.Start:e.End]) {
				t.Fatalf("edits %v of %q", edits, text)
			}
			last = e.End
		}
		back := new(jsontext.View)
		back.Open([]byte(text))
		for _, r := range reported {
			for i := r.Start; i < r.End; {
				_, n := utf8.DecodeRune(view[i:])
				for _, at := range back.Back(nil, i, i+n) {
					if n != len(view) && !covered(edits, at.Start, at.End) {
						t.Fatalf("%q at %d of %q is in no edit: %v", view[i:i+n], i, text, edits)
					}
				}
				i += n
			}
		}
	})
}

// covered reports whether edits, which are in order, have all of [start, end).
func covered(edits []Edit, start, end int) bool {
	for _, e := range edits {
		if e.Start <= start && start < e.End {
			start = e.End
		}
	}
	return start >= end
}

// decode is show without a budget.
func decode(fields []Field) ([]Field, *views) {
	shown, seen, err := show(fields, nil, new(reservation))
	if err != nil {
		panic(err) // nobody was asked
	}
	return shown, seen
}

// TestEndsOfManyValues: values, each in a string of the one before, are all part of the first, whose end is looked
// for once: a text of a megabyte took 0.8 seconds.
func TestEndsOfManyValues(t *testing.T) {
	const name = "ann.lee@tinroof.org"
	ends := func(size int) func() {
		text := []byte{'"'}
		for k := 1; len(text) < size; k++ {
			text = append(append(text, " "+name...), strings.Repeat(`\`, k)+`"`...)
		}
		text = append(text, strings.Repeat("word ", size/5)...)
		fields := []Field{{Text: text}}
		var room reservation
		shown, seen, err := show(fields, nil, &room)
		if err != nil {
			t.Fatal(err)
		}
		var found []Edit
		for at := 0; ; at += len(name) {
			n := bytes.Index(shown[0].Text[at:], []byte(name))
			if n < 0 {
				break
			}
			at += n
			found = append(found, Edit{Start: at, End: at + len(name), Label: "EMAIL"})
		}
		return func() {
			got := seen.complete(fields, shown, slices.Clone(found))
			if len(found) < 100 || len(got) != 1 || got[0].End != len(shown[0].Text) {
				t.Fatalf("%d values became %d, the first up to %d of %d", len(found), len(got), got[0].End, len(shown[0].Text))
			}
		}
	}
	takesAtMost(t, 32, ends(1<<19), ends(1<<15)) // sixteen times the text, with four times the values
}
