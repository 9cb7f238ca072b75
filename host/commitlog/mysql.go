package commitlog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	driver "github.com/go-sql-driver/mysql"
	"github.com/transparency-dev/tessera/storage/mysql"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MySQLOptions say which database a log is in: MySQL 8 or later, or MariaDB.
type MySQLOptions struct {
	// Host is a name or address, whose certificate TLS verifies, or the path of a
	// Unix socket.
	Host           string
	Port           uint16
	Database, User string
	// Password returns the password or access token, for each connection. nil has none.
	Password func() (string, error)
	// Roots are what TLS is checked by; nil means the system's.
	Roots *x509.CertPool
	// Timeout bounds each exchange with the server, Connections their number.
	Timeout     time.Duration
	Connections int
}

// MySQL is a log in a database, which any number of notaries share: Tessera locks
// rows, and each notary has a copy of the log's key. It implements [Log].
type MySQL struct {
	*tree
	db *sql.DB
}

var _ Log = (*MySQL)(nil)

// OpenMySQL opens the log in a database, whose signing key is in dir. It makes
// neither: [InitMySQL] does. Witnesses are for the embedded log, and for one that
// "notary log serve" has: Tessera's driver has a client of its own for them, which
// nothing bounds.
func OpenMySQL(ctx context.Context, m MySQLOptions, dir, origin string, o Options) (_ *MySQL, err error) {
	if len(o.Witnesses.List) > 0 {
		return nil, fmt.Errorf("%w: a log in a database has none", ErrWitness)
	}
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, keyFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no %s: copy that of the log, or make a new log with \"notary log init\"", ErrKey, dir, keyFile)
	}
	key, err := loadOrMakeKey(dir, origin, true)
	if err != nil {
		return nil, err
	}
	l := &MySQL{}
	if l.db, err = connect(m); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.db.Close())
		}
	}()
	if l.tree, err = newTree(key, o, func() error { return nil }); err != nil {
		return nil, err
	}
	storage, err := mysql.New(ctx, l.db)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDatabase, m.where(), err)
	}
	if l.signer.last, err = lastPublished(storage, m.where(), l.signed); err != nil {
		return nil, err
	}
	if err := l.start(storage, remoteInterval); err != nil {
		return nil, err
	}
	return l, nil
}

// Close implements [Log]. Closing twice is harmless.
func (l *MySQL) Close() error {
	first, err := l.stop()
	if !first {
		return nil
	}
	return errors.Join(err, l.db.Close())
}

// MySQLFiles opens the files of a log in a database for reading. close ends that.
func MySQLFiles(ctx context.Context, m MySQLOptions) (files Files, close func() error, err error) {
	db, err := connect(m)
	if err != nil {
		return nil, nil, err
	}
	storage, err := mysql.New(ctx, db)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrDatabase, m.where(), err), db.Close())
	}
	return storage, db.Close, nil
}

func (m *MySQLOptions) where() string {
	if strings.HasPrefix(m.Host, "/") {
		return m.Host + " " + m.Database
	}
	return net.JoinHostPort(m.Host, strconv.Itoa(int(m.Port))) + " " + m.Database
}

// connect prepares connections to the database; none is made yet.
func connect(m MySQLOptions) (*sql.DB, error) {
	silenceKlog() // Tessera's driver reports what it returns as well
	c := driver.NewConfig()
	c.User, c.DBName = m.User, m.Database
	c.Timeout, c.ReadTimeout, c.WriteTimeout = m.Timeout, m.Timeout, m.Timeout
	c.Logger = quiet{} // what goes wrong is in the errors
	if strings.HasPrefix(m.Host, "/") {
		c.Net, c.Addr = "unix", m.Host
	} else {
		c.Net, c.Addr = "tcp", net.JoinHostPort(m.Host, strconv.Itoa(int(m.Port)))
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: m.Roots, ServerName: m.Host}
		c.AllowCleartextPasswords = true // to a verified server, as access tokens are given
	}
	if m.Password != nil {
		err := c.Apply(driver.BeforeConnect(func(_ context.Context, c *driver.Config) (err error) {
			c.Passwd, err = m.Password()
			return err
		}))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
		}
	}
	connector, err := driver.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(m.Connections)
	db.SetMaxIdleConns(m.Connections)
	db.SetConnMaxLifetime(time.Hour)
	return db, nil
}

