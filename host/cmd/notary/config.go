package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/host/config"
)

const configUsage = `usage: notary config check FILE

Reads the configuration file as the notary would and tells every problem with
file, line and what to do. What it prints on success is what relying parties can
pin: the digest of the file, of the recipients, and of the plugin set; and what
the container has to have for it: limits.in_flight four times, sessions.memory,
and what two redactors on two processors take.

OPTIONS
  --json   print JSON

EXAMPLES
  notary config check notary.yaml
  notary config check --json notary.yaml | jq -r .plugin_set

EXIT STATUS
  0  the notary would start with it
  1  it would not
`

var configCommand = command{name: "config", brief: "checks a configuration file", usage: configUsage, run: configCheck}

func configCheck(ctx context.Context, a *app, args []string) error {
	f := a.flags("config", configUsage)
	asJSON := f.Bool("json", false, "")
	rest, err := parse(f, args, 1, 2)
	if err != nil {
		return err
	}
	if len(rest) != 2 || rest[0] != "check" {
		return usageError("config: want \"config check FILE\"")
	}
	cfg, err := loadConfig(rest[1])
	if err != nil {
		return err
	}
	recipients, err := readRecipients(cfg)
	if err != nil {
		return err
	}
	sources, err := readPlugins(ctx, cfg)
	if err != nil {
		return err
	}
	rules, _ := redaction(cfg)
	set, err := measureSet(ctx, sources, rules)
	if err != nil {
		return err
	}
	if text := cfg.Attestation.Policy; text != "" {
		p, err := policy.Parse([]byte(text))
		if err != nil {
			return fmt.Errorf("attestation.policy: %w", err)
		}
		a.warn(p)
	}
	for _, w := range warnings(cfg) {
		fmt.Fprintf(a.stderr, "notary: warning: %s\n", w)
	}
	digest, rdigest := cfg.Digest(), config.RecipientsDigest(recipients)
	if *asJSON {
		return a.json(map[string]any{
			"config":     fmt.Sprintf("%x", digest),
			"recipients": fmt.Sprintf("%x", rdigest),
			"plugin_set": set.digest,
			"plugins":    set.plugins,
			"memory":     int64(cfg.MostMemory()),
		})
	}
	fmt.Fprintf(a.stdout, "%s is good\n\n", rest[1])
	var t table
	t.row("config", fmt.Sprintf("%x", digest))
	t.row("recipients", fmt.Sprintf("%x", rdigest))
	t.row("plugin set", set.digest)
	t.row("memory", fmt.Sprintf("%v at most", cfg.MostMemory()))
	t.print(a.stdout)
	return nil
}

// loadConfig reads the file; all its problems go to the error's text, and the
// first hint becomes the hint.
func loadConfig(path string) (*config.Config, error) {
	cfg, err := config.Load(path)
	var e *config.Error
	if errors.As(err, &e) {
		return nil, e
	}
	if err != nil {
		return nil, hinted(err, "name the notary's configuration file; \"notary config check FILE\" tells whether one is good")
	}
	return cfg, nil
}

// unredacted returns what happens to findings in a mode that stores everything as it was
// sent, or nothing of a mode that redacts.
func unredacted(mode string) string {
	switch mode {
	case config.ModeEnforce:
		return ""
	case config.ModeNone:
		return "there is no redactor"
	}
	return "findings are counted, not edited"
}
