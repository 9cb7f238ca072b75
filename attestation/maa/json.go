package maa

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxDepth bounds the nesting of JSON from outside; real tokens have four levels.
const maxDepth = 16

// An object is a JSON object whose members are looked up by their exact name.
// Package encoding/json matches names case-insensitively and lets the last
// duplicate win, so that two parsers of one signed text can disagree about it.
type object map[string]any

// parseObject decodes exactly one JSON object. It refuses invalid UTF-8,
// duplicate members at any level, nesting beyond maxDepth and trailing data.
// Values are object, []any, string, json.Number, bool or nil.
func parseObject(b []byte) (object, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("not valid UTF-8")
	}
	if !json.Valid(b) {
		return nil, errors.New("not one JSON value")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("data after the JSON value")
	}
	o, ok := v.(object)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return o, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return parseMembers(d, depth)
	case json.Delim('['):
		return parseElements(d, depth)
	}
	return t, nil
}

func parseMembers(d *json.Decoder, depth int) (object, error) {
	o := object{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, errors.New("member name is not a string")
		}
		if _, dup := o[name]; dup {
			return nil, fmt.Errorf("duplicate member %q", printable(name, 80))
		}
		if o[name], err = parseValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token() // the closing brace
	return o, err
}

func parseElements(d *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for d.More() {
		v, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token() // the closing bracket
	return list, err
}

// compactSorted writes v as MAA writes x-ms-runtime: no white space, members
// sorted bytewise at every level, numbers digit by digit as they were read, and
// no escapes but those that JSON demands.
func compactSorted(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