// quiet drops what the driver would print.
type quiet struct{}

func (quiet) Print(...any) {}

// MySQLSchema are the statements that make the tables, as Tessera 1 expects them.
func MySQLSchema() []string {
	const one = "id tinyint unsigned not null primary key, "
	return []string{
		"create table Tessera (" + one + "compatibilityVersion bigint unsigned not null)",
		"insert into Tessera (id, compatibilityVersion) values (0, 1)",
		"create table Checkpoint (" + one + "note mediumblob not null, published_at bigint not null)",
		"create table TreeState (" + one + "size bigint unsigned not null, root tinyblob not null)",
		"create table Subtree (level tinyint unsigned not null, `index` bigint unsigned not null, nodes mediumblob not null, primary key (level, `index`))",
		"create table TiledLeaves (tile_index bigint unsigned not null primary key, size smallint unsigned not null, data longblob not null)",
	}
}

// InitMySQL makes the tables of a log in an empty database, with the signed checkpoint
// of no entries, and its key in dir, unless one of this origin is there. A key that it
// made goes again if the database takes nothing; MySQL cannot take back the tables that it made
// when a later one fails.
func InitMySQL(ctx context.Context, m MySQLOptions, dir, origin string) (vkey string, err error) {
	if err := checkOrigin(origin); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	lock, err := lockDir(dir) // two at a time would make two keys of one name, or take the other's away, and an embedded log could begin here
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := noLog(dir); err != nil {
		return "", err
	}
	db, err := connect(m)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = os.Lstat(filepath.Join(dir, keyFile))
	had := err == nil
	key, err := loadOrMakeKey(dir, origin, false)
	if err != nil {
		return "", err
	}
	if began, err := makeTables(ctx, db, key); err != nil {
		var refused *driver.MySQLError
		if errors.As(err, &refused) && refused.Number == tableExists {
			err = fmt.Errorf("it has a log, or what is left of one: of a log each notary gets a copy of %s, and nothing is to be made (%w)", keyFile, err)
		}
		err = fmt.Errorf("%w: %s: %w", ErrDatabase, m.where(), err)
		if !had && !began {
			err = errors.Join(err, os.Remove(filepath.Join(dir, keyFile))) // nothing that is used has its signature
		}
		return "", err
	}
	return key.vkey, nil
}

// tableExists is MySQL's ER_TABLE_EXISTS_ERROR.
const tableExists = 1050

// makeTables makes the tables and, as the last step, the checkpoint of no entries. Tessera
// would publish one a while after it opened the log, and who read it before then, as each
// start of a notary does, would find none. Began tells whether the database took anything:
// what fails then may have been done all the same, and have the key's signature.
func makeTables(ctx context.Context, db *sql.DB, key *signingKey) (began bool, err error) {
	for _, s := range MySQLSchema() {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return began, fmt.Errorf("%w: %s", err, s)
		}
		began = true
	}
	root, err := tlog.TreeHash(0, nil)
	if err != nil {
		return true, err
	}
	checkpoint, err := note.Sign(&note.Note{Text: torchwood.Checkpoint{Origin: key.Name(), Tree: tlog.Tree{Hash: root}}.String()}, key.Signer)
	if err != nil {
		return true, err
	}
	if _, err := db.ExecContext(ctx, "insert into TreeState (id, size, root) values (0, 0, ?)", root[:]); err != nil {
		return true, fmt.Errorf("the tree of no entries: %w", err)
	}
	if _, err := db.ExecContext(ctx, "insert into Checkpoint (id, note, published_at) values (0, ?, ?)", checkpoint, time.Now().UnixMilli()); err != nil {
		return true, fmt.Errorf("the checkpoint of no entries: %w", err)
	}
	return true, nil
}
