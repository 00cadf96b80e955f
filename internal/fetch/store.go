package fetch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/xmltext"
)

// A storeError is a response of an object store without the object.
type storeError struct {
	Store, Bucket, Object string
	Region                string // "" where the store has none
	Identity              string // as a phrase: "anonymously"
	Code, Message         string // the store's own
	Err                   error  // wraps a *StatusError
}

func (e *storeError) Unwrap() error { return e.Err }

func (e *storeError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v", e.Store, e.Err)
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(", " + part)
		}
	}
	fmt.Fprintf(&b, "\nasked %s for the object %q of the bucket %q", e.Identity, e.Object, e.Bucket)
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

// asStoreError makes a storeError of a status. Other errors stay as they are.
func asStoreError(e storeError, err error) error {
	var status *StatusError
	if !errors.As(err, &status) {
		return err
	}
	e.Err = status
	if e.Code = Printable(xmlText(status.excerpt, "Code")); e.Code != "" {
		e.Message = Printable(xmlText(status.excerpt, "Message"))
	} else {
		e.Code = Printable(json.Text(status.excerpt, "error", "status"))
		e.Message = Printable(json.Text(status.excerpt, "error", "message"))
	}
	return &e
}

// xmlText returns the text of the first element of a name. What is not well-formed has
// none; the text may be cut off after the element.
func xmlText(text []byte, element string) string {
	content, _ := xmltext.Element(string(text), element)
	return content
}
