package storeurl

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Schemes of the stores.
const (
	AWS   = "aws-sm"   // AWS Secrets Manager
	Azure = "azure-kv" // Azure Key Vault
	GCP   = "gcp-sm"   // Google Secret Manager
	Vault = "vault"    // HashiCorp Vault and OpenBao
)

// What the URLs look like.
const (
	AWSForm   = AWS + ":NAME"
	AzureForm = Azure + ":VAULT/SECRET"
	GCPForm   = GCP + ":projects/PROJECT/secrets/SECRET"
	VaultForm = Vault + ":https://HOST/MOUNT/PATH#MEMBER"
)

// A Secret is what a URL names.
type Secret struct {
	Scheme string
	// Host is that of an Azure vault; of a vault also its port, if the URL has one.
	Host string
	// Mount is where a vault has its secrets.
	Mount string
	// Name is what the store calls the secret: a name or an ARN, a resource name of Google
	// without its version, a path.
	Name string
	// Version is "" for the newest.
	Version string
	// Member is that of an object in JSON, "" for all of the secret.
	Member string
	// Region is that of AWS, "" if the URL does not say.
	Region string
	// Stage is the label of a version at AWS.
	Stage string
	// ClientID is that of one of several managed identities that a machine of Azure has.
	ClientID string
	// Namespace, Role and Auth are those of a vault: for the cloud's identity of a machine
	// to log in as, and where the method for that is mounted.
	Namespace, Role, Auth string
}

// A store is how the URLs of one scheme are read.
type store struct {
	scheme, form string
	parameters   []string
	read         func(s *Secret, name string) error
}

var stores = [...]store{
	{AWS, AWSForm, []string{"region", "stage", "version"}, readAWS},
	{Azure, AzureForm, []string{"client_id"}, readAzure},
	{GCP, GCPForm, nil, readGCP},
	{Vault, VaultForm, []string{"auth", "client_id", "namespace", "region", "role", "version"}, readVault},
}

// errName says that a URL names no secret; Parse adds what it should look like.
var errName = errors.New("this does not name a secret")

// Parse reads a URL. Its errors have no part of it that can be secret.
func Parse(source string) (*Secret, error) {
	scheme, rest, _ := strings.Cut(source, ":")
	for i := range stores {
		if s := &stores[i]; s.scheme == scheme {
			secret := &Secret{Scheme: scheme}
			err := s.parse(secret, rest)
			if err == errName {
				err = fmt.Errorf("%w; it should look like %s", err, s.form)
			}
			return secret, err
		}
	}
	return nil, errors.New("this is no store of secrets")
}

func (s *store) parse(secret *Secret, rest string) (err error) {
	rest, member, hasMember := strings.Cut(rest, "#")
	name, query, hasQuery := strings.Cut(rest, "?")
	if secret.Member, err = unescape(member); err != nil {
		return err
	}
	if hasMember && secret.Member == "" {
		return errors.New("nothing follows the #, where the name of a member of the secret belongs")
	}
	if hasQuery {
		if err := s.readParameters(secret, query); err != nil {
			return err
		}
	}
	return s.read(secret, name)
}

// unescape decodes a part of a URL. Line ends and the like are in no name.
func unescape(text string) (string, error) {
	plain, err := url.PathUnescape(text)
	if err != nil {
		return "", errors.New("there is a % in the URL without two hexadecimal digits after it")
	}
	if strings.ContainsFunc(plain, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return "", errors.New("there is a control character in the URL, which is in no name")
	}
	return plain, nil
}

// parameter returns where the value of a parameter goes.
func (s *Secret) parameter(name string) *string {
	switch name {
	case "auth":
		return &s.Auth
	case "client_id":
		return &s.ClientID
	case "namespace":
		return &s.Namespace
	case "region":
		return &s.Region
	case "role":
		return &s.Role
	case "stage":
		return &s.Stage
	}
	return &s.Version
}

// readParameters reads what follows the ?.
func (s *store) readParameters(secret *Secret, query string) error {
	for _, item := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(item, "=")
		value, err := unescape(value)
		switch {
		case err != nil:
			return err
		case len(s.parameters) == 0:
			return fmt.Errorf("%s URLs have no parameters after a ?; what follows it is to be left out", s.scheme)
		case !slices.Contains(s.parameters, name):
			return fmt.Errorf("after the ? there is a parameter that %s URLs do not have; they have %s", s.scheme, strings.Join(s.parameters, ", "))
		case value == "":
			return fmt.Errorf("the parameter %s is empty; set it, or leave it out", name)
		case *secret.parameter(name) != "":
			return fmt.Errorf("the parameter %s is there twice", name)
		}
		*secret.parameter(name) = value
	}
	if secret.Region != "" && !consistsOf(secret.Region, "-") {
		return errors.New("the parameter region is not the name of a region, such as eu-west-1")
	}
	if secret.ClientID != "" && !consistsOf(secret.ClientID, "-") {
		return errors.New("the parameter client_id is not the ID of a managed identity, such as 00001111-aaaa-2222-bbbb-3333cccc4444")
	}
	return nil
}

// consistsOf reports whether a text has letters and digits of ASCII and some other
// characters only, and is not empty.
func consistsOf(text, others string) bool {
	for _, c := range []byte(text) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(others, c) >= 0) {
			return false
		}
	}
	return text != ""
}

// isNumber reports whether a text is a number above 0.
func isNumber(text string) bool {
	return text != "" && text[0] != '0' && strings.Trim(text, "0123456789") == ""
}

// split decodes the parts of a name between slashes, none of which is empty.
func split(name string) ([]string, error) {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		var err error
		if parts[i], err = unescape(part); err != nil {
			return nil, err
		}
		if part == "" {
			return nil, errName
		}
	}
	return parts, nil
}
