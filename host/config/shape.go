package config

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A shape holds a YAML document against the types of Config: which keys, each
// once, each with a value of the right kind, which the decoder would tell without its
// key. It notes the line of every key for the checks after it.
type shape struct {
	lines    map[string]int
	problems []Problem
}

// maxProblems bounds what one report tells: more is another kind of file.
const maxProblems = 50

func (s *shape) fail(line int, key, text, hint string) {
	s.problems = append(s.problems, Problem{Line: line, Key: key, Text: text, Hint: hint})
}

func (s *shape) document(doc *yaml.Node) {
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		s.fail(max(doc.Line, 1), "", "want keys and their values", "see the example configuration")
		return
	}
	s.node(doc.Content[0], reflect.TypeFor[Config](), "")
}

// node checks the value of the key at path, which is to become a t.
func (s *shape) node(n *yaml.Node, t reflect.Type, path string) {
	s.lines[path] = n.Line
	scalar := t.Kind() != reflect.Struct && t.Kind() != reflect.Slice || isText(t)
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		s.fail(n.Line, path, "anchors and aliases are not allowed", "write the value out")
	case n.Style&yaml.TaggedStyle != 0:
		s.fail(n.Line, path, "explicit tags are not allowed", "write the plain value")
	case n.Tag == "!!null":
		s.fail(n.Line, path, "has no value", "give one, or remove the key to have the default")
	case scalar && n.Kind != yaml.ScalarNode:
		s.fail(n.Line, path, "want a single value", "")
	case scalar:
		s.spelling(n, t, path)
	case t.Kind() == reflect.Slice && n.Kind != yaml.SequenceNode:
		s.fail(n.Line, path, "want a list", `begin each entry with "- "`)
	case t.Kind() == reflect.Slice:
		for i, c := range n.Content {
			s.node(c, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case n.Kind != yaml.MappingNode:
		s.fail(n.Line, path, "want keys and their values", "known here: "+strings.Join(keysOf(t), ", "))
	default:
		s.mapping(n, t, path)
	}
}

var decimal = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// spelling demands numbers and truths that everybody reads alike: versions of YAML
// differ about 0104, which is 68 to some, and about yes and off.
func (s *shape) spelling(n *yaml.Node, t reflect.Type, path string) {
	if isText(t) {
		if err := reflect.New(t).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Value)); err != nil {
			s.fail(n.Line, path, err.Error(), hashHint(path))
		}
		return
	}
	number := t.Kind() == reflect.Int || t.Kind() == reflect.Uint64
	switch {
	case number && !decimal.MatchString(n.Value):
		s.fail(n.Line, path, fmt.Sprintf("%.40q is not a decimal number", n.Value), "write it with the digits 0 to 9 and no 0 in front")
	case t.Kind() == reflect.Uint64 && n.Value[0] == '-':
		s.fail(n.Line, path, fmt.Sprintf("%.40q is less than 0", n.Value), "")
	case t.Kind() == reflect.Bool && n.Value != "true" && n.Value != "false":
		s.fail(n.Line, path, fmt.Sprintf("%.40q is not a truth", n.Value), "write true or false")
	}
}

// hashHint says where the hash comes from that the key at path wants; other keys have none.
func hashHint(path string) string {
	key := path[strings.LastIndexByte(path, '.')+1:]
	key, _, _ = strings.Cut(key, "[")
	switch key {
	case "api_key_hashes":
		return "write the hash, not the key: `notary keygen --api-key` makes a key and shows both"
	case "token_hash":
		return "write the hash, not the token: `notary keygen --operator-token` makes a token and shows both"
	case "sha256":
		return "run `notary plugin measure` on the module you mean"
	}
	return ""
}

func (s *shape) mapping(n *yaml.Node, t reflect.Type, path string) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content) && len(s.problems) < maxProblems; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, known := fieldOf(t, key.Value)
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			s.fail(key.Line, path, "a key must be a plain word", "")
		case first[key.Value] > 0:
			s.fail(key.Line, path, fmt.Sprintf("key %.60q is given twice, first on line %d", key.Value, first[key.Value]), "")
		case !known:
			s.fail(key.Line, path, fmt.Sprintf("unknown key %.60q", key.Value), nearest(key.Value, keysOf(t)))
		default:
			s.node(value, field.Type, join(path, key.Value))
			s.lines[join(path, key.Value)] = key.Line
		}
		first[key.Value] = key.Line
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// fieldOf returns the field of a struct that a YAML key sets.
func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Tag.Get("yaml") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// keysOf returns the YAML keys of a struct in the order of its fields.
func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			keys = append(keys, f.Tag.Get("yaml"))
		}
	}
	return keys
}

// nearest says which known key was probably meant, or which there are.
func nearest(key string, known []string) string {
	if best := Nearest(key, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	known = slices.Sorted(slices.Values(known))
	return "known here: " + strings.Join(known, ", ")
}

// Nearest returns which known word was probably meant, or "" if none is near.
func Nearest(word string, known []string) string {
	// From a third of the letters on it is another word.
	best, bestDistance := "", max(len(word)/3, 1)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours between two words (optimal string alignment). Words are cut at a
// length beyond which none is near.
func distance(a, b string) int {
	a, b = a[:min(len(a), 40)], b[:min(len(b), 40)]
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			substitute := row[j]
			if a[i] != b[j] {
				substitute++
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, substitute)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
