package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// A verifyFunc verifies what a key has signed. Form is the algorithm that the signature
// names.
type verifyFunc func(form string, signature *wire, message []byte) bool

// sshAlgorithms are the kinds of SSH keys (RFC 8709, RFC 5656, RFC 8332, and
// PROTOCOL.u2f of OpenSSH). Each reads a key, and returns nil if it is none.
var sshAlgorithms = map[string]func(key *wire) verifyFunc{
	"ssh-ed25519":                        sshEd25519,
	sshRSAKind:                           sshRSA,
	"ecdsa-sha2-nistp256":                sshECDSA(elliptic.P256(), crypto.SHA256),
	"ecdsa-sha2-nistp384":                sshECDSA(elliptic.P384(), crypto.SHA384),
	"ecdsa-sha2-nistp521":                sshECDSA(elliptic.P521(), crypto.SHA512),
	"sk-ssh-ed25519@openssh.com":         securityKey(sshEd25519),
	"sk-ecdsa-sha2-nistp256@openssh.com": securityKey(sshECDSA(elliptic.P256(), crypto.SHA256)),
}

// sshRSAKind is the kind of keys whose signatures have another name, by their hash.
const sshRSAKind = "ssh-rsa"

func isSSHKey(kind string) bool { return sshAlgorithms[kind] != nil }

func sshKinds() string {
	return strings.Join(slices.Sorted(maps.Keys(sshAlgorithms)), ", ")
}

func sshEd25519(key *wire) verifyFunc {
	public := key.text()
	if len(public) != ed25519.PublicKeySize {
		return nil
	}
	return func(_ string, s *wire, message []byte) bool {
		signature := s.text()
		return s.ended() && ed25519.Verify(public, message, signature)
	}
}

// sshECDSA is for the keys of a curve. They have the curve's name a second time.
func sshECDSA(curve elliptic.Curve, hash crypto.Hash) func(key *wire) verifyFunc {
	return func(key *wire) verifyFunc {
		key.text()
		public, err := ecdsa.ParseUncompressedPublicKey(curve, key.text())
		if err != nil {
			return nil
		}
		return func(_ string, s *wire, message []byte) bool {
			numbers := &wire{rest: s.text()}
			r, t := numbers.integer(), numbers.integer()
			return s.ended() && numbers.ended() && ecdsa.Verify(public, digest(hash, message), r, t)
		}
	}
}

// Sizes of RSA keys that are accepted, in bits.
const (
	minRSA = 2048
	maxRSA = 8192
)

func sshRSA(key *wire) verifyFunc {
	e, n := key.integer(), key.integer()
	if n.BitLen() < minRSA || n.BitLen() > maxRSA || e.BitLen() > 31 {
		return nil
	}
	public := &rsa.PublicKey{N: n, E: int(e.Int64())}
	return func(form string, s *wire, message []byte) bool {
		hash := map[string]crypto.Hash{"rsa-sha2-256": crypto.SHA256, "rsa-sha2-512": crypto.SHA512}[form]
		signature := s.text()
		return hash != 0 && s.ended() && rsa.VerifyPKCS1v15(public, hash, digest(hash, message), signature) == nil
	}
}

// securityKey is for a key in a device, which signs for the application that it was made
// for, with flags and a counter of its own, and a hash of the message.
func securityKey(of func(key *wire) verifyFunc) func(key *wire) verifyFunc {
	return func(key *wire) verifyFunc {
		verify := of(key)
		application := sha256.Sum256(key.text())
		if verify == nil {
			return nil
		}
		return func(form string, s *wire, message []byte) bool {
			const state = 1 + 4 // bytes of flags and counter
			if len(s.rest) < state {
				return false
			}
			signature, counted := s.rest[:len(s.rest)-state], s.rest[len(s.rest)-state:]
			sum := sha256.Sum256(message)
			return verify(form, &wire{rest: signature}, slices.Concat(application[:], counted, sum[:]))
		}
	}
}

func digest(hash crypto.Hash, message []byte) []byte {
	h := hash.New()
	h.Write(message)
	return h.Sum(nil)
}

// integer reads a positive number of any size.
func (w *wire) integer() *big.Int { return new(big.Int).SetBytes(w.text()) }
