// Command notary is the confidential notary: it runs as a server, and as the
// tool of operators and auditors. "notary help" says how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"google.golang.org/grpc/grpclog"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/config"
)

// version is set by the build (-X main.version=…). It stands in the runtime
// data, so relying parties can pin it.
var version = "dev"

// Exit statuses, those of the library. They are part of the interface: scripts decide
// by them.
const (
	exitOK           = attestation.ExitVerified
	exitUsage        = attestation.ExitUsage
	exitFalse        = attestation.ExitFalse
	exitUnacceptable = attestation.ExitUnacceptable
	exitStale        = attestation.ExitStale
	exitIncomplete   = attestation.ExitIncomplete
)

// A command is one verb of the tool.
type command struct {
	name, brief string
	usage       string
	run         func(ctx context.Context, a *app, args []string) error
}

func commands() []command {
	return []command{
		serveCommand, demoCommand, devCommand, keygenCommand, configCommand, storeCommand,
		sessionCommand, exportCommand, auditCommand, verifyCommand, logCommand, attestCommand, policyCommand, trustCommand, proxyCommand, topCommand, pluginCommand,
	}
}

// An app is the tool's outside: where it reads and writes.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	color  bool // stdout is a terminal
}

// An exitError ends the tool with a status; hint says what to do next.
type exitError struct {
	status int
	hint   string
	err    error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// Hint is for the control interface, whose answers have it apart.
func (e *exitError) Hint() string { return e.hint }

// hinted adds a hint to an error.
func hinted(err error, hint string, args ...any) error {
	return &exitError{status: exitUsage, hint: fmt.Sprintf(hint, args...), err: err}
}

func usageError(format string, args ...any) error {
	return hinted(fmt.Errorf(format, args...), "run \"notary help\" or add --help to the command")
}

// unknownVerb says which verbs a command has.
func unknownVerb(command, verb string, known ...string) error {
	last := len(known) - 1
	want := strings.Join(known[:last], ", ")
	if last > 0 {
		want += " or "
	}
	return meant(fmt.Errorf("%s: unknown verb %.40q, want %s", command, verb, want+known[last]), verb, known)
}

// meant hints at the word that was probably meant.
func meant(err error, word string, known []string) error {
	if near := config.Nearest(word, known); near != "" {
		return hinted(err, "did you mean %q?", near)
	}
	return usageError("%w", err)
}

func main() {
	// The environment, which the host sets, would have gRPC log what senders send, as metadata
	// that it cannot decode. Whom a call fails is told by its error.
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, color: isTerminal(os.Stdout)}
	os.Exit(a.main(ctx, os.Args[1:]))
}

// main runs the tool and returns its exit status. Messages are lower case,
// without a full stop, one line each.
func (a *app) main(ctx context.Context, args []string) int {
	err := a.dispatch(ctx, args)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errTold):
		return statusOf(err)
	}
	var bad *config.Error
	if errors.As(err, &bad) {
		a.problems(bad)
		return statusOf(err)
	}
	fmt.Fprintf(a.stderr, "notary: error: %s\n", oneLine(err.Error()))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(a.stderr, "notary: hint: %s\n", hint)
	}
	return statusOf(err)
}

// problems tells everything that is wrong with a configuration file, each with
// its place and what to do.
func (a *app) problems(e *config.Error) {
	for _, p := range e.Problems {
		place := e.Name
		if p.Line > 0 {
			place += fmt.Sprint(":", p.Line)
		}
		if p.Key != "" {
			place += ": " + p.Key
		}
		fmt.Fprintf(a.stderr, "notary: error: %s: %s\n", place, oneLine(p.Text))
		if p.Hint != "" {
			fmt.Fprintf(a.stderr, "notary: hint: %s\n", oneLine(p.Hint))
		}
	}
}

// errTold is a failure that the command has already shown in full.
var errTold = errors.New("told")

func statusOf(err error) int {
	var e *exitError
	if errors.As(err, &e) {
		return e.status
	}
	return exitUsage
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (a *app) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		a.help(a.stderr)
		return usageError("no command")
	}
	switch args[0] {
	case "help", "-h", "--help":
		// Not "help help", nor "help --help", which would ask without end.
		if len(args) > 1 && args[1] != "help" && !strings.HasPrefix(args[1], "-") {
			return a.dispatch(ctx, append(slices.Clone(args[1:]), "--help"))
		}
		a.help(a.stdout)
		return nil
	case "version", "--version":
		fmt.Fprintln(a.stdout, fullVersion())
		return nil
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, a, args[1:])
		}
	}
	names := []string{"help", "version"}
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return meant(fmt.Errorf("unknown command %.40q", args[0]), args[0], names)
}

