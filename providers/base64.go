package providers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/report"
)

// decodeBase64 decodes what a platform documents as base64. Tools wrap its
// lines, so white space may stand anywhere. What is wrong is told by its place
// only: the text may hold secrets.
func decodeBase64(text []byte) ([]byte, error) {
	plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err == nil {
		return plain, nil
	}
	what := fmt.Sprintf("it should be base64, and after %d bytes is cut off", len(text))
	var corrupt base64.CorruptInputError
	errors.As(err, &corrupt)
	if i := place(string(text), int(corrupt)); i >= 0 {
		before := string(text[:i])
		what = fmt.Sprintf("it should be base64, and its byte %d (line %d, column %d) cannot be",
			i+1, 1+strings.Count(before, "\n"), i-strings.LastIndex(before, "\n"))
	}
	return nil, &report.Error{Err: errors.New(what), Hint: "give the platform what this prints: base64 -w0 CONFIG"}
}

// place is the index of the nth byte that is not of white space, or -1.
func place(text string, nth int) int {
	for i, c := range text {
		switch {
		case unicode.IsSpace(c):
		case nth <= 0:
			return i
		default:
			nth -= utf8.RuneLen(c)
		}
	}
	return -1
}
