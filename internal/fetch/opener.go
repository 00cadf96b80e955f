package fetch

import (
	"context"
	"io"
)

// An opener makes one attempt to get a resource, from a resume point if the
// server can do that and else from the beginning. What a scheme knows is an opener;
// policies are openers around it, each beside what it is about: limiter.limited,
// azureBeforePlain, withStoreError. At the top a resumingReader makes attempts
// until it has read all of the resource.
type opener func(context.Context, resumePoint) (*response, error)

// A response is what an attempt brought.
type response struct {
	body      io.ReadCloser
	from      int64  // where in the resource the body begins: 0 or the resume point
	size      int64  // of the whole resource, -1 if unknown
	validator string // of resumePoint
}
