package fetch

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
)

// A resumePoint is where an attempt should begin.
type resumePoint struct {
	offset int64
	// validator, an entity tag or a date, names the version of the resource
	// that the bytes so far belong to. Without one the rest is not requested:
	// it might be the rest of something else.
	validator string
}

// errBadRange is a response to a range request that is not that range. The next
// attempt requests the whole again.
var errBadRange = errors.New("HTTP: asked for the rest of the file, the server sent something else")

func (p resumePoint) resumes() bool { return p.offset > 0 && p.validator != "" }

// addTo makes a request one for the rest (RFC 9110, 14.2 and 13.1.5).
func (p resumePoint) addTo(h http.Header) {
	if p.resumes() && h.Get("Range") == "" {
		h.Set("Range", fmt.Sprintf("bytes=%d-", p.offset))
		h.Set("If-Range", p.validator)
	}
}

// explain returns what an error means for a range request: 416 is a file that has
// become shorter.
func (p resumePoint) explain(err error) error {
	var status *StatusError
	if p.resumes() && errors.As(err, &status) && status.Code == http.StatusRequestedRangeNotSatisfiable {
		return errBadRange
	}
	return err
}

// response returns what a server has sent: the rest, or the whole.
func (p resumePoint) response(resp *http.Response) (*response, error) {
	r := &response{body: resp.Body, size: resp.ContentLength, validator: validatorOf(resp.Header)}
	if resp.StatusCode != http.StatusPartialContent {
		return r, nil
	}
	first, last, size, ok := parseContentRange(resp.Header.Get("Content-Range"))
	if !ok || first != p.offset || resp.ContentLength >= 0 && resp.ContentLength != last-first+1 {
		resp.Body.Close()
		return nil, errBadRange
	}
	r.from, r.size, r.validator = first, size, p.validator
	return r, nil
}

// parseContentRange reads "bytes 5-9/10"; the size is -1 if it is "*".
func parseContentRange(text string) (first, last, size int64, ok bool) {
	unit, rest, _ := strings.Cut(text, " ")
	span, total, _ := strings.Cut(rest, "/")
	from, to, _ := strings.Cut(span, "-")
	first, err1 := parseDigits(from)
	last, err2 := parseDigits(to)
	size = -1
	var err3 error
	if total != "*" {
		size, err3 = parseDigits(total)
	}
	sound := first <= last && (size == -1 || last < size)
	return first, last, size, strings.EqualFold(unit, "bytes") && errors.Join(err1, err2, err3) == nil && sound
}

// parseDigits parses numbers without a sign.
func parseDigits(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err
}

// validatorOf returns a strong validator (RFC 9110, 8.8.2.2): an entity tag, or a
// date of change so long ago that there was no second change in that second.
func validatorOf(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	changed, err := http.ParseTime(h.Get("Last-Modified"))
	answered, err2 := http.ParseTime(h.Get("Date"))
	if err == nil && err2 == nil && h.Get("ETag") == "" && answered.Sub(changed) > time.Second {
		return h.Get("Last-Modified")
	}
	return ""
}
