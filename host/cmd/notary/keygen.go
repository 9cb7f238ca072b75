package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/sdk/journal"
)

const keygenUsage = `usage: notary keygen -o FILE            make a recipient key pair
       notary keygen --api-key          make an API key for a tenant
       notary keygen --operator-token   make a token for an operator

A recipient's private key opens the sessions that a notary encrypted to its
public key. Keep it offline: the notary never needs it. FILE gets the private
key (mode 0600), FILE with .pub before its last ending the public one, which goes
into the configuration under "recipients".

An API key or token is printed once, with the hash that goes into the
configuration. Neither file nor hash gives it back.

OPTIONS
  -o FILE            where the private key goes; an existing file is refused
  --api-key          an API key and its hash
  --operator-token   an operator's token and its hash
  --json             print JSON

EXAMPLES
  notary keygen -o recipient.pem          # and recipient.pub.pem
  notary keygen --api-key

EXIT STATUS
  0  made
  1  usage, or a file could not be written
`

var keygenCommand = command{name: "keygen", brief: "makes recipient keys, API keys and operator tokens", usage: keygenUsage, run: keygen}

func keygen(_ context.Context, a *app, args []string) error {
	f := a.flags("keygen", keygenUsage)
	out := f.String("o", "", "")
	apiKey := f.Bool("api-key", false, "")
	token := f.Bool("operator-token", false, "")
	asJSON := f.Bool("json", false, "")
	if _, err := parse(f, args, 0, 0); err != nil {
		return err
	}
	switch {
	case *apiKey && *out == "" && !*token:
		key := control.GenerateToken()
		return a.secret(*asJSON, "api key", key, ingest.HashKey(key))
	case *token && *out == "" && !*apiKey:
		key := control.GenerateToken()
		return a.secret(*asJSON, "operator token", key, control.HashToken(key))
	case *out != "" && !*apiKey && !*token:
		return a.keyPair(*asJSON, *out)
	}
	return usageError("keygen: give exactly one of -o FILE, --api-key and --operator-token")
}

func (a *app) secret(asJSON bool, what, secret string, hash [32]byte) error {
	if asJSON {
		return a.json(map[string]string{"secret": secret, "hash": hex.EncodeToString(hash[:])})
	}
	fmt.Fprintf(a.stdout, "%s (shown once):  %s\nhash (for the configuration):  %x\n", what, secret, hash)
	return nil
}

// publicName puts ".pub" before the last ending.
func publicName(name string) string {
	dot := strings.LastIndexByte(name, '.')
	if dot <= strings.LastIndexByte(name, '/')+1 {
		return name + ".pub"
	}
	return name[:dot] + ".pub" + name[dot:]
}

func (a *app) keyPair(asJSON bool, private string) error {
	identity, err := journal.GenerateIdentity()
	if err != nil {
		return err
	}
	text, err := identity.PEM()
	if err != nil {
		return err
	}
	if err := writeNew(private, text, 0o600); err != nil {
		return err
	}
	public := publicName(private)
	if err := writeNew(public, identity.Recipient().PEM(), 0o644); err != nil {
		return errors.Join(err, os.Remove(private)) // half a pair is no pair
	}
	if asJSON {
		return a.json(map[string]string{"private": private, "public": public, "recipient": identity.Recipient().ID().String()})
	}
	fmt.Fprintf(a.stdout, "private key  %s  (keep it offline)\npublic key   %s  (goes into the configuration)\nrecipient    %v\n",
		private, public, identity.Recipient().ID())
	return nil
}

// writeNew refuses to overwrite: a private key that is gone takes the sessions
// with it.
func writeNew(name string, b []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return hinted(fmt.Errorf("%s exists", name), "choose another name; a key is never overwritten")
	}
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
