package fetch

import (
	"context"
	"errors"
)

// Hint returns what can be done about an error of a fetch, "" if that is unknown.
func Hint(err error) string {
	var mismatch *hashError
	var store *storeError
	var status *StatusError
	var last *AttemptError
	switch {
	case errors.As(err, &mismatch):
		return "compare verification.hash in the config with the file on the server; the hash is over the decompressed bytes"
	case errors.Is(err, ErrNotFound):
		return "check the URL; the server was reached and has nothing there"
	case errors.As(err, &store):
		return "check that this identity may read the object, and that bucket and object are spelled right"
	case errors.As(err, &status) && status.Code == 407:
		return "the proxy wants a name and a password: http://NAME:PASSWORD@HOST in ignition.proxy"
	case errors.As(err, &status):
		return "check the URL and what the server's own log says"
	case errors.As(err, &last) && last.hint != "":
		return last.hint
	case errors.As(err, &last) && retryPolicy[last.Kind].hint != "":
		return retryPolicy[last.Kind].hint
	case errors.Is(err, context.DeadlineExceeded):
		return "check that the network is up and that the server can be reached; ignition.timeouts in the config and --fetch-timeout set the limit"
	}
	return ""
}
