package fetch

import (
	"context"
	"errors"
)

// Hint returns what can be done about an error of a fetch, "" if that is unknown.
func Hint(err error) string {
	var mismatch *hashError
	var compression *compressionError
	var store *storeError
	var status *StatusError
	var last *AttemptError
	switch {
	case errors.As(err, &mismatch):
		return "compare verification.hash in the config with the contents; the hash is over the decompressed bytes"
	case errors.As(err, &compression):
		return "remove compression from the config, or compress the contents with gzip"
	case errors.As(err, &store) && store.hint != "":
		return store.hint
	case errors.As(err, &status) && (status.byProxy || errors.Is(err, ErrNotFound)):
		return status.hint()
	case errors.Is(err, ErrNotFound):
		return "check the URL; the server was reached and has nothing there"
	case errors.As(err, &store):
		return "check that this identity may read the object, and that bucket and object are spelled right"
	case errors.As(err, &status):
		return status.hint()
	case errors.As(err, &last) && last.hint != "":
		return last.hint
	case errors.As(err, &last) && retryPolicy[last.Kind].hint != "":
		return retryPolicy[last.Kind].hint
	case errors.Is(err, context.DeadlineExceeded):
		return "check that the network is up and that the server can be reached; ignition.timeouts in the config and --fetch-timeout set the limit"
	}
	return ""
}
