package trust

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The formats of minisign: https://jedisct1.github.io/minisign/
const (
	minisignLines = 4
	// keyAlgorithm and the others are of two bytes.
	keyAlgorithm    = "Ed"
	hashedAlgorithm = "ED" // the signature is over a hash of the message
	keyIDSize       = 8
)

// parseMinisignKey reads the line with the key of a file .pub: algorithm, ID, key.
func parseMinisignKey(line string) (*Key, error) {
	blob, err := base64.StdEncoding.DecodeString(line)
	if err != nil || len(blob) != 2+keyIDSize+ed25519.PublicKeySize || string(blob[:2]) != keyAlgorithm {
		return nil, errors.New("this is no public key of minisign")
	}
	return &Key{Name: minisignName(blob[2:]), blob: string(blob)}, nil
}

// minisignName shows the ID of a key as minisign does.
func minisignName(id []byte) string {
	return fmt.Sprintf("minisign key %016X", binary.LittleEndian.Uint64(id))
}

// errNoMinisign is a signature of another form.
var errNoMinisign = errors.New("the signature of minisign is damaged: it should be four lines")

// verifyMinisign verifies the message, and the comment that is signed with it.
func (k Keys) verifyMinisign(message, signature []byte) (string, error) {
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(signature), "\r\n", "\n"), "\n"), "\n")
	if len(lines) != minisignLines {
		return "", errNoMinisign
	}
	blob, err := base64.StdEncoding.DecodeString(lines[1])
	comment, ok := strings.CutPrefix(lines[2], "trusted comment: ")
	global, globalErr := base64.StdEncoding.DecodeString(lines[3])
	if err != nil || globalErr != nil || !ok || len(blob) != 2+keyIDSize+ed25519.SignatureSize || len(global) != ed25519.SignatureSize {
		return "", errNoMinisign
	}
	algorithm, id, signed := string(blob[:2]), blob[2:2+keyIDSize], blob[2+keyIDSize:]
	if algorithm != hashedAlgorithm {
		return "", errors.New("this kind of signature is not accepted: old versions of minisign make it unless they are called with -H")
	}
	key := k.find(func(key *Key) bool {
		return key.kind == "" && key.blob[2:2+keyIDSize] == string(id)
	})
	if key == nil {
		return "", k.notTrusted(minisignName(id))
	}
	public := ed25519.PublicKey(key.blob[2+keyIDSize:])
	digest := blake2b(message)
	if !ed25519.Verify(public, digest[:], signed) {
		return "", errAltered
	}
	if !ed25519.Verify(public, append(signed[:len(signed):len(signed)], comment...), global) {
		return "", errors.New("the trusted comment of the signature was changed")
	}
	return fmt.Sprintf("%s, trusted comment %q", key.Name, comment), nil
}
