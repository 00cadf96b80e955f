package providers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/internal/report"
)

// decodeBase64 decodes what a platform documents as base64. Tools wrap its
// lines, so white space may stand anywhere. What is wrong is told by its place
// only: the text may hold secrets.
func decodeBase64(text []byte) ([]byte, error) {
	dense := strings.Join(strings.Fields(string(text)), "")
	plain, err := base64.StdEncoding.DecodeString(dense)
	if err == nil {
		return plain, nil
	}
	what := fmt.Sprintf("it should be base64, and ends in the midst of it after %d bytes", len(text))
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) && int(corrupt) < len(dense)/4*4 {
		i := place(string(text), int(corrupt))
		before := string(text[:i])
		what = fmt.Sprintf("it should be base64, and its byte %d (line %d, column %d) cannot be",
			i+1, 1+strings.Count(before, "\n"), i-strings.LastIndex(before, "\n"))
	}
	return nil, &report.Error{Err: errors.New(what), Hint: "give the platform what this prints: base64 -w0 CONFIG"}
}

// place is the index of the nth byte that is not of white space.
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
	return len(text)
}
