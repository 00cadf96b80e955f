package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Redact is a URL that may be shown: without credentials, without its query,
// which may hold a signature, and without the contents of a data URL.
func Redact(source string) string {
	if scheme, _, _ := strings.Cut(source, ":"); strings.EqualFold(scheme, "data") {
		return fmt.Sprintf("a data URL of %d bytes", len(source))
	}
	u, err := url.Parse(source)
	if err != nil {
		return "a URL that cannot be parsed"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, Opaque: u.Opaque}
	if u.RawQuery != "" {
		return shown.String() + "?..."
	}
	return shown.String()
}

// cause drops what net/http puts in front of an error: the URL, which may hold
// credentials.
func cause(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		return inURL.Err
	}
	return err
}

// Printable makes what a server sent fit for a console: no control characters,
// one line, not long.
func Printable(text string) string {
	const most = 300
	clean := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	clean = strings.Join(strings.Fields(clean), " ")
	if runes := []rune(clean); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return clean
}

// Hint returns what can be done about an error of a fetch, "" if that is unknown.
func Hint(err error) string {
	var mismatch *HashError
	var store *StoreError
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
		return "check that the network is up and that the server can be reached; ignition.timeouts.httpTotal in the config and --fetch-timeout set the limit"
	}
	return ""
}
