package fetch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/internal/xmltext"
)

// A storeError is why an object store does not give an object, or a store of secrets a secret.
type storeError struct {
	Store, Bucket, Object string // a secret has no bucket
	Region                string // "" where the store has none
	Identity              string // as a phrase: "anonymously"; "" if nobody was asked
	Err                   error  // of an object store it wraps a *StatusError
	hint                  string // "" for the one that all object stores have
}

func (e *storeError) Unwrap() error { return e.Err }

func (e *storeError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v", e.Store, e.Err)
	switch {
	case e.Bucket != "":
		fmt.Fprintf(&b, "\nasked %s for the object %q of the bucket %q", e.Identity, e.Object, e.Bucket)
	case e.Identity != "":
		fmt.Fprintf(&b, "\nasked %s for the secret %q", e.Identity, e.Object)
	}
	if e.Region != "" {
		fmt.Fprintf(&b, " in %s", e.Region)
	}
	return b.String()
}

// withStoreError returns open with what is known about the object in its errors.
func withStoreError(about *storeError, open opener) opener {
	return func(ctx context.Context, at resumePoint) (*response, error) {
		r, err := open(ctx, at)
		return r, asStoreError(*about, err)
	}
}

// asStoreError makes a storeError of a store's status. Other errors stay as they are.
func asStoreError(e storeError, err error) error {
	var status *StatusError
	if !errors.As(err, &status) || status.byProxy {
		return err
	}
	e.Err = err
	return &e
}

// xmlText returns the text of the first element of a name. What is not well-formed has
// none; the text may be cut off after the element.
func xmlText(text []byte, element string) string {
	content, _ := xmltext.Element(string(text), element)
	return content
}
