package azure_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A small reader of MAA's policies, version 1.2, as the grammar is documented: sections of
// rules, "conditions => action(arguments);". It evaluates them over the claims of a token.
// What it does not know it refuses.

type maaPolicy struct{ configuration, authorization, issuance []maaRule }

type maaRule struct {
	conditions []maaCondition
	action     string
	arguments  map[string]maaExpr
}

type maaCondition struct {
	name       string // "" if it is not referred to
	properties map[string]any
}

type maaExpr struct {
	literal  any       // string, bool or int64, nil if it is none of them
	variable string    // c or c.value
	function string    // with its arguments
	of       []maaExpr // of the function
}

type maaClaim struct {
	kind, issuer string
	value        any
}

var maaToken = regexp.MustCompile(`^\s*("(?:[^"\\\n]|\\.)*"|=>|==|&&|[A-Za-z_][A-Za-z0-9_]*|[0-9]+(?:\.[0-9]+)?|[{}()\[\];:,.=])`)

type maaParser struct{ tokens []string }

func parseMAA(text string) (p *maaPolicy, err error) {
	r := new(maaParser)
	for strings.TrimSpace(text) != "" {
		m := maaToken.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("no token at %.40q", text)
		}
		r.tokens, text = append(r.tokens, m[1]), text[len(m[0]):]
	}
	defer func() {
		if bad, ok := recover().(maaError); ok {
			err = errors.New(string(bad))
		}
	}()
	r.want("version", "=", "1.2", ";")
	p = &maaPolicy{
		configuration: r.section("configurationrules"),
		authorization: r.section("authorizationrules", "permit", "add"),
		issuance:      r.section("issuancerules", "add", "issue"),
	}
	if len(r.tokens) > 0 {
		r.fail("text behind the policy")
	}
	return p, nil
}

type maaError string

func (r *maaParser) fail(what string) {
	panic(maaError(fmt.Sprintf("%s at %.60q", what, strings.Join(r.tokens, " "))))
}

func (r *maaParser) next() string {
	if len(r.tokens) == 0 {
		r.fail("the end")
	}
	t := r.tokens[0]
	r.tokens = r.tokens[1:]
	return t
}

func (r *maaParser) peek(n int) string {
	if n < len(r.tokens) {
		return r.tokens[n]
	}
	return ""
}

func (r *maaParser) want(tokens ...string) {
	for _, t := range tokens {
		if r.peek(0) != t {
			r.fail("want " + t)
		}
		r.next()
	}
}

func (r *maaParser) section(name string, actions ...string) (rules []maaRule) {
	r.want(name, "{")
	for r.peek(0) != "}" {
		rule := r.rule()
		if !slices.Contains(actions, rule.action) {
			r.fail(rule.action + " is no action of " + name)
		}
		rules = append(rules, rule)
	}
	r.want("}", ";")
	return rules
}

func (r *maaParser) rule() (out maaRule) {
	for r.peek(0) != "=>" {
		if len(out.conditions) > 0 {
			r.want("&&")
		}
		out.conditions = append(out.conditions, r.condition())
	}
	r.want("=>")
	out.action, out.arguments = r.next(), map[string]maaExpr{}
	r.want("(")
	for r.peek(0) != ")" {
		if len(out.arguments) > 0 {
			r.want(",")
		}
		name := r.next()
		r.want("=")
		out.arguments[name] = r.expression()
	}
	r.want(")", ";")
	return out
}

func (r *maaParser) condition() maaCondition {
	c := maaCondition{properties: map[string]any{}}
	if r.peek(1) == ":" {
		c.name = r.next()
		r.want(":")
	}
	r.want("[")
	for r.peek(0) != "]" {
		if len(c.properties) > 0 {
			r.want(",")
		}
		name := r.next()
		if !slices.Contains([]string{"type", "issuer", "value"}, name) || c.properties[name] != nil {
			r.fail(name + " is no property, or comes twice")
		}
		r.want("==")
		e := r.expression()
		if e.literal == nil {
			r.fail("no literal")
		}
		c.properties[name] = e.literal
	}
	r.want("]")
	return c
}

