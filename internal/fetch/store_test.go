package fetch

import (
	"errors"
	"strings"
	"testing"
)

func TestStoreErrorsNameIdentityAndObject(t *testing.T) {
	about := storeError{Store: "S3", Bucket: "b", Object: "dir/k", Region: "eu-west-1", Identity: `as the role "web" (key AKIA)`}
	for name, tc := range map[string]struct {
		body string
		want string
	}{
		"XML": {`<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access &lt;Denied&gt; &amp;lt;</Message></Error>`,
			"S3: the server answered 403 Forbidden: AccessDenied, Access <Denied> &lt;\nasked as the role \"web\" (key AKIA) for the object \"dir/k\" of the bucket \"b\" in eu-west-1"},
		"JSON": {`{"error":{"code":403,"status":"PERMISSION_DENIED","message":"no\u001b[1m"}}`,
			"S3: the server answered 403 Forbidden: PERMISSION_DENIED, no?[1m\nasked as"},
		"neither": {"<html>busy</html>", "S3: the server answered 403 Forbidden: busy\nasked as"},
	} {
		err := asStoreError(about, &StatusError{Code: 403, Status: "403 Forbidden", words: firstWords([]byte(tc.body), "403 Forbidden", nil)})
		if !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: got %v", name, err)
		}
		var status *StatusError
		if !errors.As(err, &status) {
			t.Errorf("%s: the status is lost", name)
		}
	}
	if asStoreError(about, nil) != nil || asStoreError(about, errConnRefused) != error(errConnRefused) {
		t.Error("errors that are not the store's are changed")
	}
	if err := asStoreError(about, &StatusError{Code: 404}); !errors.Is(err, ErrNotFound) {
		t.Errorf("404 is not ErrNotFound: %v", err)
	}
}

func TestXMLText(t *testing.T) {
	for text, want := range map[string]string{
		"<E><Code>A</Code></E>":          "A",
		"<Code></Code>":                  "",
		"<Code>A":                        "",
		"</Code><Code>":                  "",
		"<Code><x>A</x></Code>":          "",
		"<Code>A</Code><Code>B":          "A",
		"<code>A</code>":                 "",
		"<Code>&#65;&quot;&apos;</Code>": `A"'`,
	} {
		if got := xmlText([]byte(text), "Code"); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func FuzzXMLText(f *testing.F) {
	f.Add([]byte("<Error><Code>NoSuchKey</Code><Message>a &amp; b</Message></Error>"), "Code")
	f.Fuzz(func(t *testing.T, text []byte, element string) {
		got := xmlText(text, element)
		if len(got) > len(text) {
			t.Fatalf("%q from %q", got, text)
		}
		if shown := Printable(got); strings.ContainsAny(shown, "\n\x1b\x00") || len([]rune(shown)) > 303 {
			t.Fatalf("%q is shown as %q", got, shown)
		}
	})
}
