//go:build objectstore

package endpoint_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
)

var modules = map[string][]byte{} // by name; tests do not run in parallel

// source is an adapter of this project as Wasm.
func source(t testing.TB, name, config string) pluginhost.Source {
	t.Helper()
	if modules[name] == nil {
		m, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", name))
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = m
	}
	return pluginhost.Source{Name: name, Kind: abi.KindStorage, Module: modules[name], Config: []byte(config)}
}

func load(t testing.TB, name string, endpoints map[string]pluginhost.Endpoint, config string) (*pluginhost.Adapter, error) {
	t.Helper()
	set, err := pluginhost.Load(t.Context(), []pluginhost.Source{source(t, name, config)}, pluginhost.Options{Endpoints: endpoints})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = set.Close(context.Background()) })
	return set.Store(), nil
}
