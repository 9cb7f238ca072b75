package postgres

import (
	"context"
	"fmt"

	"github.com/veriproof/notary/host/journal"
)

// Copies asks the server where it keeps or sends what a row had before it was changed,
// and returns what it tells. That it tells of nothing excludes nothing:
// old row versions, the write-ahead log, and backups and standbys that are away at the
// moment are not among it.
func (db *DB) Copies(ctx context.Context) ([]journal.Copy, error) {
	ctx, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	var standbys, slots, backups int64
	var archive string
	err := db.pool.QueryRow(ctx, "select (select count(*) from pg_stat_replication), (select count(*) from pg_replication_slots), "+
		"(select count(*) from pg_stat_progress_basebackup), current_setting('archive_mode')").Scan(&standbys, &slots, &backups, &archive)
	if err != nil {
		return nil, execError(err)
	}
	var found []journal.Copy
	for _, c := range []struct {
		count      int64
		kind, what string
	}{
		{standbys, "standbys", "standbys or other receivers of the write-ahead log are connected"},
		{slots, "slots", "replication slots hold back the write-ahead log for others"},
		{backups, "base_backups", "base backups are being taken"},
	} {
		if c.count > 0 {
			found = append(found, journal.Copy{Kind: c.kind, Count: uint64(c.count), Text: fmt.Sprintf("%s: %d", c.what, c.count)})
		}
	}
	if archive != "off" {
		found = append(found, journal.Copy{Kind: "wal_archive", Count: 1, Text: "the write-ahead log is archived: archive_mode is " + archive})
	}
	return found, nil
}
