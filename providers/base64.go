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
// lines, so white space may be anywhere. An error has the position only: the
// text may hold secrets.
func decodeBase64(text []byte) ([]byte, error) {
	dense := strings.Join(strings.Fields(string(text)), "")
	plain, err := base64.StdEncoding.DecodeString(dense)
	if err == nil {
		return plain, nil
	}
	problem := fmt.Sprintf("it should be base64, but ends in the middle of a group after %d bytes", len(text))
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) && int(corrupt) < len(dense)/4*4 {
		i := nonSpaceIndex(string(text), int(corrupt))
		before := string(text[:i])
		problem = fmt.Sprintf("it should be base64, but its byte %d (line %d, column %d) is invalid",
			i+1, 1+strings.Count(before, "\n"), i-strings.LastIndex(before, "\n"))
	}
	return nil, &report.Error{Err: errors.New(problem), Hint: "give the platform what this prints: base64 -w0 CONFIG"}
}

// nonSpaceIndex is the index of the nth byte, from 0, that is not white space.
func nonSpaceIndex(text string, nth int) int {
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
