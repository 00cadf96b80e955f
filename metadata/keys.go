package metadata

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// keyTypes are the types of public keys, with how many strings (RFC 4251, 5) there are
// in one after its type.
var keyTypes = map[string]int{
	"ssh-rsa": 2, "ssh-dss": 4, "ssh-ed25519": 1,
	"ecdsa-sha2-nistp256": 2, "ecdsa-sha2-nistp384": 2, "ecdsa-sha2-nistp521": 2,
	"sk-ssh-ed25519@openssh.com": 2, "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}

// CheckKeys returns keys in the form of authorized_keys: options, type, key and comment,
// one blank between. One that is no key is an error, or passed to skip where lines may be
// something else.
func CheckKeys(given providers.Keys, skip func(error)) ([]string, error) {
	var keys []string
	for i, line := range given.Lines {
		key, err := normalKey(line)
		if err != nil {
			err = fmt.Errorf("key %d of %d (%q): %w", i+1, len(given.Lines), shownKey(line), err)
			if !given.SkipBad {
				return nil, err
			}
			skip(err)
			continue
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// shownKey is enough of a key to find it.
func shownKey(line string) string {
	const most = 40
	shown := system.PrintableLine(strings.TrimSpace(line))
	if len(shown) > most {
		shown = strings.ToValidUTF8(shown[:most], "") + "..."
	}
	return shown
}

func normalKey(line string) (string, error) {
	line = strings.TrimSpace(line)
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return "", errors.New("it has a line break or another control character in it")
	}
	options, rest := "", line
	if kind, _ := cutWord(line); keyTypes[kind] == 0 {
		options, rest = cutOptions(line)
	}
	kind, rest := cutWord(rest)
	count, known := keyTypes[kind]
	if !known {
		return "", fmt.Errorf("it is not a public key of a type that sshd knows, such as ssh-ed25519 or ssh-rsa")
	}
	encoded, comment := cutWord(rest)
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", errors.New("what follows the type is not base64")
	}
	if !isKey(blob, kind, count) {
		return "", fmt.Errorf("it is cut off, or not of type %s", kind)
	}
	return strings.TrimLeft(options+" ", " ") + kind + " " + base64.StdEncoding.EncodeToString(blob) + " " + comment, nil
}

// cutWord returns the first word, and what follows the blanks after it.
func cutWord(text string) (word, rest string) {
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimLeft(text[i:], " \t")
}

// cutOptions returns the options of a key, which have blanks in quotes only.
func cutOptions(line string) (options, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t'):
			return line[:i], strings.TrimLeft(line[i:], " \t")
		}
	}
	return line, ""
}

// isKey reports whether bytes are a key of a type, with so many strings after that.
func isKey(blob []byte, kind string, count int) bool {
	var parts []string
	for len(blob) >= 4 {
		n := binary.BigEndian.Uint32(blob)
		if uint64(n) > uint64(len(blob)-4) {
			return false
		}
		parts = append(parts, string(blob[4:4+n]))
		blob = blob[4+n:]
	}
	return len(blob) == 0 && len(parts) == count+1 && parts[0] == kind && !slices.Contains(parts[1:], "")
}
