package fetch

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/json"
)

// maxWords bounds what is shown of the body of an error, in characters.
const maxWords = 200

// firstWords returns what a server says about an error, for people: the message of an
// error in XML or JSON, or the first line of a text or an HTML page that says more than
// the status. Secrets of the request that the server repeats are masked.
func firstWords(body []byte, status string, secrets []string) string {
	if bytes.IndexByte(body, 0) >= 0 {
		return "" // compressed, or no text at all
	}
	text := strings.TrimPrefix(string(body), "\ufeff")
	if message := message(body); message != "" {
		text = message
	} else if strings.HasPrefix(strings.TrimSpace(text), "<") {
		text = withoutTags(text)
	}
	for line := range strings.Lines(masked(text, secrets)) {
		line = oneLine(line, maxWords)
		if strings.ContainsFunc(line, unicode.IsLetter) && !strings.Contains(strings.ToLower(status), strings.ToLower(line)) {
			return line
		}
	}
	return ""
}

// masked returns a text without secrets.
func masked(text string, secrets []string) string {
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// message returns the code and the message of an error in XML, as of S3 and Azure, or
// in JSON, as of Google, Amazon, Kubernetes, vaults and many others.
func message(body []byte) string {
	parts := []string{xmlText(body, "Code"), xmlText(body, "Message")}
	if parts[0] == "" {
		parts = []string{jsonCode(body), json.Text(body, "error", "message")}
	}
	var list struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(body, &list) == nil {
		for _, e := range list.Errors {
			parts = append(parts, strings.Join(strings.Fields(e), " "))
		}
	}
	for _, key := range []string{"message", "Message", "error_description", "error", "detail"} {
		if parts[1] == "" && len(list.Errors) == 0 {
			parts[1] = json.Text(body, key)
		}
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" })
	return strings.Join(parts, ", ")
}

// jsonCode returns the word by which an answer in JSON names an error, "" if it has a number
// or nothing.
func jsonCode(body []byte) string {
	for _, path := range [][]string{{"__type"}, {"error", "status"}, {"error", "code"}} {
		if code := json.Text(body, path...); strings.ContainsFunc(code, unicode.IsLetter) {
			return code[strings.LastIndexByte(code, '#')+1:] // as in com.amazonaws.x#Error
		}
	}
	return ""
}

var htmlText = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&nbsp;", " ", "&amp;", "&")

// withoutTags returns the text of a page.
func withoutTags(page string) string {
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(page, "<")
		b.WriteString(text)
		if !found {
			return htmlText.Replace(b.String())
		}
		if comment, ok := strings.CutPrefix(rest, "!--"); ok {
			_, page, _ = strings.Cut(comment, "-->")
			continue
		}
		tag, after, _ := strings.Cut(rest, ">")
		page = after
		switch name := nameOfTag(tag); name {
		case "script", "style":
			page = afterHidden(rest)
		case "br", "/title", "/h1", "/h2", "/h3", "/h4", "/h5", "/h6", "/p", "/div", "/tr":
			b.WriteByte('\n')
		default:
			b.WriteByte(' ')
		}
	}
}

// nameOfTag returns what a tag begins with, in lower case: br, /p.
func nameOfTag(tag string) string {
	isOther := func(c rune) bool { return c != '/' && !unicode.IsLetter(c) && !unicode.IsDigit(c) }
	if end := strings.IndexFunc(tag, isOther); end >= 0 {
		tag = tag[:end]
	}
	return strings.ToLower(strings.TrimSuffix(tag, "/"))
}

// afterHidden returns what follows the end of a script or style.
func afterHidden(page string) string {
	for {
		_, rest, found := strings.Cut(page, "</")
		if !found {
			return ""
		}
		for _, name := range []string{"script", "style"} {
			if len(rest) > len(name) && strings.EqualFold(rest[:len(name)], name) {
				if after, closed := strings.CutPrefix(strings.TrimLeft(rest[len(name):], " \t\r\n\f"), ">"); closed {
					return after
				}
			}
		}
		page = rest
	}
}

// secretsOf returns what must not be shown of requests: credentials and queries of
// URLs, and the values of all headers but ours. Longer ones come first, so that none is
// masked only in part.
func secretsOf(headers http.Header, urls ...*url.URL) []string {
	const shortest = 4 // others are no secrets, and in every text
	var all []string
	add := func(texts ...string) {
		for _, text := range texts {
			if len(text) >= shortest {
				all = append(all, text)
			}
		}
	}
	ours := defaultHeaders()
	for name, values := range headers {
		for _, value := range values {
			if value == ours.Get(name) || name == "Range" || name == "If-Range" {
				continue
			}
			add(value)
			if name == "Authorization" {
				_, value, _ = strings.Cut(value, " ") // the scheme is no secret
			}
			for _, part := range strings.FieldsFunc(value, func(c rune) bool { return strings.ContainsRune(" ,;", c) }) {
				_, parameter, _ := strings.Cut(part, "=")
				add(part, parameter)
			}
		}
	}
	for _, u := range urls {
		add(u.RawQuery)
		for _, values := range u.Query() {
			for _, value := range values {
				add(value, url.QueryEscape(value))
			}
		}
		if u.User != nil {
			password, _ := u.User.Password()
			add(u.User.String(), u.User.Username(), password, base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}
