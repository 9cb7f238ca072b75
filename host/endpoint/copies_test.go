package endpoint_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/endpoint"
	"github.com/veriproof/notary/host/journal"
)

// TestCopiesOfServices: what a service keeps of replaced and deleted objects is told, in the
// protocol that it speaks; what it refuses to tell is an error and not nothing.
func TestCopiesOfServices(t *testing.T) {
	azure := func(blobs, next string) string {
		return `<?xml version="1.0"?><EnumerationResults><Blobs>` + blobs + `</Blobs><NextMarker>` + next + `</NextMarker></EnumerationResults>`
	}
	current := `<Blob><Name>a</Name><VersionId>2</VersionId><IsCurrentVersion>true</IsCurrentVersion></Blob>`
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		want   []string
		failed string
	}{
		{name: "Azure keeps nothing", answer: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, azure(`<Blob><Name>a</Name></Blob>`+current, ""))
		}},
		{name: "Azure keeps all kinds", answer: func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.Header().Set("x-ms-has-immutability-policy", "true")
				return
			}
			if q := r.URL.Query(); q.Get("include") != "deleted,snapshots,versions" || r.Header.Get("x-ms-version") == "" {
				http.Error(w, "not asked for", http.StatusBadRequest)
			} else if q.Get("marker") == "" {
				fmt.Fprint(w, azure(`<Blob><Name>a</Name><VersionId>1</VersionId></Blob>`+current+`<Blob><Name>a</Name><Snapshot>2026</Snapshot></Blob>`, "m&amp;1"))
			} else {
				fmt.Fprint(w, azure(`<Blob><Name>b</Name><Deleted>true</Deleted></Blob><Blob><Name>b</Name><Snapshot>1</Snapshot></Blob>`, ""))
			}
		}, want: []string{"versions 1: earlier versions of objects are kept: 1", "snapshots 2: snapshots of objects are kept: 2", "deleted 1: deleted objects can be restored: 1", "policy 1: a retention policy or legal hold keeps what is replaced"}},
		{
			name: "Azure without end", answer: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, azure(current, "more")) },
			want: []string{"more 1: there are more objects than were looked at"},
		},
		{name: "S3 keeps nothing", answer: s3Answer(`<Version><Key>a</Key><IsLatest>true</IsLatest></Version>`)},
		{
			name: "S3 keeps versions", answer: s3Answer(`<Version><Key>a</Key><IsLatest>true</IsLatest></Version><Version><Key>a</Key><IsLatest>false</IsLatest></Version><DeleteMarker/>`),
			want: []string{"versions 1: earlier versions of objects are kept: 1"},
		},
		{
			name: "S3 without end", answer: s3Answer(`<IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker><Version><IsLatest>false</IsLatest></Version>`),
			want: []string{"versions 5: earlier versions of objects are kept: 5, or more"},
		},
		{name: "refused", answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<Error/>", http.StatusForbidden) }, failed: "refused with 403"},
		{name: "something else", answer: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, failed: "in no form that is known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(tt.answer))
			defer server.Close()
			secret := filepath.Join(t.TempDir(), "sas")
			if err := os.WriteFile(secret, []byte("sv=2021-12-02&sig=c2VjcmV0"), 0o600); err != nil {
				t.Fatal(err)
			}
			e, err := endpoint.Open(endpoint.Options{URL: server.URL + "/keys", Insecure: true, Credential: endpoint.SAS(secret)})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			got, err := e.Copies(t.Context())
			if tt.failed != "" {
				if err == nil || !strings.Contains(err.Error(), tt.failed) || strings.Contains(err.Error(), "sig=") {
					t.Errorf("%v, want %q", err, tt.failed)
				}
				return
			}
			if err != nil || !slices.Equal(lines(got), tt.want) {
				t.Errorf("%q %v, want %q", lines(got), err, tt.want)
			}
		})
	}
}

// lines are copies with kind, count and text.
func lines(found []journal.Copy) (out []string) {
	for _, c := range found {
		out = append(out, fmt.Sprintf("%s %d: %s", c.Kind, c.Count, c.Text))
	}
	return out
}

// s3Answer answers as S3, which does not know the query of Azure and lists the bucket.
func s3Answer(versions string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("versions") {
			fmt.Fprintf(w, `<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</ListVersionsResult>`, versions)
			return
		}
		fmt.Fprint(w, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></ListBucketResult>`)
	}
}
