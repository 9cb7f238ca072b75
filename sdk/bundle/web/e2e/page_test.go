// Package e2e tries the verifier's page in a real Chromium: from a plain folder and
// as "notary verify --web" serves it.
//
//	NOTARY_WEB   the folder that "make web WEBTAGS=simtee" makes
//	NOTARY_TOOL  the development build of notary
//	NOTARY_DEMO  the directory of a demo that has run
//	NOTARY_SHOTS where screenshots go, if anywhere
package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience bounds what has to happen; nothing is judged by how long it takes.
const patience = 2 * time.Minute

func env(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set; see the package comment", name)
	}
	abs, err := filepath.Abs(v)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// browser starts Chromium with one tab.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WSURLReadTimeout(patience))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	return ctx
}

// served starts "notary verify --web" and returns its address.
func served(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), env(t, "NOTARY_TOOL"), "verify", "--web", "--web-dir", env(t, "NOTARY_WEB"), "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	for s := bufio.NewScanner(out); s.Scan(); {
		if a := address.FindString(s.Text()); a != "" {
			go func() {
				for s.Scan() {
				}
			}()
			return a
		}
	}
	t.Fatal("notary verify --web told no address")
	return ""
}

// evidence are the files that the page is asked about, and what the tool says.
type evidence struct {
	name, bundle, policy, verdict string
}

// files makes a good bundle, tampered ones and a policy that leaves a check undone.
func files(t *testing.T) []evidence {
	t.Helper()
	demo, dir := env(t, "NOTARY_DEMO"), t.TempDir()
	good, err := os.ReadFile(filepath.Join(demo, "session.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile(filepath.Join(demo, "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	unlogged := regexp.MustCompile(`(?m)^log:\n(  .*\n)+`).ReplaceAll(policy, nil)
	if len(unlogged) == len(policy) {
		t.Fatal("the demo's policy names no log")
	}
	// A file of its own for each: choosing the same one again changes nothing.
	own := func(name string) string { return write(name+".yaml", policy) }
	out := []evidence{
		{"good", write("good.bundle", good), own("good"), "verified"},
		{"no log", write("unlogged.bundle", good), write("unlogged.yaml", unlogged), "incomplete"},
	}
	for _, part := range []int{3, 5, 9} { // thirds, fifths, ninths of the file
		b := append([]byte(nil), good...)
		b[len(b)*2/part] ^= 1
		name := "tampered-" + string(rune('0'+part))
		out = append(out, evidence{"tampered", write(name+".bundle", b), own(name), "failed"})
	}
	out = append(out,
		evidence{"no records", exported(t, demo, filepath.Join(dir, "closed")), own("closed"), "verified"},
		evidence{"all records", exported(t, demo, filepath.Join(dir, "open"), "--identity", "recipient.pem"), own("open"), "verified"},
		evidence{"golden", write("golden.bundle", golden(t)), own("golden"), "incomplete"},
	)
	return append(out, evidence{"no bundle", write("text.bundle", []byte("this is no bundle")), own("text"), "failed"})
}

// golden is the bundle of the format's vector: a file with every part, and in them nothing
// by which a notary could be appraised.
func golden(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "bundle.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vector struct{ Bundle []byte }
	if err := json.Unmarshal(text, &vector); err != nil || len(vector.Bundle) == 0 {
		t.Fatalf("%d bytes, %v", len(vector.Bundle), err)
	}
	return vector.Bundle
}

// exported has the tool write bundles of all of the demo's sessions, and returns one.
func exported(t *testing.T, demo, dir string, more ...string) string {
	t.Helper()
	args := append([]string{"export", "--unjournaled", "--config", "notary.yaml", "--from", "2020-01-01", "--to", "2200-01-01", "-o", dir}, more...)
	cmd := exec.CommandContext(t.Context(), env(t, "NOTARY_TOOL"), args...)
	cmd.Dir = demo
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.bundle"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d bundles, %v", len(names), err)
	}
	return names[0]
}

func tool(t *testing.T, e evidence, more ...string) any {
	t.Helper()
	args := append([]string{"verify", "--json", "--policy", e.policy}, append(more, e.bundle)...)
	out, err := exec.CommandContext(t.Context(), env(t, "NOTARY_TOOL"), args...).Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return parsed(t, string(out))
}

func parsed(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %.200q", err, text)
	}
	return v
}

// open loads the page and waits until the verifier is there.
func open(address string) chromedp.Tasks {
	return chromedp.Tasks{
		chromedp.Navigate(address),
		chromedp.WaitEnabled("#go", chromedp.ByQuery),
	}
}

