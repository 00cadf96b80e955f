package providers

import "strings"

// A mailPart is a part of a MIME message (RFC 2046).
type mailPart struct {
	header []string // values
	body   string
}

func (p mailPart) has(value string) bool {
	for _, h := range p.header {
		if h == value {
			return true
		}
	}
	return false
}

// multipart returns the parts of a message: what is between its boundaries. A text that
// is no such message has none.
func multipart(message string) []mailPart {
	header, body, ok := cutHeader(strings.ReplaceAll(message, "\r\n", "\n"))
	boundary := ""
	for _, h := range header {
		if _, parameter, found := strings.Cut(h, "boundary="); found {
			boundary, _, _ = strings.Cut(parameter, ";")
			boundary = strings.Trim(strings.TrimSpace(boundary), `"`)
		}
	}
	if !ok || boundary == "" {
		return nil
	}
	var parts []mailPart
	between := strings.Split("\n"+body, "\n--"+boundary)
	for _, text := range between[1:] {
		line, rest, _ := strings.Cut(text, "\n")
		if strings.HasPrefix(line, "--") {
			break // the end
		}
		header, body, ok := cutHeader(rest)
		if ok && strings.TrimSpace(line) == "" {
			parts = append(parts, mailPart{header, body})
		}
	}
	return parts
}

// cutHeader returns the values of the header, whose lines may be continued, and the body.
func cutHeader(text string) (values []string, body string, ok bool) {
	if rest, none := strings.CutPrefix(text, "\n"); none {
		return nil, rest, true
	}
	header, body, ok := strings.Cut(text, "\n\n")
	for line := range strings.SplitSeq(header, "\n") {
		_, value, isField := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
			if len(values) > 0 {
				values[len(values)-1] += " " + strings.TrimSpace(line)
			}
		case isField:
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values, body, ok
}
