package endpoint

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// TestSecretFiles: a file without a credential is told at the start, and no error
// repeats what is in it.
func TestSecretFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "two lines": secret + "\nx: y", "a header more": secret + "\r\nx: y", "a space": secret + " x", "not ASCII": secret + "ä",
		"too long": strings.Repeat(secret, maxSecret/len(secret)+1),
	} {
		for _, c := range []Credential{SAS(file(t, text)), Bearer(file(t, text))} {
			if _, err := Open(Options{URL: "https://example.org", Credential: c}); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := Open(Options{URL: "https://example.org", Credential: SAS(file(t, "sv=2021&"+secret))}); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("a signature without sig: %v", err)
	}
	if _, err := Open(Options{URL: "https://example.org", Credential: Bearer("none")}); err == nil {
		t.Error("a file that is not there was accepted")
	}
}

// TestRenewedInPlace: the file is read for each request.
func TestRenewedInPlace(t *testing.T) {
	var seen string
	_, o := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Get("Authorization") + r.URL.RawQuery })
	token, sas := file(t, "first"), file(t, "sig=first")
	for path, c := range map[string]Credential{token: Bearer(token), sas: SAS(sas)} {
		o.Credential = c
		e := open(t, o)
		for _, text := range []string{"first", "second"} {
			prefix, want := "", "Bearer "+text
			if path == sas {
				prefix, want = "sig=", "sig="+text
			}
			if err := os.WriteFile(path, []byte(prefix+text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Do(t.Context(), get()); err != nil || seen != want {
				t.Errorf("%q, %v; want %q", seen, err, want)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Do(t.Context(), get()); err == nil {
			t.Error("asked without a credential")
		}
	}
}

// TestManagedIdentity: the token is fetched once, for storage, kept until shortly
// before its end, and never in an error.
func TestManagedIdentity(t *testing.T) {
	fetched, answer, status := 0, `{"access_token":"`+secret+`","expires_in":"3600"}`, 200
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fetched++; r.Header.Get("Metadata") != "true" || r.URL.RawQuery != "api-version=2018-02-01&client_id=me&resource=https%3A%2F%2Fstorage.azure.com%2F" {
			w.WriteHeader(400)
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	defer service.Close()
	var seen string
	_, o := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Get("Authorization") })
	c, err := ManagedIdentity(service.URL, "me")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.(*identity).now = func() time.Time { return now }
	o.Credential = c
	e := open(t, o)
	for range 3 {
		if _, err := e.Do(t.Context(), get()); err != nil || seen != "Bearer "+secret || fetched != 1 {
			t.Fatalf("%q, %v, fetched %d times", seen, err, fetched)
		}
	}
	now = now.Add(56 * time.Minute)
	if _, err := e.Do(t.Context(), get()); err != nil || fetched != 2 {
		t.Errorf("four minutes before its end: %v, fetched %d times", err, fetched)
	}
	now = now.Add(time.Hour)
	for _, bad := range []struct {
		status int
		answer string
	}{
		{500, answer},
		{302, answer},
		{200, ""},
		{200, `{"access_token":"","expires_in":"3600"}`},
		{200, `{"access_token":"` + secret + `\r\nx: y","expires_in":"3600"}`},
		{200, `{"access_token":"` + secret + `","expires_in":"soon"}`},
		{200, `{"access_token":"` + secret + `"}`},
	} {
		status, answer, seen = bad.status, bad.answer, ""
		if _, err := e.Do(t.Context(), get()); err == nil || seen != "" || strings.Contains(err.Error(), secret) {
			t.Errorf("%d %s: %v", bad.status, bad.answer, err)
		}
	}
	for _, elsewhere := range []string{"", "http://example.org/token", "https://169.254.169.254/token", "http://10.0.0.1", "http://169.254.169.254?x", "http://u@127.0.0.1"} {
		if _, err := ManagedIdentity(elsewhere, ""); err == nil {
			t.Errorf("%q was accepted as an identity service", elsewhere)
		}
	}
	if _, err := ManagedIdentity(DefaultIdentityURL, ""); err != nil {
		t.Error(err)
	}
}
