package storeurl

import (
	"errors"
	"strings"
)

// Lengths of names, in characters.
const (
	maxAWSName      = 512
	minAWSVersion   = 32
	maxAWSVersion   = 64
	minAzureVault   = 3
	maxAzureVault   = 24
	maxAzureName    = 127
	maxGoogleSecret = 255
)

// readAWS reads the name of a secret, or its ARN.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
func readAWS(s *Secret, name string) (err error) {
	if s.Name, err = unescape(name); err != nil {
		return err
	}
	plain := s.Name
	if strings.HasPrefix(plain, "arn:") {
		parts := strings.Split(plain, ":")
		if len(parts) != 7 || parts[2] != "secretsmanager" || !consistsOf(parts[3], "-") || !isAccount(parts[4]) || parts[5] != "secret" {
			return errors.New("this is not the ARN of a secret; it should look like arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME")
		}
		if s.Region != "" && s.Region != parts[3] {
			return errors.New("the parameter region is not that of the ARN; leave it out")
		}
		s.Region, plain = parts[3], parts[6]
	}
	switch {
	case !consistsOf(plain, "/_+=.@-"):
		return errName
	case len(plain) > maxAWSName:
		return errors.New("the name of the secret has more than 512 characters")
	case s.Version != "" && s.Stage != "":
		return errors.New("there are both version and stage, each of which says which version is meant; leave one of them out")
	case s.Version != "" && (len(s.Version) < minAWSVersion || len(s.Version) > maxAWSVersion || !consistsOf(s.Version, "-")):
		return errors.New("the version is no ID of 32 to 64 characters; for a label, such as AWSPREVIOUS, write stage instead of version")
	}
	return nil
}

// isAccount reports whether a text is the number of an account of AWS.
func isAccount(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// AzureSuffixes follow the names of vaults in the clouds of Azure. That of the public one
// comes first.
var AzureSuffixes = []string{"vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net"}

// readAzure reads VAULT/SECRET[/VERSION]. The vault is a name, or its host.
//
// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
func readAzure(s *Secret, name string) error {
	parts, err := split(name)
	if err != nil {
		return err
	}
	if len(parts) == 3 {
		s.Version = parts[2]
		if !consistsOf(s.Version, "") {
			return errName
		}
		parts = parts[:2]
	}
	if len(parts) != 2 || !consistsOf(parts[1], "-") || len(parts[1]) > maxAzureName {
		return errName
	}
	vault, suffix, isHost := strings.Cut(parts[0], ".")
	if !isHost {
		suffix = AzureSuffixes[0]
	}
	if !consistsOf(vault, "-") || len(vault) < minAzureVault || len(vault) > maxAzureVault {
		return errName
	}
	s.Host, s.Name = vault+"."+suffix, parts[1]
	for _, known := range AzureSuffixes {
		if suffix == known {
			return nil
		}
	}
	return errors.New("the vault is no name, and no host below " + strings.Join(AzureSuffixes, ", "))
}

// readGCP reads the resource name of a secret or of a version.
//
// https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
func readGCP(s *Secret, name string) error {
	parts, err := split(name)
	if err != nil {
		return err
	}
	collections := []string{"projects", "secrets", "versions"}
	if len(parts) > 2 && parts[2] == "locations" {
		collections = []string{"projects", "locations", "secrets", "versions"}
	}
	if len(parts) == 2*len(collections) {
		s.Version = parts[len(parts)-1]
	}
	if len(parts) != 2*len(collections) && len(parts) != 2*len(collections)-2 {
		return errName
	}
	for i, part := range parts {
		others := "-_"
		if i == 1 {
			others = "-.:" // as in example.com:project
		}
		if i%2 == 0 && part != collections[i/2] || !consistsOf(part, others) || len(part) > maxGoogleSecret {
			return errName
		}
	}
	s.Name = strings.Join(parts[:2*len(collections)-2], "/")
	return nil
}
