package config

import (
	"time"

	"go.yaml.in/yaml/v4"
)

// Storage is what stands behind the storage adapter's capabilities: a directory,
// a database, or services of object storage.
type Storage struct {
	// Dir is the directory behind the adapter's blob capability. It is not used if
	// there is a database, or an endpoint.
	Dir string `yaml:"dir"`
	// Postgres is the database behind the adapter's sql capability.
	Postgres Postgres `yaml:"postgres"`
	// Endpoints are behind the adapter's http capability.
	Endpoints []Endpoint `yaml:"endpoints"`
	// Shared says that other notaries write to the storage at the same time: a
	// start then fences none that may live.
	Shared bool `yaml:"shared"`
	// Silence is how long the journal of another notary in a shared storage does not
	// grow until that one is taken for dead.
	Silence Duration `yaml:"silence"`
	// Missing says what a start does if the journal lacks what the log, or a later epoch,
	// has of it: MissingRefuse, MissingRequire or MissingTell.
	Missing string `yaml:"missing"`
	// Lost are the ranges that may be missing.
	Lost []Lost `yaml:"lost"`
}

// What a start does if something is missing.
const (
	// MissingRefuse ends it before anything is written, unless the loss is accepted.
	MissingRefuse = "refuse"
	// MissingRequire ends it also if the log cannot be read.
	MissingRequire = "require"
	// MissingTell goes on and tells.
	MissingTell = "tell"
)

// maxLost bounds the ranges that are accepted as lost.
const maxLost = 1000

// Sharing returns what a configuration, perhaps of another version, says of the storage:
// storage.silence if the storage is shared, else 0, which is also said of what cannot be
// read.
func Sharing(raw []byte) time.Duration {
	c := struct {
		Storage struct {
			Shared  bool     `yaml:"shared"`
			Silence Duration `yaml:"silence"`
		} `yaml:"storage"`
	}{}
	c.Storage.Silence = Duration(DefaultSilence)
	if err := yaml.Unmarshal(raw, &c); err != nil || !c.Storage.Shared {
		return 0
	}
	return time.Duration(c.Storage.Silence)
}

// Postgres is a database of PostgreSQL, or of an engine that speaks its protocol.
// Only a Host makes it one.
type Postgres struct {
	// Host is a name or address, whose certificate TLS verifies, or the directory
	// of a Unix socket.
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
	// Database and User are required.
	Database string `yaml:"database"`
	User     string `yaml:"user"`
	// PasswordFile is the path of a file with the password, or with an access
	// token that is renewed in place. It is a secret and not measured.
	PasswordFile string `yaml:"password_file"`
	// CA is the PEM certificate that TLS is checked by; empty means the system's
	// roots.
	CA string `yaml:"ca"`
	// Schema is where the tables are.
	Schema string `yaml:"schema"`
	// Timeout bounds each statement.
	Timeout Duration `yaml:"timeout"`
	// Connections is the most connections at a time.
	Connections int `yaml:"connections"`
}