func (r *maaParser) expression() maaExpr {
	t := r.next()
	switch {
	case t == "true" || t == "false":
		return maaExpr{literal: t == "true"}
	case t[0] == '"':
		s, err := strconv.Unquote(t)
		if err != nil {
			r.fail("string")
		}
		return maaExpr{literal: s}
	case t[0] >= '0' && t[0] <= '9':
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			r.fail("integer")
		}
		return maaExpr{literal: n}
	case r.peek(0) == "(":
		e := maaExpr{function: t}
		r.want("(")
		for r.peek(0) != ")" {
			if len(e.of) > 0 {
				r.want(",")
			}
			e.of = append(e.of, r.expression())
		}
		r.want(")")
		return e
	case r.peek(0) == ".":
		r.want(".", "value")
		return maaExpr{variable: t + ".value"}
	}
	return maaExpr{variable: t}
}

// evaluate says whether a token is given, and which claims the policy adds to it.
func (p *maaPolicy) evaluate(token map[string]any) (permitted bool, issued map[string]any, err error) {
	var claims []maaClaim
	for name, v := range token {
		switch x := v.(type) {
		case string, bool:
			claims = append(claims, maaClaim{name, "AttestationService", x})
		case json.Number:
			n, err := x.Int64()
			if err != nil {
				return false, nil, err
			}
			claims = append(claims, maaClaim{name, "AttestationService", n})
		default:
			text, err := json.Marshal(x)
			if err != nil {
				return false, nil, err
			}
			claims = append(claims, maaClaim{name, "AttestationService", string(text)})
		}
	}
	issued = map[string]any{}
	run := func(rules []maaRule) error {
		for _, rule := range rules {
			for _, found := range matches(rule.conditions, claims) {
				if rule.action == "permit" {
					permitted = true
					continue
				}
				c, err := claimOf(rule.arguments, found)
				switch {
				case err != nil:
					return err
				case rule.action == "add" && c.value != nil:
					claims = append(claims, c)
				case rule.action == "issue" && c.value != nil:
					issued[c.kind] = c.value
				}
			}
		}
		return nil
	}
	if err := run(p.authorization); err != nil || !permitted {
		return false, nil, err
	}
	return true, issued, run(p.issuance)
}

// matches returns a set of claims by name for each way to meet all conditions; one that
// has no name is met or not.
func matches(conditions []maaCondition, claims []maaClaim) []map[string]maaClaim {
	found := []map[string]maaClaim{{}}
	for _, c := range conditions {
		var fit []maaClaim
		for _, x := range claims {
			has := map[string]any{"type": x.kind, "issuer": x.issuer, "value": x.value}
			ok := true
			for name, want := range c.properties {
				ok = ok && has[name] == want
			}
			if ok {
				fit = append(fit, x)
			}
		}
		switch {
		case len(fit) == 0:
			return nil
		case c.name != "":
			var more []map[string]maaClaim
			for range found {
				for _, x := range fit {
					more = append(more, map[string]maaClaim{c.name: x})
				}
			}
			found = more
		}
	}
	return found
}

func claimOf(arguments map[string]maaExpr, found map[string]maaClaim) (maaClaim, error) {
	if whole, ok := arguments["claim"]; ok && len(arguments) == 1 {
		c, ok := found[whole.variable]
		if !ok {
			return c, fmt.Errorf("no claim %s", whole.variable)
		}
		return c, nil
	}
	kind, ok := arguments["type"].literal.(string)
	if !ok || len(arguments) != 2 {
		return maaClaim{}, errors.New("want type and value, or claim")
	}
	v, err := value(arguments["value"], found)
	return maaClaim{kind, "AttestationPolicy", v}, err
}

