package fetch

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/storeurl"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Redact returns a URL that may be shown: without credentials, without its query,
// which may hold a signature, and without the contents of a data URL. It is a phrase where
// it has been encrypted.
func Redact(source string) string {
	if encrypted, is := config.CutAge(source); is {
		return Redact(encrypted) + ", encrypted with age"
	}
	if scheme, _, _ := strings.Cut(source, ":"); strings.EqualFold(scheme, "data") {
		return fmt.Sprintf("a data URL of %d bytes", len(source))
	}
	u, err := url.Parse(source)
	if err != nil {
		return "a URL that cannot be parsed"
	}
	if u.Host == "" && strings.Contains(source, "@") && u.Scheme != storeurl.AWS {
		return "a URL without a host" // which may be user:password@host
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, Opaque: u.Opaque}
	if u.RawQuery != "" {
		return shown.String() + "?..."
	}
	return shown.String()
}

// cause removes what net/http puts in front of an error: the URL, which may hold
// credentials.
func cause(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		return inURL.Err
	}
	return err
}

// Printable makes what a server sent fit for a console: one short line, printable as
// system.Printable has it.
func Printable(text string) string { return oneLine(text, 300) }

// oneLine is Printable with a limit, in characters.
func oneLine(text string, limit int) string {
	clean := system.PrintableLine(strings.Join(strings.Fields(text), " "))
	if runes := []rune(clean); len(runes) > limit {
		return string(runes[:limit]) + "..."
	}
	return clean
}
