package trust

import (
	"bytes"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A signature that was changed in its essence does not count, whatever the bytes.
func FuzzSignature(f *testing.F) {
	var keys Keys
	for _, kind := range []string{"minisign", "ed25519", "ecdsa"} {
		s := newSigner(f, kind)
		keys = append(keys, s.keys()...)
		f.Add([]byte(s.sign(message)))
	}
	f.Add([]byte(sshBegin + "\nU1NIU0lHAAAAAf////8=\n" + sshEnd))
	f.Fuzz(func(t *testing.T, signature []byte) {
		if _, err := keys.Verify([]byte("another message"), signature); err == nil {
			t.Error("it counts for another message")
		}
		cut, rest := Cut(signature)
		if !bytes.Equal(append(bytes.Clone(cut), rest...), signature) {
			t.Error("bytes got lost")
		}
	})
}

func FuzzKeys(f *testing.F) {
	for _, kind := range []string{"minisign", "ed25519", "rsa", "ecdsa"} {
		f.Add(testkit.ReadFile(f, newSigner(f, kind).public()))
	}
	f.Add(`* namespaces="firstlight" ssh-ed25519 AAAA`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeys(text, "f")
		for _, k := range keys {
			if err != nil || k.Name == "" || k.kind != "" && k.verify == nil {
				t.Errorf("got %+v, %v", k, err)
			}
		}
	})
}
