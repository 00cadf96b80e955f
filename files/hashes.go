package files

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
)

// Everybody on a machine can read the arguments of its programs. Hashes of passwords
// go to programs of shadow-utils by their standard input, where there is one for it.

// A hashProgram sets hashes that it reads as NAME:HASH.
type hashProgram struct {
	name    string
	without string // the program that takes it as an argument
}

var (
	userHash  = hashProgram{"chpasswd", "usermod"}
	groupHash = hashProgram{"chgpasswd", "groupmod"}
)

// neededFor is what setHash needs for a hash, as one of the programs of an operation.
func (h hashProgram) neededFor(hash string) string {
	if isSecret(hash) {
		return h.name + "|" + h.without
	}
	return h.without
}

// isSecret reports whether a field of shadow(5) has a hash, and does not only lock the
// account.
func isSecret(hash string) bool { return strings.Trim(hash, "*!") != "" }

// withoutSecret is a hash as it may be an argument, or another one.
func withoutSecret(hash, otherwise string) string {
	if isSecret(hash) {
		return otherwise
	}
	return hash
}

// setHash gives an existing account a hash. It is an argument only where an
// initramfs that was made for the reference does not have the program.
func (p *planner) setHash(ctx context.Context, program hashProgram, account, hash string) error {
	if !isSecret(hash) {
		return p.runShadow(ctx, program.without, account, "--password", hash)
	}
	err := p.tellHash(ctx, program, account, hash)
	if !errors.Is(err, exec.ErrNotFound) {
		return err
	}
	p.Log.Warn(fmt.Sprintf("%s is not in this initramfs: %s gets the password hash of %q as an argument, which other programs can read meanwhile; "+
		"rebuild the initramfs with it", program.name, program.without, account))
	return p.runShadowCommand(ctx, system.Command{Name: program.without, Args: []string{"--root", p.Root, "--password", hash, account}, Secrets: []string{hash}})
}

// tellHash gives an existing account a hash, not as an argument.
func (p *planner) tellHash(ctx context.Context, program hashProgram, account, hash string) error {
	return p.runShadowCommand(ctx, system.Command{Name: program.name, Args: []string{"--root", p.Root, "--encrypted"},
		Stdin: []byte(account + ":" + hash + "\n"), Secrets: []string{hash}})
}