func value(e maaExpr, found map[string]maaClaim) (any, error) {
	switch {
	case e.literal != nil:
		return e.literal, nil
	case e.function == "JmesPath" && len(e.of) == 2:
		text, err1 := value(e.of[0], found)
		query, err2 := value(e.of[1], found)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return jmesPath(fmt.Sprint(text), fmt.Sprint(query))
	case e.function == "JsonToClaimValue" && len(e.of) == 1:
		text, err := value(e.of[0], found)
		if err != nil {
			return nil, err
		}
		var v any
		if err := json.Unmarshal([]byte(fmt.Sprint(text)), &v); err != nil {
			return nil, err
		}
		switch v.(type) {
		case nil, string, bool:
			return v, nil // null makes no claim
		}
		return nil, fmt.Errorf("%T is no claim's value", v)
	}
	name, ok := strings.CutSuffix(e.variable, ".value")
	c, known := found[name]
	if !ok || !known {
		return nil, fmt.Errorf("no value %q", e.variable)
	}
	return c.value, nil
}

var jmesStep = regexp.MustCompile(`^(?:([A-Za-z_][A-Za-z0-9_]*)|"((?:[^"\\])+)")(?:\.|$)`)

// jmesPath evaluates the part of JMESPath that walks objects: names, quoted if they are no
// identifiers, and dots.
func jmesPath(document, query string) (string, error) {
	var v any
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", err
	}
	for query != "" {
		m := jmesStep.FindStringSubmatch(query)
		if m == nil {
			return "", fmt.Errorf("JMESPath at %q", query)
		}
		o, _ := v.(map[string]any)
		v, query = o[m[1]+m[2]], query[len(m[0]):]
	}
	out, err := json.Marshal(v)
	return string(out), err
}

// A strict reader of release policies, in the flat form that all documents promise.

type releasePolicy struct {
	Version string `json:"version"`
	AnyOf   []struct {
		Authority string `json:"authority"`
		AllOf     []struct {
			Claim  string          `json:"claim"`
			Equals json.RawMessage `json:"equals"`
		} `json:"allOf"`
	} `json:"anyOf"`
}

func parseRelease(text []byte) (*releasePolicy, error) {
	p := new(releasePolicy)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text behind the policy")
	}
	if p.Version != "1.0.0" || len(p.AnyOf) == 0 {
		return nil, errors.New("want version 1.0.0 and one authority at least")
	}
	for _, a := range p.AnyOf {
		if !strings.HasPrefix(a.Authority, "https://") || len(a.AllOf) == 0 {
			return nil, errors.New("want an authority's URL and one condition at least")
		}
		for _, c := range a.AllOf {
			if c.Claim == "" || len(c.Equals) == 0 || !strings.ContainsAny(string(c.Equals[:1]), `"0123456789`) {
				return nil, fmt.Errorf("condition on %q: want equals with a string or a number", c.Claim)
			}
		}
	}
	return p, nil
}

// releases says whether a key is released to a token: dots in a claim's name walk
// objects, an array is never entered, and a claim that is not there equals nothing.
func (p *releasePolicy) releases(token map[string]any) bool {
	for _, a := range p.AnyOf {
		ok := token["iss"] == a.Authority
		for _, c := range a.AllOf {
			ok = ok && equals(walk(token, c.Claim), c.Equals)
		}
		if ok {
			return true
		}
	}
	return false
}

func walk(token map[string]any, name string) any {
	var v any = token
	for _, step := range strings.Split(name, ".") {
		o, _ := v.(map[string]any)
		v = o[step]
	}
	return v
}

func equals(claim any, want json.RawMessage) bool {
	var text string
	if json.Unmarshal(want, &text) != nil {
		n, ok := claim.(json.Number)
		return ok && n.String() == string(want)
	}
	switch x := claim.(type) {
	case string:
		return x == text
	case bool:
		return strconv.FormatBool(x) == text
	}
	return false
}
