package config

import (
	"bytes"
	"io"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/storeurl"
)

// A secretScheme is a kind of URL that the spec does not have: what such a source leads to
// is a secret, which the config itself does not show.
type secretScheme struct {
	name string
	form string // what a source looks like
	// remote reports whether the secret is not on this machine.
	remote bool
	// check says what is wrong with what follows the colon, of which a part can be secret.
	// It is nil if another source follows.
	check func(rest string) *fault
}

// secretSchemes are all of them. Package fetch has how each is opened.
var secretSchemes = [...]secretScheme{
	{ageScheme, "age:URL", false, nil},
	{storeurl.AWS, storeurl.AWSForm, true, checkStore(storeurl.AWS)},
	{storeurl.Azure, storeurl.AzureForm, true, checkStore(storeurl.Azure)},
	{CredentialScheme, "credential:NAME", false, checkCredential},
	{storeurl.GCP, storeurl.GCPForm, true, checkStore(storeurl.GCP)},
	{storeurl.Vault, storeurl.VaultForm, true, checkStore(storeurl.Vault)},
}

// Schemes of secrets that are known by their names elsewhere, too.
const (
	// CredentialScheme is that of credential:NAME, for credentials of systemd.
	CredentialScheme = "credential"
	ageScheme        = "age"
)

// findSecretScheme returns the scheme of a source, and what follows it; nil for sources
// that plain configs can have.
func findSecretScheme(source string) (s *secretScheme, rest string) {
	name, _, found := strings.Cut(source[:min(len(source), longestSecretScheme)], ":")
	if !found || name == "data" || name == "https" { // nearly all
		return nil, ""
	}
	for i := range secretSchemes {
		if s := &secretSchemes[i]; s.name == name {
			return s, source[len(name)+1:]
		}
	}
	return nil, ""
}

// longestSecretScheme is how long the name of a scheme can be, with the colon.
const longestSecretScheme = len("credential:")

// checkSecret checks what follows the colon of a source of a scheme.
func (s *secretScheme) checkSecret(rest string) *fault {
	if s.check == nil {
		return checkAge(rest)
	}
	return s.check(rest)
}

// isRemote reports whether a source of a scheme needs the network.
func (s *secretScheme) isRemote(rest string) bool {
	return s.remote || s.check == nil && IsRemote(rest)
}

// IsSecret reports whether a source leads to a secret: it is encrypted, a credential, or
// in a store of secrets. Only configs with extensions have such sources.
func IsSecret(source string) bool {
	s, _ := findSecretScheme(source)
	return s != nil
}

// SecretForms returns what sources of secrets look like, such as "credential:NAME".
func SecretForms() []string {
	var forms []string
	for i := range secretSchemes {
		forms = append(forms, secretSchemes[i].form)
	}
	return forms
}

// CutAge returns the source at which there is what age:SOURCE has encrypted, and whether
// it is a source of that kind.
func CutAge(source string) (encrypted string, is bool) {
	return strings.CutPrefix(source, ageScheme+":")
}

// checkAge checks where something encrypted is, and, if it is in the config, that it is.
func checkAge(inner string) *fault {
	if s, _ := findSecretScheme(inner); s != nil || inner == "" {
		return newFault(RuleSecretSource, "age: stands before the URL of a file that is encrypted with age: http, https, s3, gs, arn, tftp or data")
	}
	if f := checkURL(inner, Newest); f != nil || !strings.HasPrefix(inner, "data:") {
		return f
	}
	body, err := dataurl.NewReader(inner)
	if err != nil {
		return nil // checkURL has read it
	}
	head := make([]byte, 64) // is enough for both beginnings
	n, _ := io.ReadFull(body, head)
	if !IsAge(head[:n]) {
		return newFault(RuleSecretSource, "this is not encrypted with age: it does not begin with %q; \"firstlightctl encrypt\" makes it", ageArmor)
	}
	return nil
}

// What files that are encrypted with age begin with.
const (
	ageArmor  = "-----BEGIN AGE ENCRYPTED FILE-----"
	ageBinary = "age-encryption.org/v1\n"
)

// IsAge reports whether a text is encrypted with age, as far as its beginning shows: in
// its binary form, or armored.
func IsAge(text []byte) bool {
	return bytes.HasPrefix(text, []byte(ageBinary)) || bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte(ageArmor))
}

// maxCredentialName is the longest that systemd takes, in bytes.
const maxCredentialName = 255

// checkCredential checks the name of a credential of systemd: it is one of a file.
func checkCredential(name string) *fault {
	const form = "; it should be credential:NAME"
	switch {
	case name == "":
		return newFault(RuleSecretSource, "the name of the credential is missing%s", form)
	case len(name) > maxCredentialName:
		return newFault(RuleSecretSource, "the name of the credential is %d bytes long, at most %d are possible", len(name), maxCredentialName)
	case name == "." || name == ".." || strings.ContainsAny(name, "/:") || hasControl(name):
		return newFault(RuleSecretSource, "%s cannot be the name of a credential: it is the name of a file, without slashes and colons%s", quote(name), form)
	}
	return nil
}

// checkStore returns the check of URLs of a store of secrets.
func checkStore(scheme string) func(rest string) *fault {
	return func(rest string) *fault {
		if scheme == storeurl.Vault {
			u, err := url.Parse(rest)
			if err != nil {
				return cannotParse(err)
			}
			if f := checkHost(u); u.Host != "" && f != nil {
				return f
			}
		}
		if _, err := storeurl.Parse(scheme + ":" + rest); err != nil {
			return &fault{RuleSecretSource, err.Error()}
		}
		return nil
	}
}
