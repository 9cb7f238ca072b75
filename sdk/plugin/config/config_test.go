package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func Example() {
	var greeting string
	var times int
	err := Read([]byte(`{"greeting": "hello", "times": 2}`), func(r *Reader, key string) {
		switch key {
		case "greeting":
			greeting = r.Text()
		case "times":
			times = r.Int(1, 10)
		default:
			r.Unknown(key)
		}
	})
	fmt.Println(greeting, times, err)

	err = Read([]byte(`{"greetings": "hello"}`), func(r *Reader, key string) { r.Unknown(key) })
	fmt.Println(err)
	// Output:
	// hello 2 <nil>
	// config: unknown key "greetings", at byte 13
}

// read reads any JSON without fractions into what encoding/json gives.
func read(text []byte) (any, error) {
	var value func(r *Reader) any
	object := func(m map[string]any) func(*Reader, string) {
		return func(r *Reader, key string) { m[key] = value(r) }
	}
	value = func(r *Reader) any {
		r.space()
		switch r.next() {
		case '{':
			m := map[string]any{}
			r.Object(func(key string) { object(m)(r, key) })
			return m
		case '[':
			list := []any{}
			r.List(func() { list = append(list, value(r)) })
			return list
		case '"':
			return r.Text()
		case 't', 'f':
			return r.Bool()
		}
		return float64(r.Int(-1<<40, 1<<40))
	}
	m := map[string]any{}
	err := Read(text, object(m))
	return m, err
}

func TestRefused(t *testing.T) {
	for name, text := range map[string]string{
		"list":              `[]`,
		"behind":            `{} {}`,
		"open":              `{"a":1`,
		"trailing comma":    `{"a":1,}`,
		"list comma":        `{"a":[1,]}`,
		"twice":             `{"a":1,"a":2}`,
		"twice by escape":   `{"a":1,"\u0061":2}`,
		"fraction":          `{"a":1.5}`,
		"exponent":          `{"a":1e3}`,
		"leading zero":      `{"a":01}`,
		"minus zero":        `{"a":-0}`,
		"plus":              `{"a":+1}`,
		"null":              `{"a":null}`,
		"control":           "{\"a\":\"\n\"}",
		"escape":            `{"a":"\x"}`,
		"short escape":      `{"a":"\u12"}`,
		"half a pair":       `{"a":"\ud800"}`,
		"half and letter":   `{"a":"\ud800\u0041"}`,
		"not utf-8":         "{\"a\":\"\xff\"}",
		"no colon":          `{"a" 1}`,
		"key is no string":  `{a:1}`,
		"too deep":          strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1),
		"too long":          strings.Repeat(" ", MaxSize+1),
		"number too great":  `{"a":99999999999999999999}`,
		"number over bound": `{"a":1099511627777}`,
	} {
		if _, err := read([]byte(text)); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: error %v, want ErrConfig", name, err)
		}
	}
}

func TestUnreadValue(t *testing.T) {
	if err := Read([]byte(`{"a":1}`), func(*Reader, string) {}); !errors.Is(err, ErrConfig) {
		t.Errorf("a member nobody reads: error %v, want ErrConfig", err)
	}
}

// FuzzRead compares with encoding/json: what we accept it accepts, with the
// same values.
func FuzzRead(f *testing.F) {
	for _, s := range []string{``, ` {} `, `{"a":{"b":[true,false,-7,"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"]}}`, `{"a":[]}`, `{"":0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := read(text)
		if err != nil || len(strings.TrimSpace(string(text))) == 0 {
			return
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Fatalf("read %s, want %s", a, b)
		}
	})
}
