package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

const sessionUsage = `usage: notary session list   --config FILE [--identity KEY]
       notary session bundle --config FILE -o BUNDLE PART
       notary session bundle --config FILE -o DIR --parts HANDLE
       notary session bundle --config FILE --identity KEY -o DIR --session ID
       notary session open   --config FILE --identity KEY PART
       notary session erase  --config FILE --control URL --policy FILE --token-file FILE --yes PART
       notary session hold   --config FILE --control URL --policy FILE --token-file FILE PART
       notary session release --config FILE --control URL --policy FILE --token-file FILE PART
       notary session hold|release … --identity KEY --session ID

Reads what the storage of a notary holds, whether it runs or not. A PART is the
handle of a session part as "list" shows it, or any prefix that no other has; with
several parts of one session, HANDLE/NUMBER. What storage says is shown as it is:
whether a notary that you accept wrote it, only "notary verify" tells.

  list     the session parts: state, leaves, root, commitment, place in the log
  bundle   writes the evidence bundle of a sealed part, for "notary verify"; or of all
           sealed parts of a session, a file each. Nothing of a record is in it, unless it
           is disclosed, and what is disclosed says nothing of the others
  open     decrypts a part and prints its redacted records
  erase    has the running notary destroy the wrapped key of a part, or, if PART names
           no number, of all parts with the handle: nobody can read them any more, and
           the commitment stays verifiable. The notary is appraised first, its journal
           says that it was ordered, and the answer says which copies of the key cannot
           be excluded. It may be given again
  hold     has the running notary keep the keys of the session: until it is released,
           neither "erase" nor the age in retention.sessions destroys them. A hold is on
           all parts with the handle of PART, also those to come; a session that went on
           in another epoch has another handle there: --session finds all that storage
           has. The notary's journal says so
  release  ends all holds on the session

OPTIONS
  --config FILE     the notary's configuration
  --identity KEY    a recipient's private key, made by "notary keygen"
  -o BUNDLE         where the bundle goes; an existing file is refused
  --record N        bundle: disclose the record with leaf index N, or 3-7, 1,4-6 or all
                    (repeatable; needs --identity)
  --summary         bundle: disclose the part's summary (needs --identity)
  --parts           bundle: all sealed parts with the handle, into directory -o, as
                    "notary export" names them
  --session ID      bundle: the same for the session with this id, in all epochs; hold,
                    release: what it has in all epochs, in place of PART (needs --identity)
  --control URL     erase, hold, release: the notary's control interface, https://host:port
  --policy FILE     erase, hold, release: Reference Values, see "notary policy"
  --jwks FILE       erase, hold, release: key set of the MAA instance that you trust, if the policy
                    pins none
  --issuer URL      erase, hold, release: whose keys these are, if the policy has several issuers
                    without pinned keys
  --token-file FILE erase, hold, release: an operator's token
  --yes             erase: do it; without, it is shown what would be erased
  --scan            read the whole journal, also where storage has an index of sessions
  --json            print JSON

Where storage has an index of sessions, as store-postgres has, what a PART leads to is
read by it, and the rest of the journal is not. What is found is checked as if all were
read: each entry is signed, and each part has a receipt of exactly its segments. If the
index does not lead to all of that, it is said, and the whole journal is read. A storage
that lies can leave out the last parts of a session, an order or a hold; --scan reads all.

EXAMPLES
  notary session list --config notary.yaml
  notary session list --config notary.yaml --identity recipient.pem
  notary session bundle --config notary.yaml -o s.bundle 4f1c
  notary session bundle --config notary.yaml --identity recipient.pem --record 3 -o s.bundle 4f1c
  notary session bundle --config notary.yaml --identity recipient.pem --summary -o chat-17 --session chat-17
  notary session open --config notary.yaml --identity recipient.pem 4f1c
  notary session erase --config notary.yaml --control https://notary.example:8443 \
      --policy policy.yaml --token-file operator.token --yes 4f1c
  notary session hold --config notary.yaml --control https://notary.example:8443 \
      --policy policy.yaml --token-file operator.token 4f1c
  notary session hold --config notary.yaml --control https://notary.example:8443 \
      --policy policy.yaml --token-file operator.token --identity recipient.pem --session chat-17

EXIT STATUS
  0  done
  1  usage, no such part, or something could not be read or written
  2  storage holds something that does not hold together (said on standard error)
  3  erase: the session is under a legal hold, and nothing was erased
`

