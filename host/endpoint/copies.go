package endpoint

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Bounds of a look for copies: pages of a listing, and bytes of each.
const (
	maxCopyPages = 5
	maxCopyPage  = 16 << 20
)

// Copies asks a service what it keeps of objects that were replaced or deleted, and
// returns what it tells: versions, snapshots, soft-deleted objects, and that
// a policy keeps them. It looks at the first few thousand objects. That it tells of nothing
// excludes nothing: backups and replicas are not among it, nor what the credential may not
// see.
//
// This is the one place that knows protocols: of Azure Blob Storage and of S3, which are
// told apart by the answer.
func (e *Endpoint) Copies(ctx context.Context) ([]journal.Copy, error) {
	var k kept
	known, err := k.azure(ctx, e)
	if err != nil {
		return nil, err
	}
	if !known {
		if known, err = k.s3(ctx, e); err != nil {
			return nil, err
		}
	}
	if !known {
		return nil, fmt.Errorf("the listing of versions is refused with %d, or in no form that is known", k.status)
	}
	return k.copies(), nil
}

// kept is what a service keeps, counted.
type kept struct {
	versions, snapshots, deleted int
	policy, more                 bool
	status                       int // of the last answer
}

func (k *kept) copies() []journal.Copy {
	var out []journal.Copy
	for _, c := range []struct {
		count      int
		kind, what string
	}{
		{k.versions, "versions", "earlier versions of objects are kept"},
		{k.snapshots, "snapshots", "snapshots of objects are kept"},
		{k.deleted, "deleted", "deleted objects can be restored"},
	} {
		if c.count > 0 {
			line := fmt.Sprintf("%s: %d", c.what, c.count)
			if k.more {
				line += ", or more"
			}
			out = append(out, journal.Copy{Kind: c.kind, Count: uint64(c.count), Text: line})
		}
	}
	if k.policy {
		out = append(out, journal.Copy{Kind: "policy", Count: 1, Text: "a retention policy or legal hold keeps what is replaced"})
	}
	if k.more && len(out) == 0 {
		out = append(out, journal.Copy{Kind: "more", Count: 1, Text: "there are more objects than were looked at"})
	}
	return out
}

// page asks for one page of a listing.
func (k *kept) page(ctx context.Context, e *Endpoint, into any, query ...abi.HTTPField) (bool, error) {
	r, err := e.Do(ctx, &pluginhost.HTTPRequest{
		Method: abi.HTTPGet, Query: slices.DeleteFunc(query, func(f abi.HTTPField) bool { return f.Value == "" && f.Name != "versions" }),
		Headers: []abi.HTTPField{{Name: "x-ms-version", Value: "2021-12-02"}}, MaxBody: maxCopyPage,
	})
	if err != nil {
		return false, err
	}
	k.status = r.Status
	return r.Status == http.StatusOK && xml.Unmarshal(r.Body, into) == nil, nil
}

// azure reports false if the answers are not those of Azure Blob Storage.
func (k *kept) azure(ctx context.Context, e *Endpoint) (known bool, err error) {
	container := abi.HTTPField{Name: "restype", Value: "container"}
	next := ""
	for range maxCopyPages {
		var list struct {
			XMLName xml.Name `xml:"EnumerationResults"`
			Blobs   []struct {
				Snapshot string
				Version  string `xml:"VersionId"`
				Current  bool   `xml:"IsCurrentVersion"`
				Deleted  bool
			} `xml:"Blobs>Blob"`
			NextMarker string
		}
		ok, err := k.page(ctx, e, &list, container, abi.HTTPField{Name: "comp", Value: "list"},
			abi.HTTPField{Name: "include", Value: "deleted,snapshots,versions"}, abi.HTTPField{Name: "marker", Value: next})
		if err != nil || !ok {
			return false, err
		}
		for _, b := range list.Blobs {
			switch {
			case b.Deleted:
				k.deleted++
			case b.Snapshot != "":
				k.snapshots++
			case b.Version != "" && !b.Current:
				k.versions++
			}
		}
		if next = list.NextMarker; next == "" {
			break
		}
	}
	k.more = next != ""
	r, err := e.Do(ctx, &pluginhost.HTTPRequest{Method: abi.HTTPHead, Query: []abi.HTTPField{container}, Headers: []abi.HTTPField{{Name: "x-ms-version", Value: "2021-12-02"}}})
	if err != nil {
		return false, err
	}
	for _, h := range r.Headers {
		k.policy = k.policy || strings.HasPrefix(h.Name, "x-ms-") && h.Value == "true"
	}
	return true, nil
}

// s3 reports false if the answers are not those of S3.
func (k *kept) s3(ctx context.Context, e *Endpoint) (known bool, err error) {
	key, version := "", ""
	for range maxCopyPages {
		var list struct {
			XMLName  xml.Name
			Versions []struct {
				IsLatest bool
			} `xml:"Version"`
			NextKeyMarker string
			NextVersion   string `xml:"NextVersionIdMarker"`
			IsTruncated   bool
		}
		ok, err := k.page(ctx, e, &list, abi.HTTPField{Name: "versions"}, abi.HTTPField{Name: "key-marker", Value: key}, abi.HTTPField{Name: "version-id-marker", Value: version})
		// Servers that are not Amazon's name the answer after the operation.
		if name := list.XMLName.Local; err != nil || !ok || name != "ListVersionsResult" && name != "ListBucketVersionsResult" {
			return false, err
		}
		for _, v := range list.Versions {
			if !v.IsLatest {
				k.versions++
			}
		}
		if k.more = list.IsTruncated; !k.more {
			break
		}
		key, version = list.NextKeyMarker, list.NextVersion
	}
	return true, nil
}
