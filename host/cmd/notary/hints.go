package main

import (
	"errors"
	"io/fs"
	"net/http"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	"github.com/veriproof/notary/host/session"
)

// hintOf returns what to do about an error: what the place where it was made
// says, or else what its kind does. Packages below know no configuration keys;
// here they are named.
func hintOf(err error) string {
	var e *exitError
	if errors.As(err, &e) && e.hint != "" {
		return e.hint
	}
	for _, known := range []struct {
		err  error
		hint string
	}{
		{commitlog.ErrDirectory, "log.dir names a directory that the notary can make and write"},
		{commitlog.ErrDatabase, "log.mysql in the configuration says where the database is and who asks it, over its socket or by TLS, and log.ca what its certificate is checked by; \"notary log init\" makes the tables"},
		{commitlog.ErrInUse, "stop what has the log open, or give log.dir a directory of its own"},
		{commitlog.ErrOrigin, "set log.origin to what the log began with, or log.dir to a new directory for a new log"},
		{commitlog.ErrKey, "log.dir in the configuration names the directory of the log, which has its key in log.key"},
		{commitlog.ErrCorrupt, "restore the log directory from one backup, or set log.dir to a new directory for a new log"},
		{archive.ErrErased, "nobody can read it any more; \"notary session bundle\" has its receipt and proof, which stay valid"},
		{session.ErrAlive, "stop the other notary, or say storage.shared, and the same storage.silence, in the configurations of both"},
		{journal.ErrFenced, "another notary held this one for dead and recovers what it left; start it again"},
		{journal.ErrEnded, "mend storage, make room where there is none, and start it again: what was acknowledged is recovered"},
	} {
		if errors.Is(err, known.err) {
			return known.hint
		}
	}
	return pluginHint(err)
}

func pluginHint(err error) string {
	var load *pluginhost.LoadError
	var pin *pluginhost.PinError
	var path *fs.PathError
	var missing *pluginhost.MissingEndpointError
	var answer *pluginhost.HTTPStatusError
	var silent *pluginhost.EndpointError
	switch {
	case errors.As(err, &pin):
		return "\"notary plugin inspect FILE\" shows a module's digest; sha256 in the configuration pins it"
	case errors.As(err, &load) && errors.Is(err, postgres.ErrNoTable):
		return "\"notary store init\" makes the adapter's tables, in the schema that storage.postgres.schema names"
	case errors.As(err, &load) && errors.Is(err, pluginhost.ErrStorageVersion):
		return "\"select version from notary_schema\" says of which version the tables are, and the adapter's README which it takes: configure the module that they were made with, or make tables in another schema (storage.postgres.schema)"
	case errors.As(err, &missing):
		return "storage.endpoints in the configuration gives each name of the adapter's manifest a URL"
	case errors.As(err, &load) && errors.As(err, &answer) && answer.Status == http.StatusNotFound:
		return "\"notary store init\" makes what the adapter needs there"
	case errors.As(err, &load) && (errors.As(err, &answer) || errors.As(err, &silent)):
		return "storage.endpoints in the configuration says where the endpoint is, and with which credential it is asked"
	case errors.As(err, &load) && errors.As(err, &path):
		return "storage.dir names a directory that the notary can make and write"
	case errors.As(err, &load):
		return "\"notary plugin inspect FILE\" says what the module is"
	}
	return ""
}
