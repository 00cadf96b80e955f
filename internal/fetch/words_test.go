package fetch

import (
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/firstlight-os/firstlight/internal/http"
)

func TestFirstWordsOfAnError(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"text":             {"could not fetch config for pool master: not ready\n", "could not fetch config for pool master: not ready"},
		"several lines":    {"\n  \n---\nfirst\nsecond", "first"},
		"only the status":  {"404 Not Found\n", ""},
		"empty":            {"", ""},
		"compressed":       {"\x1f\x8b\x08\x00abc", ""},
		"XML":              {"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>policy</Message><HostId>x</HostId></Error>", "AccessDenied, policy"},
		"JSON of Google":   {"{\n \"error\": {\"code\": 403, \"status\": \"DENIED\", \"message\": \"no access\"}}", "DENIED, no access"},
		"JSON":             {`{"kind": "Status", "message": "node not found"}`, "node not found"},
		"JSON of OAuth":    {`{"error": "invalid", "error_description": "identity not found"}`, "identity not found"},
		"JSON of its own":  {"{\n  \"reason\": \"x\"\n}", `"reason": "x"`},
		"nginx":            {"<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.2</center>\r\n</body>\r\n</html>", "nginx/1.2"},
		"title":            {"<!DOCTYPE html><html><head><style>a{b:c}</style><title>Login &amp; more</title><script>x()</script></head><body><p>Who?</p></body></html>", "Login & more"},
		"tags in one line": {"<html><title>Not Found</title><body>No <b>such</b><br>profile</body></html>", "No such"},
		"open tag":         {"<html><body>text <a href='x", "text"},
		"hostile":          {"a\x1b[2J\u202eb\u0085c", "a?[2J?b c"},
		"long":             {strings.Repeat("x", 300), strings.Repeat("x", 200) + "..."},
		"secret":           {"no hunter2hunter2 for Bearer hunter2 at /x?sig=abcdef&x=y%20z by \"y z\"", "no ****** for *** at /x?*** by \"y z\""},
	} {
		u := &url.URL{RawQuery: "sig=abcdef&x=y%20z", User: url.UserPassword("me", "hunter2")}
		secrets := secretsOf(http.Header{"Authorization": {"Bearer hunter2"}, "Accept": defaultHeaders()["Accept"]}, u)
		if got := firstWords([]byte(tc.body), "404 Not Found", secrets); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func FuzzFirstWords(f *testing.F) {
	f.Add([]byte("<html><title>x</title>"), "500 x")
	f.Add([]byte(`{"error": {"message": "x"}}`), "")
	f.Fuzz(func(t *testing.T, body []byte, status string) {
		got := firstWords(body, status, []string{"secret"})
		if len([]rune(got)) > maxWords+3 || strings.ContainsFunc(got, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }) {
			t.Fatalf("got %q", got)
		}
	})
}

// Of pages whose tags are closed.
func TestTextWithoutTagsIsThatOfTheExpressions(t *testing.T) {
	hidden := regexp.MustCompile(`(?is)<!--.*?(-->|$)|<(script|style)\b.*?(</(script|style)\s*>|$)`)
	endOfLine := regexp.MustCompile(`(?i)</(title|h[1-6]|p|div|tr)\s*>|<br\b[^>]*>`)
	tag := regexp.MustCompile(`(?s)<[^>]*(>|$)`)
	pieces := []string{"a", " ", "\n", "&lt;", "<p>", "</P>", "</p >", "<br>", "<br/>", "<BR clear='x'>", "<b>", "</b>", "<h1 a=b>", "</h1>", "<h7>", "</h7>", "<!-- x -->", "<!--", "-->", "<script>x<y</script>", "<style a='b'>", "</STYLE >", "</script>", "<title>", "</title>", "<!DOCTYPE html>", "</tr>", "é"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		page := ""
		for range r.IntN(9) {
			page += pieces[r.IntN(len(pieces))]
		}
		want := endOfLine.ReplaceAllString(hidden.ReplaceAllString(page, ""), "\n")
		want = htmlText.Replace(tag.ReplaceAllString(want, " "))
		if got := withoutTags(page); got != want {
			t.Fatalf("%q: got %q, want %q", page, got, want)
		}
	}
}