// ask gives the page its files and presses the button.
func ask(e evidence) chromedp.Tasks {
	return chromedp.Tasks{
		chromedp.Evaluate(`document.getElementById("json").textContent = ""; document.getElementById("policy").value = ""`, nil),
		chromedp.SetUploadFiles("#bundle", []string{e.bundle}, chromedp.ByQuery),
		chromedp.SetUploadFiles("#policy-file", []string{e.policy}, chromedp.ByQuery),
		chromedp.Poll(`document.getElementById("policy").value !== ""`, nil),
		chromedp.Click("#go", chromedp.ByQuery),
		chromedp.Poll(`document.getElementById("json").textContent !== ""`, nil),
	}
}

func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("NOTARY_SHOTS")
	if dir == "" {
		return
	}
	var png []byte
	if err := chromedp.Run(ctx, chromedp.FullScreenshot(&png, 100)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSameAsTool: the page says what the tool says, to the last field, from a plain
// folder and when it is served; and once it is loaded it asks nobody anything.
func TestSameAsTool(t *testing.T) {
	all := files(t)
	for name, address := range map[string]string{
		"folder": "file://" + filepath.Join(env(t, "NOTARY_WEB"), "index.html"),
		"served": served(t),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := browser(t)
			var loaded atomic.Bool
			var late atomic.Int32
			chromedp.ListenTarget(ctx, func(ev any) {
				if r, ok := ev.(*network.EventRequestWillBeSent); ok && loaded.Load() && !strings.HasPrefix(r.Request.URL, "blob:") {
					late.Add(1)
					t.Logf("a request after load: %s", r.Request.URL)
				}
			})
			if err := chromedp.Run(ctx, network.Enable(), open(address)); err != nil {
				t.Fatal(err)
			}
			loaded.Store(true)
			for _, e := range all {
				var text, title, focus string
				if err := chromedp.Run(ctx, ask(e),
					chromedp.Text("#json", &text, chromedp.ByQuery, chromedp.NodeReady),
					chromedp.Text("#verdict", &title, chromedp.ByQuery),
					chromedp.Evaluate(`document.activeElement.id`, &focus),
				); err != nil {
					t.Fatalf("%s: %v", e.name, err)
				}
				var raw string
				if err := chromedp.Run(ctx, chromedp.Evaluate(`document.getElementById("json").textContent`, &raw)); err != nil {
					t.Fatal(err)
				}
				got, want := parsed(t, raw), tool(t, e)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s: the page says %.300s", e.name, raw)
				}
				if verdict := got.(map[string]any)["verdict"]; verdict != e.verdict {
					t.Errorf("%s: verdict %v, want %s", e.name, verdict, e.verdict)
				}
				if (title == "Verified") != (e.verdict == "verified") {
					t.Errorf("%s: the page shows %q", e.name, title)
				}
				if focus != "result" {
					t.Errorf("%s: the focus is at %q, not at the result", e.name, focus)
				}
				if name == "served" && e.name != "tampered" {
					shot(t, ctx, strings.ReplaceAll(e.name, " ", "-"))
				}
			}
			shot(t, ctx, "tampered-"+name)
			if n := late.Load(); n > 0 {
				t.Errorf("%d requests after the page was loaded", n)
			}
		})
	}
}