var sessionCommand = command{name: "session", brief: "lists, bundles, opens, holds and erases the sessions in storage", usage: sessionUsage, run: runSession}

// sessionOptions are the flags of all verbs.
type sessionOptions struct {
	config, identity, out string
	disclose              disclosure
	session               string // bundle: all parts of the session with this id
	parts, json, scan     bool
	order                 orderOptions
}

func runSession(ctx context.Context, a *app, args []string) error {
	f := a.flags("session", sessionUsage)
	var o sessionOptions
	f.StringVar(&o.config, "config", "", "")
	f.StringVar(&o.identity, "identity", "", "")
	f.StringVar(&o.out, "o", "", "")
	f.BoolVar(&o.disclose.summary, "summary", false, "")
	f.BoolVar(&o.json, "json", false, "")
	f.BoolVar(&o.scan, "scan", false, "")
	f.StringVar(&o.order.control, "control", "", "")
	f.StringVar(&o.order.policy, "policy", "", "")
	f.StringVar(&o.order.tokenFile, "token-file", "", "")
	f.BoolVar(&o.order.yes, "yes", false, "")
	o.order.keys.flags(f)
	f.Func("record", "", o.disclose.add)
	f.BoolVar(&o.parts, "parts", false, "")
	f.StringVar(&o.session, "session", "", "")
	rest, err := parse(f, args, 1, 2)
	if err != nil {
		return err
	}
	verbs := map[string]func(context.Context, *app, *storage, *sessionOptions, string) error{
		"list": sessionList, "bundle": sessionBundle, "open": sessionOpen,
		"erase": sessionErase, "hold": sessionHold, "release": sessionRelease,
	}
	verb := verbs[rest[0]]
	switch {
	case verb == nil:
		return unknownVerb("session", rest[0], "list", "bundle", "open", "erase", "hold", "release")
	case o.config == "":
		return usageError("session: --config is missing")
	case o.parts && rest[0] != "bundle":
		return usageError("session %s: --parts is of session bundle", rest[0])
	case o.session != "" && !slices.Contains([]string{"bundle", "hold", "release"}, rest[0]):
		return usageError("session %s: --session is of session bundle, hold and release", rest[0])
	case (rest[0] == "list" || o.session != "") != (len(rest) == 1):
		return usageError("session %s: wrong number of arguments", rest[0])
	}
	// Who copies a handle out of the list has the sign that it is cut off.
	rest[len(rest)-1] = strings.Replace(rest[len(rest)-1], "…", "", 1)
	s, err := openUnread(ctx, o.config, o.identity)
	if err != nil {
		return err
	}
	defer s.close(ctx)
	if err := s.read(ctx, a, &o, rest); err != nil {
		return err
	}
	return verb(ctx, a, s, &o, rest[len(rest)-1])
}

// read reads what a verb needs: what a PART leads to, by the index of the storage, or else
// everything.
func (s *storage) read(ctx context.Context, a *app, o *sessionOptions, args []string) (err error) {
	if len(args) == 2 && !o.scan {
		handle, number, _ := strings.Cut(args[1], "/")
		what := archive.LookupOptions{
			Open:   args[0] == "open" || args[0] == "bundle" && o.disclose.any(),
			Bundle: args[0] == "bundle",
		}
		if part, err := strconv.ParseUint(number, 10, 32); err == nil && !o.parts {
			what.Parts = []uint32{uint32(part)}
		}
		if s.Archive, err = archive.Lookup(ctx, s.set.Store(), handle, what); err == nil || ctx.Err() != nil {
			return err
		}
		if !errors.Is(err, journal.ErrNoIndex) {
			fmt.Fprintf(a.stderr, "notary: warning: %v; the whole journal is read\n", err)
		}
	}
	s.Archive, err = archive.Scan(ctx, s.set.Store(), archive.Options{})
	return err
}

