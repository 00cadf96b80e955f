package secret

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Identity is the credential with the identities of a machine: what is encrypted with age
// to one of them the machine can decrypt.
const Identity = "firstlight.age"

// Decrypt returns what a reader has that was encrypted with age, armored or not, to one of
// some identities, which are read if it is. Whose they are is for messages. Errors of the
// reader itself stay as they are. What was read before an error must not be used.
func Decrypt(encrypted io.Reader, whose string, identities func() ([]age.Identity, error)) (io.Reader, error) {
	source := &errorKeeper{Reader: encrypted}
	begin := bufio.NewReader(source)
	head, _ := begin.Peek(64) // a shorter one is none
	switch {
	case source.err != nil:
		return nil, source.err
	case !config.IsAge(head):
		return nil, errors.New("what is there is not encrypted with age")
	}
	keys, err := identities()
	if err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(withoutArmor(begin, head), keys...)
	if err != nil {
		return nil, source.explain(err, whose, keys)
	}
	return &plainReader{plain, source}, nil
}

// withoutArmor returns the binary form of what begins with head.
func withoutArmor(r io.Reader, head []byte) io.Reader {
	if bytes.HasPrefix(head, []byte("age-encryption.org/")) {
		return r
	}
	return armor.NewReader(r)
}

// An errorKeeper keeps the error of a reader, which those who read from it may wrap in
// others.
type errorKeeper struct {
	io.Reader
	err error // is not io.EOF
}

func (k *errorKeeper) Read(p []byte) (int, error) {
	n, err := k.Reader.Read(p)
	if err != nil && err != io.EOF {
		k.err = err
	}
	return n, err
}

// A plainReader reads what is decrypted.
type plainReader struct {
	io.Reader
	source *errorKeeper
}

func (r *plainReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = r.source.explain(err, "", nil)
	}
	return n, err
}

// explain says why something cannot be decrypted, in words that have nothing of it.
func (k *errorKeeper) explain(err error, whose string, identities []age.Identity) error {
	var others *age.NoIdentityMatchError
	switch {
	case k.err != nil:
		return k.err
	case errors.As(err, &others):
		return notForUs(others.StanzaTypes, whose, identities)
	}
	return &report.Error{Err: errors.New("it is encrypted with age, but it is damaged, cut off, or was changed"),
		Hint: "encrypt it again: firstlightctl encrypt --to RECIPIENT FILE"}
}

// notForUs is the error of what is encrypted to others.
func notForUs(kinds []string, whose string, identities []age.Identity) error {
	text, ours := "it is encrypted with age, but not to "+whose, ""
	if len(kinds) > 0 && kinds[0] == "scrypt" {
		text = "it is encrypted with a passphrase, and not to " + whose
	}
	for _, i := range identities {
		if key, is := i.(*age.X25519Identity); is {
			ours += " --to " + key.Recipient().String()
		}
	}
	return &report.Error{Err: errors.New(text), Hint: "encrypt it to " + whose + ": firstlightctl encrypt" + ours + " FILE"}
}

// ParseIdentities reads a file of age-keygen: a line for each identity, and comments.
func ParseIdentities(text []byte) ([]age.Identity, error) {
	var all []age.Identity
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		identity, err := age.ParseX25519Identity(line)
		if err != nil { // which may have a part of it
			return nil, &report.Error{Err: fmt.Errorf("line %d is no identity of age", number), Hint: "a line begins with AGE-SECRET-KEY-1; \"age-keygen\" makes one, and those of SSH and of plugins are not known"}
		}
		all = append(all, identity)
	}
	if len(all) == 0 {
		return nil, &report.Error{Err: errors.New("there is no identity in it"), Hint: "\"age-keygen\" makes one"}
	}
	return all, nil
}
