package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// threats are the attacks on storage, journal, trees and log, by their numbers in the
// list of attacks, and the tests that try each. host/postgres, host/endpoint, what is named
// after a service and, in part, host/cmd/notary need a server (make test-storage).
var threats = []struct {
	number string
	attack string
	tests  map[string][]string // by package
}{
	{"T30", "storage is rolled back", map[string][]string{
		"host/session": {"TestT30RollbackIsToldAtStart"}, "host/audit": append(onServers(), "TestBehindGap"),
		"host/cmd/notary": {"TestT30RollbackEndsStart", "TestT30EpochRemoved", "TestDatabaseTamperedEndsStart"},
	}},
	{"T31", "two notaries on one storage", map[string][]string{
		"host/session": {"TestT31TwoNotaries", "TestSleeperIsStopped"}, "host/journal": {"TestFenced"}, "host/audit": onServers(),
		"host/postgres": {"TestStore"}, "host/endpoint": {"TestAzurite", "TestS3"},
	}},
	{"T32", "an old ciphertext under a new id; swapped rows", map[string][]string{
		"sdk/journal": {"TestSegmentMoved", "TestSegmentsSwapped", "TestWrappedDEKMoved"}, "host/audit": onServers(), "host/cmd/notary": {"TestDatabaseTamperedEndsStart"},
	}},
	{"T33", "a crash at every step", map[string][]string{
		"host/session": {"TestT33FaultMatrix", "TestT33FaultMatrixPostgres"}, "host/stream": {"TestCrashes", "TestKillNine"}, "host/commitlog": {"TestKilled"},
		"host/postgres": {"TestServerDies", "TestServerDiesUnderJournal", "TestCutMidCommit"}, "host/cmd/notary": {"TestDatabase", "TestAzureBlob"},
	}},
	{"T34", "what an acknowledgement means", map[string][]string{"host/session": {"TestT34AcknowledgedIsReadable"}}},
	{"T35", "storage is slow, full or read-only", map[string][]string{
		"host/session": {"TestT35StorageHangs", "TestBusy"}, "host/journal": {"TestBackPressure", "TestHangingStorage"},
		"host/stream": {"TestFilesCannotGrow", "TestReadOnly"}, "host/postgres": {"TestDiskFull"}, "host/cmd/notary": {"TestNoPlaintextAtRest"},
	}},
	{"T36", "a nonce twice under one key", map[string][]string{"sdk/journal": {"TestT36NoNonceTwice", "TestNonce"}, "host/seal": {"TestSegmentNumbersAreUsedOnce"}}},
	{"T37", "a ciphertext that two keys open", map[string][]string{"sdk/journal": {"TestKeyCommitment"}}},
	{"T38", "confused leaves and nodes, wrong paths", map[string][]string{
		"sdk/receipt": {"TestPathMutations", "TestLeafIsNoNode", "TestMerkleVectors"}, "host/merkle": {"TestDuplicateOddLeaf", "TestNodeIsNoLeaf", "TestInclusionVectors"},
	}},
	{"T39", "guessing the record of a leaf", map[string][]string{"sdk/receipt": {"TestDictionary"}, "host/session": {"TestErase"}}},
	{"T40", "a log that tells two stories", map[string][]string{"host/audit": onServers(), "host/commitlog": {"TestSignerNeverForks", "TestWitnessSeesRollback"}, "host/logserver": {"TestT40ForkedLog"}}},
	{"T41", "changed proofs", map[string][]string{"sdk/receipt": {"TestProofEveryByte", "TestPathMutations"}, "host/commitlog": {"TestEveryByteOfAProof"}}},
}

// onServers are the tests that change what a storage has: in memory, and in real servers.
func onServers() []string {
	return []string{"TestTampering", "TestTamperingPostgres", "TestTamperingAzureBlob", "TestTamperingS3"}
}

// TestThreatsHaveTests: each attack from T30 to T41 has tests, and they are there.
func TestThreatsHaveTests(t *testing.T) {
	for i, threat := range threats {
		if want := fmt.Sprint("T", 30+i); threat.number != want || len(threat.tests) == 0 {
			t.Errorf("%s stands where %s should, with tests in %d packages", threat.number, want, len(threat.tests))
		}
		for dir, names := range threat.tests {
			source := sources(t, filepath.Join("..", "..", filepath.FromSlash(dir)))
			for _, name := range names {
				if !strings.Contains(source, "\nfunc "+name+"(t *testing.T)") {
					t.Errorf("%s, %s: package %s has no %s", threat.number, threat.attack, dir, name)
				}
			}
		}
	}
	if len(threats) != 12 {
		t.Errorf("%d attacks, want T30 to T41", len(threats))
	}
}

func sources(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
