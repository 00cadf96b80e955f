package trust

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dir has the keys of an image, in files of any name.
const Dir = "/usr/lib/firstlight/trusted.d"

// A Key is a public key that an image trusts.
type Key struct {
	// Name says which key this is: its fingerprint, or its ID, and the file with it.
	Name string
	// kind is that of a key of SSH, which is how it verifies; "" is minisign.
	kind   string
	verify verifyFunc
	// blob is the key in the form of its program.
	blob string
}

// Keys are all that an image trusts. Without any, nothing has to be signed.
type Keys []Key

// ReadKeys reads the files of a directory, which need not exist, with a function that
// bounds their size. Those whose names begin with a dot are passed over; all others have
// to be keys. Files without any that count are an error, as whoever has put them there
// wants configs to be verified.
func ReadKeys(dir string, read func(name string) ([]byte, error)) (Keys, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking for trusted keys: %w", err)
	}
	var keys Keys
	files := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		files++
		name := filepath.Join(dir, e.Name())
		text, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("reading a trusted key: %w", err)
		}
		more, err := ParseKeys(string(text), name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, more...)
	}
	if files > 0 && len(keys) == 0 {
		return nil, fmt.Errorf("the files in %s have no key for the namespace %s, so that no config could be verified", dir, Namespace)
	}
	return keys, nil
}

// ParseKeys reads the public keys in a file, one to a line: of minisign, and those of SSH
// as in files .pub or allowed_signers.
func ParseKeys(text, name string) (Keys, error) {
	var keys Keys
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || strings.HasPrefix(line, minisignComment) {
			continue
		}
		key, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, number, err)
		}
		if key != nil {
			key.Name += " (" + filepath.Base(name) + ")"
			keys = append(keys, *key)
		}
	}
	return keys, nil
}

// parseKey returns nil for a key that is meant for something else. Nothing of the line is
// in an error: it may be a private key that has got here.
func parseKey(line string) (*Key, error) {
	fields := strings.Fields(line)
	if len(fields) == 1 {
		return parseMinisignKey(line)
	}
	kind := slices.IndexFunc(fields, isSSHKey)
	if kind < 0 || kind > 2 || kind+1 == len(fields) {
		return nil, errors.New("this is no public key of minisign, and none of SSH of a kind that is known: " + sshKinds())
	}
	if kind == 2 { // after principals, which do not matter here
		for option := range strings.SplitSeq(fields[1], `",`) {
			names, ok := strings.CutPrefix(option, `namespaces="`)
			if !ok {
				return nil, errors.New("of the options of a key only namespaces is known here")
			}
			if !slices.Contains(strings.Split(strings.TrimSuffix(names, `"`), ","), Namespace) {
				return nil, nil
			}
		}
	}
	blob, err := base64.StdEncoding.DecodeString(fields[kind+1])
	if err != nil {
		return nil, errors.New("the key is not base64")
	}
	return parseSSHKey(fields[kind], blob)
}

// find returns the key with a blob, nil if it is not trusted.
func (k Keys) find(match func(*Key) bool) *Key {
	if i := slices.IndexFunc(k, func(key Key) bool { return match(&key) }); i >= 0 {
		return &k[i]
	}
	return nil
}

// names lists the keys.
func (k Keys) names() string {
	var all []string
	for _, key := range k {
		all = append(all, key.Name)
	}
	return strings.Join(all, ", ")
}
