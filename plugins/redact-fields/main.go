// Command redact-fields is the notary's built-in redactor of whole fields: it
// allows, denies, drops or tokenises a text by the attribute key it stands
// under, by its role, and by another attribute of the same record. Built for
// wasip1 it is a plugin; see README.md for its configuration.
package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

func init() { redactor.Register(spec()) }

func main() {}

func spec() redactor.Spec { return redactor.Spec{Labels: labels[:], Configure: configure} }

// An action is what happens to a field.
type action int

const (
	deny action = iota
	drop
	token
	allow
)

// labels are those of the manifest, by action. What the host writes or does for
// a label is the operator's measured choice.
var labels = [...]string{"FIELD_DENIED", "FIELD_DROPPED", "FIELD_TOKEN"}

var actions = [...]string{"deny", "drop", "token", "allow"}

var roles = [...]string{
	abi.RoleOther: "other", abi.RoleSystem: "system", abi.RoleUser: "user", abi.RoleAssistant: "assistant",
	abi.RoleToolCall: "tool_call", abi.RoleToolResult: "tool_result", abi.RoleAttribute: "attribute",
	abi.RoleEvent: "event", abi.RoleResource: "resource",
}

// Bounds of a configuration.
const (
	maxRules  = 256
	maxNames  = 256 // in one list
	fullScore = 1000
)

// A rule says what happens to the fields that it is about. An empty list is
// about all.
type rule struct {
	keys   []string // exact, or a prefix with * behind it
	roles  uint32   // set of abi.Role, as bits
	when   *condition
	action action
}

// A condition looks at another attribute of the record.
type condition struct {
	key    string
	values []string
}

type fields struct {
	rules     []rule
	holds     []bool // by rule: whether its condition holds for the present record
	otherwise action
}

// errNone keeps a redactor that lets everything through from being taken for one
// that protects.
var errNone = errors.New("redact-fields: no rules are configured, and the rest is allowed")

func configure(text []byte) (redactor.Redactor, error) {
	f := &fields{otherwise: allow}
	err := config.Read(text, func(r *config.Reader, key string) {
		switch key {
		case "rules":
			r.List(func() {
				if len(f.rules) == maxRules {
					r.Fail("more than " + strconv.Itoa(maxRules) + " rules")
					return
				}
				f.rules = append(f.rules, readRule(r))
			})
		case "otherwise":
			f.otherwise = readAction(r)
		default:
			r.Unknown(key)
		}
	})
	if err != nil {
		return nil, err
	}
	if len(f.rules) == 0 && f.otherwise == allow {
		return nil, errNone
	}
	f.holds = make([]bool, len(f.rules))
	return f, nil
}

func readRule(r *config.Reader) rule {
	one := rule{action: -1}
	r.Object(func(key string) {
		switch key {
		case "keys":
			one.keys = readNames(r)
			for _, k := range one.keys {
				if at := strings.IndexByte(k, '*'); at >= 0 && at < len(k)-1 {
					r.Fail("a key with * before its end")
				}
			}
		case "roles":
			for _, name := range readNames(r) {
				one.roles |= role(r, name)
			}
		case "when":
			one.when = &condition{}
			r.Object(func(key string) {
				switch key {
				case "key":
					one.when.key = r.Text()
				case "values":
					one.when.values = readNames(r)
				default:
					r.Unknown(key)
				}
			})
			if one.when.key == "" || len(one.when.values) == 0 {
				r.Fail("when needs a key and values")
			}
		case "action":
			one.action = readAction(r)
		default:
			r.Unknown(key)
		}
	})
	if one.action < 0 {
		r.Fail("a rule has no action")
	}
	return one
}

func role(r *config.Reader, name string) uint32 {
	for i, have := range roles {
		if name == have {
			return 1 << i
		}
	}
	r.Fail("unknown role " + strconv.QuoteToASCII(name))
	return 0
}

func readAction(r *config.Reader) action {
	name := r.Text()
	for i, have := range actions {
		if name == have {
			return action(i)
		}
	}
	r.Fail("unknown action " + strconv.QuoteToASCII(name) + ", must be allow, deny, drop or token")
	return deny
}

// readNames reads a list of strings, none of them empty. An empty list would be
// about nothing where a missing one is about all.
func readNames(r *config.Reader) []string {
	var out []string
	r.List(func() {
		name := r.Text()
		if name == "" || len(out) == maxNames {
			r.Fail("an empty name, or more than " + strconv.Itoa(maxNames))
			return
		}
		out = append(out, name)
	})
	if len(out) == 0 {
		r.Fail("an empty list")
	}
	return out
}

// Redact implements redactor.Redactor. The first rule that is about a field
// decides. Fields of a record stand together.
func (f *fields) Redact(batch []abi.Field, edits *redactor.Edits) error {
	for from := 0; from < len(batch); {
		to := from + 1
		for to < len(batch) && batch[to].Group == batch[from].Group {
			to++
		}
		for i := range f.rules {
			f.holds[i] = f.rules[i].when.holds(batch[from:to], f.rules[i].action)
		}
		for i := from; i < to; i++ {
			if a := f.decide(&batch[i]); a != allow && len(batch[i].Text) > 0 {
				edits.Add(i, 0, len(batch[i].Text), uint16(a), fullScore)
			}
		}
		from = to
	}
	return nil
}

func (f *fields) decide(field *abi.Field) action {
	for i := range f.rules {
		if f.holds[i] && f.rules[i].about(field) {
			return f.rules[i].action
		}
	}
	return f.otherwise
}

func (r *rule) about(f *abi.Field) bool {
	role := uint32(1) << abi.RoleOther // as the ABI has it for unknown ones
	if int(f.Role) < len(roles) {
		role = 1 << f.Role
	}
	if r.roles != 0 && r.roles&role == 0 {
		return false
	}
	if len(r.keys) == 0 {
		return true
	}
	for _, k := range r.keys {
		prefix, open := strings.CutSuffix(k, "*")
		if string(f.Key) == k || open && strings.HasPrefix(string(f.Key), prefix) {
			return true
		}
	}
	return false
}

// holds looks for the condition's attribute among the fields of a record. A
// record that does not show it, or not in this batch, is treated as the stricter
// reading has it: a rule that allows does not apply, any other does.
func (c *condition) holds(record []abi.Field, then action) bool {
	if c == nil {
		return true
	}
	seen := false
	for i := range record {
		if string(record[i].Key) != c.key {
			continue
		}
		if slices.Contains(c.values, string(record[i].Text)) {
			return true
		}
		seen = true
	}
	return !seen && then != allow
}
