// Package report runs operations, logs them, and reports what went wrong.
//
// A stage plans operations and gives them to a Runner, which runs them in the
// order of the plan, or several at once, and stops at the first failure. The
// log has one line of each, how it has ended, since the journal is the slowest part of
// writing a small file; and a line before that of one that takes over a second:
//
//	INFO     : files: op(1): [finished] writing file /etc/motd (0.000 s)
//	INFO     : files: op(2): [started]  creating user "core"
//	NOTICE   : files: op(2): [failed]   creating user "core": useradd: UID 0 is not unique
//
// A failure goes one path from its cause to the consoles:
//
//  1. What failed returns an error. A helper program's is system.CommandError:
//     its text is the last line that the program printed, its detail the command
//     line and the exit status; the other lines are in the log.
//  2. Callers that know more wrap it in an Error: what was being done, the
//     origin in the config, a hint. The Runner adds the operation's name and
//     origin.
//  3. Explain takes the error apart into problems, once. Of the errors in a
//     chain the outermost one names the operation, the innermost one that knows
//     them the origin and the hint. Without a hint the error's own Hint method
//     gives one: helper programs and mounts have tables of hints.
//  4. NewFailure adds the kind, which chooses the headline and the exit status.
//     Failure.Log logs each problem in one line as critical, the only line about
//     it at the level error or above, and Failure.Box is the failure box, which
//     Logger.Show shows.
//
// For machines each stage appends a Stage to /run/ignition/report.json, and to the Record
// of this boot; docs/record.md describes it.
//
// Words: an operation is one change to the machine with a name, an origin and a
// function; a plan is operations in order; a conflict is a reason, found while
// planning, why the config cannot be applied; a problem is one item of the
// failure box; a hint is what a person can do.
//
// The package may import config (for origins), internal/json and
// internal/system.
package report
