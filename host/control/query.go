package control

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	maxSession  = 4096 // bytes of a session id
	maxTenant   = 256  // bytes of a tenant's name
	maxDisclose = 1024 // leaves opened in one bundle
)

// query parses the query string and refuses parameters other than the allowed.
func query(r *http.Request, allowed ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badQuery("query string cannot be read", "percent-encode the values")
	}
	for name, values := range q {
		if !slices.Contains(allowed, name) {
			return nil, badQuery("unknown query parameter", fmt.Sprintf("this endpoint knows %q", allowed))
		}
		if name != "disclose" && len(values) != 1 {
			return nil, badQuery("query parameter "+name+" is given twice", "give it once")
		}
	}
	return q, nil
}

// session returns the session id of the path.
func session(r *http.Request) (string, error) {
	id := r.PathValue("session")
	if id == "" || len(id) > maxSession || !utf8.ValidString(id) {
		return "", badQuery("session id is not usable", fmt.Sprintf("want 1 to %d bytes of UTF-8, percent-encoded as one path segment", maxSession))
	}
	return id, nil
}

// tenantOf returns the tenant whose sessions the caller asks for. A tenant has
// no choice; operators and auditors have no default.
func tenantOf(c *caller, q url.Values) (string, error) {
	if c.roles == nil {
		if q.Has("tenant") {
			return "", badQuery("only operators and auditors name a tenant", "leave the parameter tenant out")
		}
		return c.tenant, nil
	}
	t := q.Get("tenant")
	if t == "" || len(t) > maxTenant {
		return "", badQuery("the tenant is missing or too long", "add ?tenant=NAME")
	}
	return t, nil
}

// partWanted reads epoch and part; nil where the client leaves the choice.
func partWanted(q url.Values) (epoch *string, part *uint32, err error) {
	if q.Has("epoch") {
		e := q.Get("epoch")
		b, err := hex.DecodeString(e)
		if err != nil || len(b) != 16 || hex.EncodeToString(b) != e {
			return nil, nil, badQuery("epoch is not 32 characters of lower-case hex", "take it from GET /v1/sessions/{session}")
		}
		epoch = &e
	}
	if q.Has("part") {
		n, err := strconv.ParseUint(q.Get("part"), 10, 32)
		if err != nil {
			return nil, nil, badQuery("part is not a number", "take it from GET /v1/sessions/{session}")
		}
		p := uint32(n)
		part = &p
	}
	return epoch, part, nil
}

// choose finds the one part that is meant among those of a session.
func choose(parts []Part, epoch *string, part *uint32) (PartRef, error) {
	var found []PartRef
	for _, p := range parts {
		if (epoch == nil || p.Epoch == *epoch) && (part == nil || p.Part == *part) {
			found = append(found, PartRef{Epoch: p.Epoch, Part: p.Part})
		}
	}
	switch len(found) {
	case 0:
		return PartRef{}, ErrNotFound
	case 1:
		return found[0], nil
	}
	return PartRef{}, badQuery(fmt.Sprintf("%d parts fit", len(found)), "add part=N, and epoch=HEX if the session outlived a restart; see GET /v1/sessions/{session}")
}

func disclosed(q url.Values) ([]uint64, error) {
	values := q["disclose"]
	if len(values) > maxDisclose {
		return nil, badQuery("too many records to disclose", fmt.Sprintf("at most %d in one bundle", maxDisclose))
	}
	var leaves []uint64
	for _, v := range values {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			return nil, badQuery("disclose is not a leaf index", "give numbers from 0, one per parameter: disclose=0&disclose=3")
		}
		leaves = append(leaves, n)
	}
	slices.Sort(leaves)
	return slices.Compact(leaves), nil
}
