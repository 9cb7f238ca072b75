package config_test

import (
	"testing"
	"time"

	"github.com/veriproof/notary/host/config"
)

// TestSharing: what another notary's configuration says of the storage is read though its
// version knows other settings, and nothing is made of what is none.
func TestSharing(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"storage: {shared: true, silence: 7s}":                      7 * time.Second,
		"storage: {shared: true}":                                   config.DefaultSilence,
		"storage: {shared: true, silence: 1m, new: 1}\nlater: {}\n": time.Minute,
		"storage: {shared: false, silence: 7s}":                     0,
		"storage: {dir: data}":                                      0,
		"storage: [shared]":                                         0,
		"storage: {shared: true, silence: long}":                    0,
		"":                                                          0,
		"\x00{":                                                     0,
	} {
		if got := config.Sharing([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
