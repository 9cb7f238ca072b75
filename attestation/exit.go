package attestation

// Exit statuses of commands that verify, one per class of failure. They are an
// interface: scripts decide on them.
const (
	ExitVerified     = 0 // every required check passed and none failed
	ExitUsage        = 1 // a command line or file that cannot be used; nothing was appraised
	ExitFalse        = 2 // a signature, chain, hash or binding does not hold
	ExitUnacceptable = 3 // true, but not what the policy accepts
	ExitStale        = 4 // outside of its validity, too old, or revoked
	ExitIncomplete   = 5 // nothing failed, but a required check was not done
)

// exitOf is the status of a failure of each class.
var exitOf = map[Class]int{
	ClassFalse: ExitFalse, ClassUnacceptable: ExitUnacceptable, ClassStale: ExitStale, ClassRevoked: ExitStale,
}

// ExitStatus returns the exit status for a list of checks: that of the verdict
// and, if checks failed, of the worst failure. What is false comes before what is
// unacceptable, and that before what is stale or revoked, because the earlier one
// makes the later question moot. A failure of a class that is not known here
// counts as false. It never returns ExitUsage.
func ExitStatus(checks []Check) int {
	switch Verdict(checks) {
	case Verified:
		return ExitVerified
	case Incomplete:
		return ExitIncomplete
	}
	worst := ExitStale
	for _, c := range checks {
		if c.Status != Fail {
			continue
		}
		status, known := exitOf[c.Class]
		if !known {
			status = ExitFalse
		}
		worst = min(worst, status)
	}
	return worst
}
