package fetch

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/firstlight-os/firstlight/internal/storeurl"
)

// noSecret is an error that another attempt would not change. It has no part of a secret.
func noSecret(hint, format string, args ...any) error {
	return &AttemptError{Kind: Permanent, Err: fmt.Errorf(format, args...), hint: hint}
}

// errMakesNoSense is an answer without what the interface of a store promises.
var errMakesNoSense = noSecret("check the URL, and whether a proxy or a login page answers in place of the store", "the answer is not that of a store of secrets")

// noIdentity is the error of a machine on another platform.
func noIdentity(platform string) error {
	return noSecret("the kernel argument ignition.platform.id says where a machine runs; elsewhere encrypt with age, or use a credential, or a vault with AppRole",
		"the platform of this machine gives it no identity for this; the platform %s does", platform)
}

// An identityError is why the platform does not say who this machine is. It has a hint
// already.
type identityError struct{ error }

func (e *identityError) Unwrap() error { return e.error }

func (e *identityError) Error() string {
	return fmt.Sprintf("getting the identity of this machine: %v", e.error)
}

// explainSecret adds what was asked, and what can be done, to an error of a store. What is
// between this machine and the store is not its matter.
func (c *Client) explainSecret(err error, store *secretStore, s *storeurl.Secret, who string) error {
	e := *c.classify(err)
	about := &storeError{Store: store.name, Object: s.Name, Identity: who, Err: e.Err, hint: e.hint}
	var status *StatusError
	var identity *identityError
	var attempt *AttemptError
	switch {
	case errors.As(err, &identity):
		about.Err = identity
		if !errors.As(err, &attempt) { // nobody was asked, or it was answered
			e.Kind = Permanent
		}
	case errors.As(err, &status) && !status.byProxy:
		if about.hint == "" {
			about.hint = store.hint(status)
		}
	case e.Kind != Permanent:
		return &e
	}
	e.Err = about
	return &e
}

// hint returns what can be done about an answer.
func (s *secretStore) hint(status *StatusError) string {
	code, number := jsonCode(status.excerpt), strconv.Itoa(status.Code)
	for _, h := range s.hints {
		if h[0] == code || h[0] == number {
			return h[1]
		}
	}
	return status.hint()
}
