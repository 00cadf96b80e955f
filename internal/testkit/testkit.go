// Package testkit holds the helpers that the tests of all packages share, so
// that a check reads the same everywhere. A helper ends the test when what it is
// asked to prepare cannot be prepared, and marks it as failed, but lets it go on,
// when a comparison does not hold.
package testkit

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// WriteFile writes a file, with the directories above it. Its mode is 0644.
func WriteFile(t testing.TB, path, text string) {
	t.Helper()
	NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// ReadFile returns the contents of a file.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	NoError(t, err)
	return string(text)
}

// NoError ends the test if err is not nil.
func NoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Equal compares what the test got with what it wants.
func Equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// Contains checks that each part occurs in text.
func Contains(t testing.TB, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: %q is not in\n%s", what, part, text)
		}
	}
}

// ErrorContains checks that there is an error and that each part occurs in its
// message.
func ErrorContains(t testing.TB, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want one with %q", what, parts)
		return
	}
	Contains(t, what, err.Error(), parts...)
}