// TestKeptKeys: with a policy that pins no keys of the attestation service, a token is
// judged by those that the verifier kept, as the tool does with --trust; without them it
// is not. A kept file that was changed is told.
func TestKeptKeys(t *testing.T) {
	good, dir := files(t)[0], t.TempDir()
	policy, err := os.ReadFile(good.policy)
	if err != nil {
		t.Fatal(err)
	}
	pinned := regexp.MustCompile(`(?m)^  jwks: '(.*)'\n`)
	keys, issuer := pinned.FindSubmatch(policy), regexp.MustCompile(`(?m)^  issuer: (\S+)$`).FindSubmatch(policy)
	if keys == nil || issuer == nil {
		t.Fatalf("the demo's policy pins no keys\n%s", policy)
	}
	e := evidence{bundle: good.bundle, policy: filepath.Join(dir, "policy.yaml")}
	jwks, trust := filepath.Join(dir, "jwks.json"), filepath.Join(dir, "trust")
	if err := errors.Join(os.WriteFile(e.policy, pinned.ReplaceAll(policy, nil), 0o600), os.WriteFile(jwks, keys[1], 0o600)); err != nil {
		t.Fatal(err)
	}
	keep := exec.CommandContext(t.Context(), env(t, "NOTARY_TOOL"), "trust", "keep", "--trust", trust, "--jwks", jwks, "--issuer", string(issuer[1]))
	if out, err := keep.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx := browser(t)
	page := func() string {
		t.Helper()
		var raw string
		if err := chromedp.Run(ctx, ask(e), chromedp.Evaluate(`document.getElementById("json").textContent`, &raw)); err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if err := chromedp.Run(ctx, open(served(t))); err != nil {
		t.Fatal(err)
	}
	if got := parsed(t, page()); !reflect.DeepEqual(got, tool(t, e)) || got.(map[string]any)["verdict"] != "incomplete" {
		t.Errorf("without kept keys: %v", got.(map[string]any)["verdict"])
	}
	names, err := filepath.Glob(filepath.Join(trust, "*"))
	if err != nil || len(names) != 2 {
		t.Fatalf("kept %v, %v", names, err)
	}
	e.policy = filepath.Join(dir, "again.yaml") // choosing the same one again changes nothing
	if err := os.WriteFile(e.policy, pinned.ReplaceAll(policy, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Run(ctx, chromedp.Evaluate(`document.querySelector("form details").open = true`, nil), chromedp.SetUploadFiles("#trust", names, chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	raw := page()
	if got := parsed(t, raw); !reflect.DeepEqual(got, tool(t, e, "--trust", trust)) || got.(map[string]any)["verdict"] != "verified" {
		t.Errorf("with kept keys the page says %.2000s", raw)
	}
	shot(t, ctx, "kept")

	for _, name := range names {
		if filepath.Base(name) != "index" {
			if err := os.WriteFile(name, []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	var summary string
	if err := chromedp.Run(ctx, chromedp.SetUploadFiles("#trust", nil, chromedp.ByQuery), chromedp.SetUploadFiles("#trust", names, chromedp.ByQuery),
		chromedp.Click("#go", chromedp.ByQuery), chromedp.Poll(`document.getElementById("verdict").textContent === "Cannot verify"`, nil),
		chromedp.Text("#summary", &summary, chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(summary, "has other bytes than its name says") {
		t.Errorf("of a file that was changed the page says %q", summary)
	}
}

// TestKeyboard: everything can be reached and done without a mouse.
func TestKeyboard(t *testing.T) {
	good := files(t)[0]
	policy, err := os.ReadFile(good.policy)
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	if err := chromedp.Run(ctx, open(served(t)), chromedp.SetUploadFiles("#bundle", []string{good.bundle}, chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	var order []string
	reach := func(id string) {
		t.Helper()
		for range 12 {
			var at string
			if err := chromedp.Run(ctx, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`document.activeElement.id || document.activeElement.tagName`, &at)); err != nil {
				t.Fatal(err)
			}
			if order = append(order, at); at == id {
				return
			}
		}
		t.Fatalf("%s is not reached with the tab key: %v", id, order)
	}
	reach("bundle")
	reach("policy-file")
	reach("policy")
	if err := chromedp.Run(ctx, chromedp.Evaluate(`document.getElementById("policy").value = `+quoted(string(policy)), nil)); err != nil {
		t.Fatal(err)
	}
	reach("go")
	var title string
	if err := chromedp.Run(ctx, chromedp.KeyEvent(kb.Enter),
		chromedp.Poll(`document.getElementById("json").textContent !== ""`, nil),
		chromedp.Text("#verdict", &title, chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	if title != "Verified" {
		t.Errorf("the page shows %q", title)
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// TestNarrow: on a screen of 320 pixels nothing is cut off to the side.
func TestNarrow(t *testing.T) {
	ctx := browser(t)
	var wide int
	if err := chromedp.Run(ctx, chromedp.EmulateViewport(320, 640), open(served(t)), ask(files(t)[0]),
		chromedp.Evaluate(`document.documentElement.scrollWidth`, &wide)); err != nil {
		t.Fatal(err)
	}
	if wide > 320 {
		t.Errorf("the page is %d pixels wide on a screen of 320", wide)
	}
	shot(t, ctx, "narrow")
}

// TestMarkup: text out of a bundle or policy is shown as text. An error repeats what
// was written; no element comes of it.
func TestMarkup(t *testing.T) {
	good := files(t)[0]
	ctx := browser(t)
	var images int
	var summary string
	if err := chromedp.Run(ctx, open(served(t)),
		chromedp.SetUploadFiles("#bundle", []string{good.bundle}, chromedp.ByQuery),
		chromedp.Evaluate(`document.getElementById("policy").value = "format: \"<img src=x onerror=alert(1)>\"\n<img src=x>: 1"`, nil),
		chromedp.Click("#go", chromedp.ByQuery),
		chromedp.Poll(`document.getElementById("summary").textContent !== ""`, nil),
		chromedp.Text("#summary", &summary, chromedp.ByQuery),
		chromedp.Evaluate(`document.images.length`, &images)); err != nil {
		t.Fatal(err)
	}
	if images != 0 || !strings.Contains(summary, "policy") {
		t.Errorf("%d images, and the page says %q", images, summary)
	}
}