// storage is a notary's storage, read without the notary.
type storage struct {
	*archive.Archive
	cfg      *config.Config
	backing  *backing
	set      *pluginhost.Set
	identity *format.Identity // nil if none was given
}

// openStorage reads all of a storage.
func openStorage(ctx context.Context, configFile, identityFile string) (*storage, error) {
	s, err := openUnread(ctx, configFile, identityFile)
	if err != nil {
		return nil, err
	}
	if s.Archive, err = archive.Scan(ctx, s.set.Store(), archive.Options{}); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// openUnread opens a storage, of which nothing is read yet.
func openUnread(ctx context.Context, configFile, identityFile string) (*storage, error) {
	cfg, err := loadConfig(configFile)
	if err != nil {
		return nil, err
	}
	s := &storage{cfg: cfg}
	if identityFile != "" {
		text, err := os.ReadFile(identityFile)
		if err != nil {
			return nil, hinted(err, "--identity wants the private key that \"notary keygen\" wrote")
		}
		if s.identity, err = format.ParseIdentity(text); err != nil {
			return nil, hinted(err, "--identity wants the private key that \"notary keygen\" wrote")
		}
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// open loads the storage adapter over what the configuration names.
func (s *storage) open(ctx context.Context) (err error) {
	if s.backing, err = openBacking(ctx, s.cfg, false); err != nil {
		return err
	}
	sources, err := readPlugins(ctx, s.cfg)
	if err != nil {
		s.backing.close()
		return err
	}
	sources = slices.DeleteFunc(sources, func(p pluginhost.Source) bool { return p.Kind != abi.KindStorage })
	if s.set, err = pluginhost.Load(ctx, sources, s.backing.options()); err != nil {
		s.backing.close()
	}
	return err
}

func (s *storage) close(ctx context.Context) {
	s.set.Close(ctx)
	s.backing.close()
}

// damage reports epochs that do not hold together; what stands before the
// damage is shown all the same.
func (s *storage) damage() error {
	for _, e := range s.Epochs {
		if e.Err != nil {
			return &exitError{
				status: exitFalse, err: fmt.Errorf("epoch %v: %w", e.ID, e.Err),
				hint: "what stands before is listed; keep a copy of the storage directory as it is",
			}
		}
	}
	return nil
}

// find returns the part that a person means.
func (s *storage) find(name string) (*archive.Part, error) {
	handle, number, several := strings.Cut(name, "/")
	var found []*archive.Part
	for _, p := range s.Parts() {
		if strings.HasPrefix(p.ID.Handle.String(), handle) && (!several || strconv.Itoa(int(p.ID.Part)) == number) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0 || handle == "":
		return nil, hinted(fmt.Errorf("no session part %.80q", name), "\"notary session list\" shows the handles")
	case len(found) > 1:
		return nil, hinted(fmt.Errorf("%d session parts match %.80q", len(found), name), "give more of the handle, or HANDLE/NUMBER")
	}
	return found[0], nil
}

// A listed part is a row of "session list".
type listed struct {
	Handle     string            `json:"handle"`
	Part       uint32            `json:"part"`
	Epoch      string            `json:"epoch"`
	State      string            `json:"state"`
	Reason     string            `json:"reason,omitempty"`
	Leaves     uint64            `json:"leaves"`
	Ciphertext uint64            `json:"ciphertext_bytes"`
	Root       string            `json:"root"`
	Commitment string            `json:"commitment,omitempty"`
	LogIndex   *uint64           `json:"log_index,omitempty"`
	Tenant     string            `json:"tenant,omitempty"`
	Session    string            `json:"session,omitempty"`
	Edits      map[string]uint64 `json:"edits,omitempty"` // by label
	// Unopened says why the identity does not open the part, if it does not.
	Unopened string `json:"unopened,omitempty"`
	why      error
	// Erased is the order to destroy the part's key. The state is then erased, or
	// erasing while storage has the key all the same.
	Erased *control.Order `json:"erased,omitempty"`
	// ByAge says that nobody asked for the erasure.
	ByAge bool `json:"by_age,omitempty"`
	// Holds are the holds on the session, by their places in the journal.
	Holds []control.Order `json:"holds,omitempty"`
}

func (s *storage) list(ctx context.Context) []listed {
	rows := []listed{}
	for _, p := range s.Parts() {
		r := listed{
			Handle: p.ID.Handle.String(), Part: p.ID.Part, Epoch: p.ID.Epoch.String(), State: "open",
			Leaves: p.Leaves, Ciphertext: p.CiphertextBytes, Root: p.Root.String(), Holds: holdsOf(s.Archive, p),
		}
		if p.Manifest != nil {
			r.State, r.Reason, r.Commitment = "sealed", string(p.Manifest.Reason), p.Commitment().String()
			if proof, ok := s.Proof(p.Commitment()); ok {
				r.State, r.LogIndex = "logged", &proof.Index
			}
		}
		if x := p.Erasure; x != nil {
			r.State, r.Erased, r.ByAge = "erased", &control.Order{Epoch: x.Epoch.String(), Seq: x.Seq}, x.ByAge
			if has, err := s.HasKey(ctx, p); has || err != nil {
				r.State = "erasing"
			}
		}
		if s.identity != nil {
			// One erased or damaged part must not hide the others.
			if o, err := s.Open(ctx, p, s.identity); err != nil {
				r.Unopened, r.why = err.Error(), err
			} else {
				r.Tenant, r.Session, r.Edits = o.Tenant, string(o.Session), editsByLabel(o)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// editsByLabel counts from the summary, or, where there is none, from the
// records themselves.
func editsByLabel(o *archive.Opened) map[string]uint64 {
	counts := make(map[string]uint64)
	if o.Summary != nil {
		for _, e := range o.Summary.Edits {
			counts[e.Label] += e.Count
		}
		return counts
	}
	for _, r := range o.Records {
		edits, _ := receipt.DecodeEdits(r.Edits)
		for _, e := range edits {
			counts[e.Label]++
		}
	}
	return counts
}

func showCounts(counts map[string]uint64) string {
	var labels []string
	for l := range counts {
		labels = append(labels, l)
	}
	slices.Sort(labels)
	for i, l := range labels {
		labels[i] = fmt.Sprintf("%s %d", l, counts[l])
	}
	if len(labels) == 0 {
		return "–"
	}
	return strings.Join(labels, ", ")
}

func sessionList(ctx context.Context, a *app, s *storage, o *sessionOptions, _ string) error {
	rows := s.list(ctx)
	if o.json {
		if err := a.json(rows); err != nil {
			return err
		}
		return s.damage()
	}
	a.printSessions(rows, s.identity != nil)
	return s.damage()
}

// maxShownSession is how many characters of a session's id a table shows. Senders choose ids, of up to
// 4 KiB, and a column is as wide as the longest; --json has them whole.
const maxShownSession = 64

func cut(id string) string {
	if r := []rune(id); len(r) > maxShownSession {
		return string(r[:maxShownSession-1]) + "…"
	}
	return id
}

// unopened says in few words, for a column, why a part is not opened.
func unopened(err error) string {
	switch {
	case errors.Is(err, format.ErrKey):
		return "not encrypted to this identity"
	case errors.Is(err, archive.ErrErased):
		return "erased"
	}
	return err.Error()
}

func (a *app) printSessions(rows []listed, opened bool) {
	t := table{right: map[int]bool{3: true}}
	head := []string{"HANDLE", "PART", "STATE", "LEAVES", "ROOT", "COMMITMENT", "LOG"}
	if opened {
		head = append(head, "SESSION", "EDITS")
	}
	t.row(head...)
	for _, r := range rows {
		index := "–"
		if r.LogIndex != nil {
			index = fmt.Sprint(*r.LogIndex)
		}
		state := r.State
		if len(r.Holds) > 0 {
			state += ", held"
		}
		cells := []string{short(r.Handle), fmt.Sprint(r.Part), state, fmt.Sprint(r.Leaves), short(r.Root), short(r.Commitment), index}
		switch {
		case r.Unopened != "":
			cells = append(cells, a.paint(yellow, "cannot be opened: "+unopened(r.why)))
		case opened:
			cells = append(cells, cut(printable(r.Session)), showCounts(r.Edits))
		}
		t.row(cells...)
	}
	t.print(a.stdout)
}
