// Package postgres executes the statements of a storage adapter on the customer's
// PostgreSQL, or an engine that speaks its protocol.
//
// It is what stands behind the capability "sql": the adapter, in its sandbox,
// chooses a statement of its measured manifest and hands over values; this package has the
// connections, the credentials and TLS, and knows no statement. Only ciphertext,
// and what is public by design, comes by.
//
// # Trust
//
// The database is not trusted with anything but keeping what it acknowledged. TLS
// is verified against the host's name, always, unless the connection is a Unix
// socket; it protects the credentials, not the data. Nothing is taken from the
// environment: no PG* variable, password file or service file has a say, and
// PGSERVICE is refused.
package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Bounds.
const (
	// DefaultTimeout bounds a statement, and the making of a connection.
	DefaultTimeout = 10 * time.Second
	// DefaultConnections is the greatest number of connections.
	DefaultConnections = 8
	// maxPassword is the greatest size of a password file in bytes: an access
	// token has some thousand.
	maxPassword = 64 << 10
)

// Codes of PostgreSQL on which something depends.
const (
	uniqueViolation = "23505"
	undefinedTable  = "42P01"
	// Prepared statements that another connection has made, or has not.
	duplicateStatement = "42P05"
	unknownStatement   = "26000"
)

// ErrNoTable means that a table of a statement does not exist.
var ErrNoTable = errors.New("postgres: no such table")

// ErrSettings means that a connection has other settings than it was opened with.
var ErrSettings = errors.New("postgres: a setting of the connection is not in force; where a pooler drops it, set it for the notary's role (alter role … set …)")

// Options say which database, and how to get in.
type Options struct {
	// Host is a name or address, or the directory of a Unix socket, which begins
	// with a slash.
	Host           string
	Port           uint16
	Database, User string
	// PasswordFile holds the password or access token. It is read again for each
	// connection, so that a token that is renewed in place is used. Empty means no
	// password.
	PasswordFile string
	// Roots are the authorities of the server's certificate; nil means those of
	// the system.
	Roots *x509.CertPool
	// Schema is where the tables are; empty means "public".
	Schema string
	// Timeout bounds each statement; 0 means [DefaultTimeout].
	Timeout time.Duration
	// Connections is the most connections at a time; 0 means [DefaultConnections].
	Connections int
	// ReadOnly has the server refuse every statement that writes, and takes one that
	// refuses them anyhow: a role or a server may be read-only.
	ReadOnly bool
}

// A DB is a pool of connections. It is safe for concurrent use.
type DB struct {
	pool    *pgxpool.Pool
	timeout time.Duration
}

// Open connects once, so that wrong settings are told at the start.
func Open(ctx context.Context, o Options) (*DB, error) {
	config, err := o.config()
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	db := &DB{pool: pool, timeout: o.timeout()}
	ctx, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("postgres: %w", connectError(err))
	}
	return db, nil
}

func (o *Options) timeout() time.Duration {
	if o.Timeout == 0 {
		return DefaultTimeout
	}
	return o.Timeout
}

// config sets everything that could otherwise come from the environment.
func (o *Options) config() (*pgxpool.Config, error) {
	if o.Host == "" || o.Port == 0 || o.Database == "" || o.User == "" {
		return nil, errors.New("host, port, database and user are needed")
	}
	if os.Getenv("PGSERVICE") != "" {
		return nil, errors.New("the environment names a service file (PGSERVICE), whose settings are not measured: unset it")
	}
	socket := strings.HasPrefix(o.Host, "/")
	// The string names every setting, since what it leaves out is looked up in the
	// environment. Those that matter are set as fields afterwards, where nothing
	// has to be quoted.
	config, err := pgxpool.ParseConfig("host=/nowhere port=1 dbname=none user=none password=none passfile='' sslmode=disable " +
		"sslcert='' sslkey='' sslrootcert='' target_session_attrs=read-write connect_timeout=1 application_name=notary options='' channel_binding=prefer sslnegotiation=postgres")
	if err != nil {
		return nil, err
	}
	c := config.ConnConfig
	c.Host, c.Port, c.Database, c.User, c.Password = o.Host, o.Port, o.Database, o.User, ""
	c.Fallbacks = nil
	if o.ReadOnly {
		c.ValidateConnect = nil
	}
	c.ConnectTimeout = o.timeout()
	if !socket {
		c.TLSConfig = &tls.Config{ServerName: o.Host, RootCAs: o.Roots, MinVersion: tls.VersionTLS12}
	}
	schema := o.Schema
	if schema == "" {
		schema = "public"
	}
	c.RuntimeParams = map[string]string{
		"application_name": "notary",
		"search_path":      pgx.Identifier{schema}.Sanitize(),
		// An acknowledgement means durable, whatever the server's default is.
		"synchronous_commit":                  "on",
		"statement_timeout":                   strconv.FormatInt(o.timeout().Milliseconds(), 10),
		"idle_in_transaction_session_timeout": strconv.FormatInt(o.timeout().Milliseconds(), 10),
	}
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		if o.ReadOnly { // no parameter of the start: poolers refuse those that they do not know
			if _, err := c.Exec(ctx, "set session characteristics as transaction read only", pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("make a connection read-only: %w", err)
			}
		}
		return inForce(ctx, c, schema)
	}
	config.MaxConns = DefaultConnections
	if o.Connections > 0 {
		config.MaxConns = int32(min(o.Connections, 1<<10))
	}
	config.MaxConnIdleTime = 5 * time.Minute
	config.MaxConnLifetime = time.Hour // shorter than access tokens live
	if o.PasswordFile != "" {
		config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			password, err := readPassword(o.PasswordFile)
			c.Password = password
			return err
		}
	}
	return config, nil
}

