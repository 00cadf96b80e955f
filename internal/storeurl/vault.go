package storeurl

import (
	"errors"
	"net/url"
	"strings"
)

// readVault reads https://HOST[:PORT]/MOUNT/PATH.
//
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
func readVault(s *Secret, name string) error {
	if strings.HasPrefix(name, "http://") {
		return errors.New("the vault has to be asked by https: over http anybody on the way could read the secret")
	}
	if !strings.HasPrefix(name, "https://") {
		return errName
	}
	u, err := url.Parse(name)
	switch {
	case err != nil:
		return errors.New("this is not a URL that can be parsed") // err has parts of it
	case u.User != nil:
		return errors.New("a user or a password stands in front of the host; a machine logs in to a vault by AppRole or by its cloud's identity")
	case u.Host == "":
		return errName
	}
	s.Host = u.Host
	parts, err := split(strings.TrimPrefix(u.EscapedPath(), "/"))
	if err != nil {
		return err
	}
	if len(parts) > 3 && parts[0] == "v1" && parts[2] == "data" {
		return errors.New("this is the URL of the interface; write MOUNT/PATH without v1 and data, as for \"vault kv get -mount=MOUNT PATH\"")
	}
	if len(parts) < 2 {
		return errName
	}
	for _, part := range parts {
		if part == "." || part == ".." {
			return errName
		}
	}
	s.Mount, s.Name = parts[0], strings.Join(parts[1:], "/")
	return s.checkVault()
}

// checkVault checks what stands around the name.
func (s *Secret) checkVault() error {
	switch {
	case s.Member == "":
		return errors.New("a secret of a vault has members, of which the URL names none; add #MEMBER")
	case s.Version != "" && !isNumber(s.Version):
		return errors.New("the version of a secret in a vault is a number from 1 on")
	case s.Region+s.ClientID != "" && s.Role == "":
		return errors.New("the parameters region and client_id are for logging in by the identity of AWS and of Azure, which needs the parameter role")
	case !isPath(s.Namespace) || !isPath(s.Auth):
		return errors.New("the parameters auth and namespace are paths of letters, digits, -, _ and . without a slash at either end")
	}
	return nil
}

// isPath reports whether a text can be that of a namespace, or of where something is
// mounted.
func isPath(text string) bool {
	return text == "" || consistsOf(text, "-_./") && strings.Trim(text, "/") == text
}
