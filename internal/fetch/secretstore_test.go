package fetch

import (
	"strings"
	"testing"
)

// FuzzAnswersOfStores reads answers of all stores: none has a secret and an error, and no
// error has a part of the answer.
func FuzzAnswersOfStores(f *testing.F) {
	for _, seed := range []string{
		`{"SecretString":"canary"}`, `{"SecretBinary":"Y2FuYXJ5"}`, `{"SecretBinary":"canary!"}`, `{"value":"canary"}`, `{"value":{"canary":1}}`,
		`{"payload":{"data":"Y2FuYXJ5","dataCrc32c":"1"}}`, `{"payload":{}}`, `{"payload":null}`, `{"data":{"data":{"k":"canary"}}}`, `{"data":{"data":null}}`, `{"data":{"data":"canary"}}`,
		`{"k":"canary"}`, `{"k":1e9,"k":true}`, `["canary"]`, `{"canary`, "canary", "", "null", `{"data":{"data":{"k":[`,
	} {
		f.Add([]byte(seed), "k")
		f.Add([]byte(seed), "")
	}
	decoders := map[string]func([]byte) ([]byte, error){"aws-sm": decodeAWS, "azure-kv": decodeAzure, "gcp-sm": decodeGoogle, "vault": decodeVault,
		"member": func(answer []byte) ([]byte, error) { return answer, nil }}
	f.Fuzz(func(t *testing.T, answer []byte, member string) {
		if strings.Contains(member, "canary") {
			return
		}
		for name, decode := range decoders {
			secret, err := decode(answer)
			if err == nil {
				secret, err = memberOf(secret, member)
			}
			switch {
			case err != nil && secret != nil:
				t.Fatalf("%s: %q has the secret %q and the error %v", name, answer, secret, err)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Fatalf("%s: %q: the secret is in the error %v", name, answer, err)
			}
		}
	})
}