// inForce looks whether a new connection has the settings on which something depends. A
// pooler in between may have been told to drop them, and with synchronous_commit what
// an acknowledgement means.
func inForce(ctx context.Context, c *pgx.Conn, schema string) error {
	var commit string
	var in *string // none: the schema is not there, and so no table is
	const ask = "select current_setting('synchronous_commit'), current_schema()"
	if err := c.QueryRow(ctx, ask, pgx.QueryExecModeSimpleProtocol).Scan(&commit, &in); err != nil {
		return fmt.Errorf("settings of a connection: %w", err)
	}
	if commit != "on" {
		return fmt.Errorf("%w: synchronous_commit is %s and has to be on", ErrSettings, commit)
	}
	if in != nil && *in != schema {
		return fmt.Errorf("%w: the schema is %.80q and has to be %q", ErrSettings, *in, schema)
	}
	return nil
}

func readPassword(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	if info.Size() > maxPassword {
		return "", fmt.Errorf("password file %s has %d bytes, at most %d", filepath.Base(path), info.Size(), maxPassword)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// connectError drops pgx's repetition of the connection's parameters.
func connectError(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return fmt.Errorf("the server refuses the connection: %w", e)
	}
	return err
}

// Exec executes one statement in a transaction of its own. Arguments are nil,
// int64, []byte, []int64 or [][]byte; columns of the rows are nil, int64 or []byte, and any
// other type is an error. A unique key that is taken is an error that is
// [fs.ErrExist]; any other error leaves the outcome unknown. The error has PostgreSQL's
// message and code, and none of the values.
//
// A connection that has been idle may be dead, since the server was started again. As long
// as nothing of the statement was sent, the next one is tried.
func (db *DB) Exec(ctx context.Context, statement string, args []any) ([][]any, error) {
	ctx, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	out, err := db.exec(ctx, statement, args)
	for tries := int32(0); err != nil && pgconn.SafeToRetry(err) && tries < db.pool.Config().MaxConns; tries++ {
		out, err = db.exec(ctx, statement, args)
	}
	if err != nil {
		return nil, execError(err)
	}
	return out, nil
}

func (db *DB) exec(ctx context.Context, statement string, args []any) ([][]any, error) {
	rows, err := db.pool.Query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][]any
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			return nil, err
		}
		for i, v := range row {
			switch v := v.(type) {
			case nil, int64, []byte:
			case int32:
				row[i] = int64(v)
			case int16:
				row[i] = int64(v)
			default:
				return nil, fmt.Errorf("column %d has a type that is neither integer nor bytea", i)
			}
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

func execError(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		err = fmt.Errorf("postgres: %s (SQLSTATE %s)", e.Message, e.Code)
		switch e.Code {
		case uniqueViolation:
			return fmt.Errorf("%w: %w", err, fs.ErrExist)
		case undefinedTable:
			return fmt.Errorf("%w: %w", ErrNoTable, err)
		case duplicateStatement, unknownStatement:
			return fmt.Errorf("%w; a pooler has to give whole sessions to the notary, not transactions", err)
		}
		return err
	}
	return fmt.Errorf("postgres: %w", connectError(err))
}

// Init executes the statements of a schema, and gives role what the adapter needs
// of it, in one transaction: all or nothing. role is the user of the notary if that is
// not who makes the schema, or else empty.
func (db *DB) Init(ctx context.Context, schema string, statements []string, role string) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// Making many partitions may take longer than any statement of a notary.
		if _, err := tx.Exec(ctx, "set local statement_timeout = 0"); err != nil {
			return execError(err)
		}
		for i, s := range append(statements, Grants(schema, role)...) {
			if _, err := tx.Exec(ctx, s); err != nil {
				return fmt.Errorf("statement %d of the schema: %w", i+1, execError(err))
			}
		}
		return nil
	})
}

// Grants are the statements by which a role may read and add, and change nothing
// but wrapped keys.
func Grants(schema, role string) []string {
	if role == "" {
		return nil
	}
	in, to := inSchema(schema), pgx.Identifier{role}.Sanitize()
	return []string{
		"grant usage on schema " + in + " to " + to,
		"grant select, insert on all tables in schema " + in + " to " + to,
		"grant update (dek) on " + in + ".notary_keys to " + to,
	}
}

// AuditorGrants are the statements by which a role may read the journal, as "notary
// audit" does, and nothing else: not wrapped keys either.
func AuditorGrants(schema, role string) []string {
	if role == "" {
		return nil
	}
	in, to := inSchema(schema), pgx.Identifier{role}.Sanitize()
	return []string{
		"grant usage on schema " + in + " to " + to,
		"grant select on " + in + ".notary_schema, " + in + ".notary_epochs, " + in + ".notary_chunks to " + to,
	}
}

// inSchema is a schema's name as SQL has it.
func inSchema(name string) string {
	if name == "" {
		name = "public"
	}
	return pgx.Identifier{name}.Sanitize()
}

// Close waits for statements under way and closes all connections.
func (db *DB) Close() { db.pool.Close() }

// String says for people which database it is, without the role.
func (db *DB) String() string {
	c := db.pool.Config().ConnConfig
	return fmt.Sprintf("database %s on %s:%d", c.Database, c.Host, c.Port)
}
