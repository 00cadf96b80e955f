package trust

import (
	"bytes"
	"errors"
	"fmt"
)

// Suffix is what the name of a config is followed by in that of its signature.
const Suffix = ".sig"

// How the signatures of both programs begin.
const (
	minisignComment = "untrusted comment:"
	sshBegin        = "-----BEGIN SSH SIGNATURE-----"
	sshEnd          = "-----END SSH SIGNATURE-----"
)

// maxSignature bounds one, in bytes: that of a large RSA key has 2,000.
const maxSignature = 16 << 10

// Cut takes the signature off a text that begins with one: what
// "cat CONFIG.sig CONFIG" prints. A text without one is returned as it is. If the
// signature does not end, all of the text is the signature, and Verify says so.
func Cut(text []byte) (signature, message []byte) {
	at := 0
	switch {
	case bytes.HasPrefix(text, []byte(sshBegin)):
		at = bytes.Index(text, []byte(sshEnd))
		if at >= 0 {
			at += lineEnd(text[at:])
		}
	case bytes.HasPrefix(text, []byte(minisignComment)):
		for range minisignLines {
			at += lineEnd(text[at:])
		}
	default:
		return nil, text
	}
	if at <= 0 || at > maxSignature {
		return text, nil
	}
	return text[:at], text[at:]
}

// lineEnd is where the next line begins.
func lineEnd(text []byte) int {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

// errAltered is a signature by a trusted key over other bytes.
var errAltered = errors.New("the signature is not one of these bytes: they were changed after they were signed, or it belongs to something else")

// Verify returns who has signed a message, or why the signature does not count.
func (k Keys) Verify(message, signature []byte) (signer string, err error) {
	switch {
	case len(signature) > maxSignature:
		return "", fmt.Errorf("the signature has more than %d bytes, or does not end", maxSignature)
	case bytes.HasPrefix(signature, []byte(sshBegin)):
		return k.verifySSH(message, signature)
	case bytes.HasPrefix(signature, []byte(minisignComment)):
		return k.verifyMinisign(message, signature)
	}
	return "", errors.New("what should be a signature is none of minisign, and none of ssh-keygen")
}

// notTrusted is the error of a signature by a key that the image does not have.
func (k Keys) notTrusted(name string) error {
	return fmt.Errorf("it was signed with the %s, which is none of the trusted keys: %s", name, k.names())
}
