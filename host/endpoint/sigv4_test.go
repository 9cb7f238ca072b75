package endpoint

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestSigV4 signs the examples that AWS publishes for S3, with its example key.
func TestSigV4(t *testing.T) {
	path := file(t, "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n")
	c := SigV4(path, "us-east-1").(*sigV4)
	c.now = func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }
	for _, tc := range []struct{ url, header, value, want string }{
		{"https://examplebucket.s3.amazonaws.com/test.txt", "Range", "bytes=0-9", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{"https://examplebucket.s3.amazonaws.com/?lifecycle", "", "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		{"https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "", "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if tc.header != "" {
			r.Header.Set(tc.header, tc.value)
		}
		if err := c.apply(t.Context(), r, newBody(nil)); err != nil {
			t.Fatal(err)
		}
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+tc.want) {
			t.Errorf("%s: %s, want the signature %s", tc.url, got, tc.want)
		}
	}
}

// TestSigV4Request: what a service sees, and what it does not.
func TestSigV4Request(t *testing.T) {
	var seen *http.Request
	_, o := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen = r })
	o.Credential = SigV4(file(t, "ID:"+secret+":token"), "eu-central-1")
	e := open(t, o)
	r := get()
	r.Method, r.Body = abi.HTTPPut, []journal.Sealed{journal.Sealed("one"), journal.Sealed("two")}
	if _, err := e.Do(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	auth := seen.Header.Get("Authorization")
	if !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=ID/") || !strings.Contains(auth, "/eu-central-1/s3/aws4_request") ||
		!strings.Contains(auth, "x-amz-content-sha256") || !strings.Contains(auth, "host;") || seen.Header.Get("X-Amz-Security-Token") != "token" {
		t.Errorf("authorization %q", auth)
	}
	sum := sha256.Sum256([]byte("onetwo"))
	if got := seen.Header.Get("X-Amz-Checksum-Sha256"); got != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("checksum %q", got)
	}
	for name, v := range seen.Header {
		if strings.Contains(strings.Join(v, " "), secret) {
			t.Errorf("header %s has the secret", name)
		}
	}
	for _, bad := range []string{secret, ":" + secret, "ID:", ""} {
		if _, err := Open(Options{URL: "https://example.org", Credential: SigV4(file(t, bad), "r")}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := Open(Options{URL: "https://example.org", Credential: SigV4(file(t, "ID:"+secret), "")}); err == nil {
		t.Error("a signature for no region")
	}
}
