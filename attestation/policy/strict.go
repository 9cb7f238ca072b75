package policy

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// checkDocument holds the file against the shape of Policy before anything is
// decoded, for the sake of what a decoder lets pass and of errors that help.
func checkDocument(doc *yaml.Node) error {
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want a mapping of keys to values", max(doc.Line, 1))
	}
	return checkNode(doc.Content[0], reflect.TypeFor[Policy](), "the policy")
}

func checkNode(n *yaml.Node, t reflect.Type, name string) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return fmt.Errorf("line %d: anchors and aliases are not allowed", n.Line)
	case n.Style&yaml.TaggedStyle != 0:
		return fmt.Errorf("line %d: tags such as %.40s are not allowed: write the plain value", n.Line, n.Tag)
	case n.Tag == "!!null":
		return fmt.Errorf("line %d: %s has no value: give one or take the key out", n.Line, name)
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0, n.Kind == yaml.MappingNode && len(n.Content) == 0:
		return fmt.Errorf("line %d: %s is empty: give a value or take the key out", n.Line, name)
	case n.Kind == yaml.ScalarNode && n.Value == "":
		// To a decoder it is the same as a key that is not there.
		return fmt.Errorf("line %d: %s is empty: give a value or take the key out", n.Line, name)
	case n.Kind == yaml.ScalarNode:
		return checkScalar(n, t, name)
	case n.Kind == yaml.MappingNode:
		return checkMapping(n, t)
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, c := range n.Content {
			if err := checkNode(c, t.Elem(), "an entry of "+name); err != nil {
				return err
			}
		}
	}
	// A node of the wrong kind is left to the decoder, which names the types.
	return nil
}

var decimal = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// checkScalar demands the spelling of numbers and truths that everybody reads alike:
// versions of YAML differ about 0104, which is 68 to some, and about yes and off.
func checkScalar(n *yaml.Node, t reflect.Type, name string) error {
	switch number := t.Kind() == reflect.Uint8 || t.Kind() == reflect.Uint64; {
	case number && !decimal.MatchString(n.Value):
		return fmt.Errorf("line %d: %s is %.40q, want a decimal number", n.Line, name, n.Value)
	case t.Kind() == reflect.Bool && n.Value != "true" && n.Value != "false":
		return fmt.Errorf("line %d: %s is %.40q, want true or false", n.Line, name, n.Value)
	}
	return nil
}

func checkMapping(n *yaml.Node, t reflect.Type) error {
	known := fields(t)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			return fmt.Errorf("line %d: a key must be a plain word", key.Line)
		}
		child, ok := known[key.Value]
		if t.Kind() == reflect.Map {
			child, ok = t.Elem(), true
		}
		if !ok {
			return fmt.Errorf("line %d: unknown key %.60q%s", key.Line, key.Value, hint(key.Value, known))
		}
		if err := checkNode(value, child, key.Value); err != nil {
			return err
		}
	}
	return nil
}

// fields returns the YAML keys of a struct type with their types.
func fields(t reflect.Type) map[string]reflect.Type {
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return nil
	}
	known := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		known[key] = t.Field(i).Type
	}
	return known
}

// hint names the nearest known key, or all if none is near.
func hint(key string, known map[string]reflect.Type) string {
	keys := make([]string, 0, len(known))
	for k := range known {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	best, bestDist := "", 3 // a distance of 3 and more is another word
	for _, k := range keys {
		if d := distance(strings.ToLower(key), k); d < bestDist {
			best, bestDist = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf(", did you mean %q?", best)
	case len(keys) > 0:
		return ", known here: " + strings.Join(keys, ", ")
	}
	return ""
}

// distance is the Levenshtein distance of two short words. Keys are cut at a
// length beyond which none is near.
func distance(a, b string) int {
	a = a[:min(len(a), 40)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
