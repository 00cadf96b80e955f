package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Namespace is what signatures of SSH keys are made for, so that those that a key has
// made of commits or mails do not count here.
const Namespace = "firstlight"

// How the format begins, and its version.
const (
	sshMagic   = "SSHSIG"
	sshVersion = 1
)

// parseSSHKey reads a key, which has its kind in it.
func parseSSHKey(kind string, blob []byte) (*Key, error) {
	w := &wire{rest: blob}
	if string(w.text()) != kind {
		return nil, fmt.Errorf("this is no key of the kind %s", kind)
	}
	verify := sshAlgorithms[kind](w)
	if verify == nil || !w.ended() {
		return nil, fmt.Errorf("this key of the kind %s is damaged, or too small", kind)
	}
	return &Key{Name: sshName(blob), kind: kind, verify: verify, blob: string(blob)}, nil
}

// sshName shows the fingerprint of a key as ssh-keygen does.
func sshName(blob []byte) string {
	sum := sha256.Sum256(blob)
	return "SSH key SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// verifySSH verifies a signature in the format SSHSIG, of PROTOCOL.sshsig of OpenSSH.
func (k Keys) verifySSH(message, signature []byte) (string, error) {
	armored, after, ok := bytes.Cut(signature[len(sshBegin):], []byte(sshEnd))
	blob, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(armored), nil)))
	w := &wire{rest: blob}
	ok = ok && err == nil && len(bytes.TrimSpace(after)) == 0 && string(w.take(len(sshMagic))) == sshMagic && w.number() == sshVersion
	public, namespace, reserved, hash := w.text(), w.text(), w.text(), w.text()
	s := &wire{rest: w.text()}
	form := string(s.text())
	digest := sshDigest(string(hash), message)
	if !ok || !w.ended() || s.failed || digest == nil {
		return "", errors.New("the signature of ssh-keygen is damaged")
	}
	key := k.find(func(key *Key) bool { return key.kind != "" && key.blob == string(public) })
	if key == nil {
		return "", k.notTrusted(sshName(public))
	}
	if string(namespace) != Namespace {
		return "", fmt.Errorf("it was signed for another namespace than %s", Namespace)
	}
	signed := []byte(sshMagic)
	for _, part := range [][]byte{namespace, reserved, hash, digest} {
		signed = binary.BigEndian.AppendUint32(signed, uint32(len(part)))
		signed = append(signed, part...)
	}
	if form != key.kind && key.kind != sshRSAKind || !key.verify(form, s, signed) {
		return "", errAltered
	}
	return key.Name, nil
}

// sshDigest is nil for a hash that is not known.
func sshDigest(hash string, message []byte) []byte {
	switch hash {
	case "sha256":
		sum := sha256.Sum256(message)
		return sum[:]
	case "sha512":
		sum := sha512.Sum512(message)
		return sum[:]
	}
	return nil
}

// A wire reads the encoding of SSH (RFC 4251). What is not there is empty, and failed is
// set.
type wire struct {
	rest   []byte
	failed bool
}

func (w *wire) take(n int) []byte {
	if n > len(w.rest) {
		w.rest, w.failed = nil, true
		return nil
	}
	taken := w.rest[:n]
	w.rest = w.rest[n:]
	return taken
}

func (w *wire) number() uint32 {
	four := w.take(4)
	if w.failed {
		return 0
	}
	return binary.BigEndian.Uint32(four)
}

// text reads a string after its length.
func (w *wire) text() []byte {
	n := w.number()
	return w.take(int(min(n, math.MaxInt32)))
}

// ended reports whether all was there, and nothing besides.
func (w *wire) ended() bool { return !w.failed && len(w.rest) == 0 }