func (a *app) help(w io.Writer) {
	fmt.Fprint(w, `notary redacts AI session telemetry inside a confidential container, commits to
it, stores only ciphertext, and lets anyone check all of that.

usage: notary COMMAND [OPTIONS] [ARGUMENTS]

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.brief)
	}
	fmt.Fprint(w, `  version   prints the version
  help      explains a command: notary help verify

EXAMPLES
  notary demo                                    see the whole system at work
  notary dev                                     keep one running, to send to
  notary keygen -o recipient.pem                 make the key that opens sessions
  notary config check notary.yaml                check a configuration
  notary serve --config notary.yaml              run the notary
  notary verify --policy policy.yaml s.bundle    check one session's evidence
  notary attest show report.bin                  say what a piece of Evidence means
  notary attest fetch --policy policy.yaml https://notary.example:8443
                                                 challenge a notary before trusting it
  notary policy check policy.yaml                say what a policy demands

EXIT STATUS
  0  success; for commands that verify: verified
`)
	_, failures, _ := strings.Cut(verifyingStatus, "genuine\n")
	fmt.Fprint(w, failures)
}

// fullVersion is the version with the mark of a development build.
func fullVersion() string {
	if simulatedAllowed {
		return version + "-simulated"
	}
	return version
}

// options are a command's flags, with its usage text.
type options struct {
	*flag.FlagSet
	stdout io.Writer
	usage  string
}

// flags makes the options of a command.
func (a *app) flags(name, usage string) *options {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return &options{f, a.stdout, usage}
}

// former marks an option that is taken, and not shown, as scripts have it.
const former = "former"

// policy makes the option for a policy, which some commands had under another name.
func (f *options) policy(file *string) {
	f.StringVar(file, "policy", "", "")
	f.StringVar(file, "policy-file", "", former)
}

// parse parses options wherever they stand among the arguments, and checks the
// number of arguments. The usage text is printed only when it is asked for.
func parse(f *options, args []string, least, most int) ([]string, error) {
	var rest []string
	for {
		if err := f.Parse(args); err != nil {
			return nil, f.wrong(err)
		}
		if f.NArg() == 0 {
			break
		}
		rest, args = append(rest, f.Arg(0)), f.Args()[1:]
	}
	switch {
	case len(rest) < least:
		return nil, hinted(fmt.Errorf("%s: an argument is missing", f.Name()), "%s", f.synopsis())
	case len(rest) > most:
		return nil, hinted(fmt.Errorf("%s: unexpected argument %.80q", f.Name(), rest[most]), "%s", f.synopsis())
	}
	return rest, nil
}

// wrong says what package flag found wrong.
func (f *options) wrong(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(f.stdout, f.usage)
		return err
	}
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return usageError("%s: %w", f.Name(), err)
	}
	var known []string
	f.VisitAll(func(o *flag.Flag) {
		if o.Usage != former {
			known = append(known, dashes(o.Name))
		}
	})
	return hinted(fmt.Errorf("%s: unknown option %.80s", f.Name(), dashes(name)), "the options are %s", strings.Join(known, ", "))
}

// dashes writes an option as the usage texts do.
func dashes(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// synopsis is the head of the usage text on one line.
func (f *options) synopsis() string {
	head, _, _ := strings.Cut(f.usage, "\n\n")
	lines := strings.Split(head, "\n")
	for i := range lines {
		lines[i] = oneLine(lines[i])
	}
	if all := strings.Join(lines, ", or: "); len(all) < 400 {
		return all
	}
	// Nobody finds his place in that: the verbs are told, and where the rest is.
	var verbs []string
	for _, l := range lines {
		words := strings.Fields(strings.TrimPrefix(l, "usage: "))
		if len(words) > 2 && !slices.Contains(verbs, words[2]) && !strings.Contains(words[2], "|") {
			verbs = append(verbs, words[2])
		}
	}
	return fmt.Sprintf("usage: notary %s %s [OPTIONS]; \"notary %[1]s --help\" has what each takes", f.Name(), strings.Join(verbs, "|"))
}
