package providers

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
)

// hashArgument is the kernel argument with the hash of the user config, in the form of
// the spec: of its bytes as they were fetched or handed over.
const hashArgument = "ignition.config.hash"

var hashAlgorithms = map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New}

// hashCheck returns what compares a config with the kernel argument, nil without one.
func (env *Env) hashCheck() (func(*UserData) error, error) {
	value, given := env.Arguments[hashArgument]
	if !given {
		return nil, nil
	}
	algorithm, digits, _ := strings.Cut(value, "-")
	want, err := hex.DecodeString(digits)
	at := config.Origin{Source: "kernel command line", Path: hashArgument}
	newHash := hashAlgorithms[algorithm]
	if newHash == nil || err != nil || len(want) != newHash().Size() {
		return nil, &report.Error{Origin: at, Err: fmt.Errorf("the kernel argument %s=%s is no hash", hashArgument, value),
			Hint: "write sha256- and the 64 digits that sha256sum CONFIG prints, or sha512- and the 128 of sha512sum"}
	}
	return func(data *UserData) error {
		if data == nil || len(data.Text) == 0 {
			return &report.Error{Origin: at, Err: errors.New("there is no user config, though the kernel command line has a hash of one"),
				Hint: "give the machine its config, or remove the argument"}
		}
		sum := newHash()
		sum.Write(data.Text)
		if got := sum.Sum(nil); string(got) != string(want) {
			return report.Conflict(at, "if the config was changed on purpose, change the argument; else find out who has changed it",
				"the %s of the %s is not the one on the kernel command line:\nwant %x\ngot %x (%d bytes)", algorithm, data.Name, want, got, len(data.Text))
		}
		return nil
	}, nil
}

// CheckHash compares a user config with the hash of the kernel command line, if there is one.
func CheckHash(arguments map[string]string, text []byte, name string) error {
	check, err := (&Env{Arguments: arguments}).hashCheck()
	if check == nil || err != nil {
		return err
	}
	return check(&UserData{Text: text, Name: name})
}
