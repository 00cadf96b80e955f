package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// smbiosTable has all structures of SMBIOS, as the kernel shows them.
const smbiosTable = "/sys/firmware/dmi/tables/DMI"

const (
	maxSMBIOS  = 16 << 20 // bytes
	oemStrings = 11       // the type of structures with strings of the vendor: here, of the host
	endOfTable = 127
)

// What a string of the host begins with that is a credential.
const (
	smbiosText   = "io.systemd.credential:"
	smbiosBinary = "io.systemd.credential.binary:"
)

// findSMBIOS returns the credential of a name in the structures of SMBIOS. The error wraps
// fs.ErrNotExist if it is not there.
//
// https://www.dmtf.org/standards/smbios: a structure is a header with its type and its
// length, as many bytes, and strings that end in a NUL, with another one after the last.
func findSMBIOS(table []byte, name string) ([]byte, error) {
	for len(table) >= 4 && table[0] != endOfTable {
		kind, length := table[0], int(table[1])
		if length < 4 || length > len(table) {
			break
		}
		strings, rest := cutStrings(table[length:])
		if kind == oemStrings {
			for _, s := range strings {
				if text, found, err := credentialIn(s, name); found {
					return text, err
				}
			}
		}
		table = rest
	}
	return nil, fs.ErrNotExist
}

// cutStrings returns the strings of a structure, and what follows them.
func cutStrings(table []byte) (all []string, rest []byte) {
	if bytes.HasPrefix(table, []byte{0, 0}) {
		return nil, table[2:]
	}
	for len(table) > 0 && table[0] != 0 {
		s, after, _ := bytes.Cut(table, []byte{0})
		all, table = append(all, string(s)), after
	}
	return all, table[min(1, len(table)):]
}

// credentialIn returns the value of a string of the host if it is the credential of a name.
func credentialIn(s, name string) (value []byte, found bool, err error) {
	if text, is := strings.CutPrefix(s, smbiosText+name+"="); is {
		return []byte(text), true, nil
	}
	encoded, is := strings.CutPrefix(s, smbiosBinary+name+"=")
	if !is {
		return nil, false, nil
	}
	value, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		err = fmt.Errorf("reading the credential %q of SMBIOS: %w", name, errors.New("it is not base64"))
	}
	return value, true, err
}
