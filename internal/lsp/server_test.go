package lsp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/check"
)

func TestInitializeSaysWhatTheServerCanDo(t *testing.T) {
	c := newClient(t, Options{Version: "1.2.3"})
	var got struct {
		ServerInfo   struct{ Name, Version string }
		Capabilities struct {
			PositionEncoding string
			TextDocumentSync struct{ OpenClose, Save bool }
			HoverProvider    bool
		}
	}
	c.request("initialize", `{"processId": 1, "rootUri": null, "capabilities": {"general": {"positionEncodings": ["utf-16", "utf-8"]}}}`, &got)
	if got.ServerInfo.Version != "1.2.3" || got.Capabilities.PositionEncoding != "utf-8" || !got.Capabilities.HoverProvider || !got.Capabilities.TextDocumentSync.Save {
		t.Errorf("got %+v", got)
	}
}

func TestRequestsOutOfPlaceAreRefused(t *testing.T) {
	c := newClient(t, Options{})
	for _, step := range []struct {
		method, params string
		code           int
		part           string
	}{
		{"textDocument/hover", "{}", codeNotInitialized, "textDocument/hover came before initialize"},
		{"shutdown", "null", codeNotInitialized, "shutdown came before initialize"},
		{"initialize", `{"capabilities": {}}`, 0, ""},
		{"initialize", `{"capabilities": {}}`, codeInvalidRequest, "initialized before"},
		{"textDocument/hover", `{"position": "here"}`, codeInvalidParams, "not those of this request"},
		{"textDocument/hover", `[1]`, codeInvalidParams, "not those of this request"},
		{"textDocument/hover", `{"textDocument": {"uri": "file:///not-open"}}`, 0, ""},
		{"workspace/symbol", "{}", codeMethodNotFound, `there is no request "workspace/symbol"`},
		{"shutdown", "null", 0, ""},
		{"textDocument/hover", "{}", codeInvalidRequest, "came after shutdown"},
	} {
		r := c.ask(step.method, step.params)
		switch {
		case step.code == 0 && r.Error != nil:
			t.Errorf("%s: %v", step.method, r.Error)
		case step.code == 0:
		case r.Error == nil || r.Error.Code != step.code || !strings.Contains(r.Error.Message, step.part):
			t.Errorf("%s: got %+v, want %d with %q", step.method, r.Error, step.code, step.part)
		}
	}
}

func TestServerEnds(t *testing.T) {
	for name, c := range map[string]struct {
		run  func(*client)
		want string // of the error
	}{
		"exit after shutdown":       {func(c *client) { c.ask("shutdown", "null"); c.notify("exit", "null") }, ""},
		"exit without shutdown":     {func(c *client) { c.notify("exit", "null") }, "exit before shutdown"},
		"end of input":              {func(c *client) { c.out.Close() }, "messages have ended"},
		"end of input and shutdown": {func(c *client) { c.ask("shutdown", "null"); c.out.Close() }, ""},
		"end in a message":          {func(c *client) { io.WriteString(c.out, "Content-Length: 10\r\n\r\n{"); c.out.Close() }, "reading a message of 10 bytes: unexpected EOF"},
		"end in a header":           {func(c *client) { io.WriteString(c.out, "Content-Length: 10"); c.out.Close() }, "header of a message: unexpected EOF"},
		"huge message":              {func(c *client) { io.WriteString(c.out, "Content-Length: 99999999999\r\n") }, "99999999999 bytes are announced, at most 67108864 are possible"},
		"length that is no number":  {func(c *client) { io.WriteString(c.out, "Content-Length: -1\r\n") }, `"-1" is no Content-Length`},
		"length that is missing":    {func(c *client) { io.WriteString(c.out, "Content-Type: x\r\n\r\n") }, "there is no Content-Length"},
		"garbage":                   {func(c *client) { io.WriteString(c.out, "GET / HTTP/1.1\r\n") }, `"GET / HTTP/1.1" has no colon; is this a client of the language server protocol?`},
		"garbage without line ends": {func(c *client) { io.WriteString(c.out, strings.Repeat("x", maxHeader)) }, "longer than 4096 bytes"},
		"header without an end":     {func(c *client) { io.WriteString(c.out, strings.Repeat("x: y\r\n", maxHeader/6+1)) }, "longer than 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			c.run(client)
			err := <-client.end
			if got := errorText(err); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestServerEndsIfTheClientDoesNotRead(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		writeFrame(w, []byte(`{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}`))
	}()
	if err := Serve(r, brokenWriter{}, Options{}); err == nil || !strings.Contains(err.Error(), "writing a message: no reader") {
		t.Errorf("got %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no reader") }

func TestBadMessagesAreAnswered(t *testing.T) {
	for text, code := range map[string]int{
		"{":                              codeParseError,
		"":                               codeParseError,
		"\xff\xfe":                       codeParseError,
		"[]":                             codeInvalidRequest,
		`{"id": {}, "method": "x"}`:      codeInvalidRequest,
		`{"method": 1}`:                  codeInvalidRequest,
		strings.Repeat("[", 20_000):      codeParseError,
		`{"params": ` + nested(20_000):   codeParseError,
		`{"id": true, "method": "x"}`:    codeInvalidRequest,
		`{"id": 1, "method": "unknown"}`: codeMethodNotFound,
	} {
		c := start(t, Options{})
		c.sendText(text)
		if r := c.next(); r.Error == nil || r.Error.Code != code {
			t.Errorf("%.40q: got %+v, want code %d", text, r.Error, code)
		}
		c.request("shutdown", "null", nil) // it is still there
	}
}

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) + "}" }

// Responses and notifications that are not known must not be answered.
func TestSomeMessagesAreIgnored(t *testing.T) {
	c := start(t, Options{})
	c.sendText(`{"jsonrpc": "2.0", "id": 77, "result": null}`)
	c.notify("$/setTrace", `{"value": "off"}`)
	c.notify("textDocument/didOpen", `{"textDocument": 5}`)
	c.notify("textDocument/didChange", `{"textDocument": {"uri": "file:///not-open", "version": 2}, "contentChanges": [{"text": ""}]}`)
	c.notify("textDocument/didClose", `{"textDocument": {"uri": "file:///not-open"}}`)
	c.notify("$/cancelRequest", `{"id": 99}`)
	c.notify("$/cancelRequest", `[]`)
	c.ids = 41
	c.sendText(`{"jsonrpc": "2.0", "id": 42, "method": "shutdown"}`)
	if r := c.next(); string(r.ID) != "42" || r.Error != nil || string(r.Result) != "null" {
		t.Errorf("got %+v", r)
	}
}

func TestCancelledRequestIsNotDone(t *testing.T) {
	var out bytes.Buffer
	s := newServer(&out, Options{})
	s.initialized = true
	var all []*message
	for _, text := range []string{
		`{"id": "a", "method": "shutdown"}`,
		`{"method": "$/cancelRequest", "params": {"id": "a"}}`,
		`{"id": 2, "method": "textDocument/hover", "params": {}}`,
	} {
		m, err := parseMessage([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if s.accept(m) {
			all = append(all, m)
		}
	}
	for _, m := range all {
		s.handle(m)
	}
	if s.shutDown || len(s.waiting) > 0 {
		t.Errorf("shut down: %t, waiting: %v", s.shutDown, s.waiting)
	}
	for _, want := range []string{`{"error":{"code":-32800,"message":"shutdown was cancelled"},"id":"a","jsonrpc":"2.0"}`, `{"id":2,"jsonrpc":"2.0","result":null}`} {
		if body, err := readFrame(bufio.NewReader(bytes.NewReader(out.Next(len("Content-Length: 00\r\n\r\n") + len(want))))); err != nil || string(body) != want {
			t.Errorf("got %s, %v; want %s", body, err, want)
		}
	}
}

func TestDiagnosticsHaveWhatValidateSays(t *testing.T) {
	for name, c := range map[string]struct {
		uri, text string
		want      []string // severity, text, beginning of the message
	}{
		"Butane": {"file:///a.bu", head + "storage:\n  files:\n    - path: é/a\n      mode: 644\n      und: 1\n", []string{
			`2 und "und" is not a key of fcos 1.5.0`, `2 644 the mode 644 is decimal`, `1 é/a the path "é/a" is not absolute`}},
		"JSON": {"file:///a.ign", `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "a"}]}}`, []string{
			`1 "a" the path "a" is not absolute`}},
		"note":            {"file:///a.bu", head + "passwd:\n  users:\n    - name: core\n      password_hash: \"$1$x\"\n", nil},
		"broken":          {"file:///a.bu", head + "storage: [\n", []string{"1 [ this is not valid YAML: the [ that opens here is not closed"}},
		"empty":           {"file:///a.ign", "", []string{"1  the config is empty"}},
		"no config":       {"file:///a.yaml", "kind: Pod\nversion: 1\n", []string{}},
		"JSON, no config": {"file:///a.json", `{"a": `, []string{}},
		"Butane in YAML":  {"file:///a.yaml", "variant: fcos\nversion: 9.0.0\n", []string{"1 9.0.0 there is no version 9.0.0"}},
		"half a header":   {"file:///a.bu", "vari", []string{"1 vari a Butane config is a mapping"}},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			client.open(c.uri, c.text)
			found := client.diagnostics(c.uri, 1)
			if c.want == nil {
				return
			}
			text := newText(c.text, utf16Units)
			for i, d := range found {
				got := strconv.Itoa(d.Severity) + " " + text.string[text.offset(d.Range.Start):text.offset(d.Range.End)] + " " + d.Message
				if i >= len(c.want) || !strings.HasPrefix(got, c.want[i]) {
					t.Errorf("got %q", got)
				}
			}
			if len(found) != len(c.want) {
				t.Errorf("got %d, want %q", len(found), c.want)
			}
		})
	}
}

// Editors show a server everything of a language, such as the YAML of Kubernetes.
func TestWhatIsNoConfigIsLeftAlone(t *testing.T) {
	c := start(t, Options{})
	for uri, text := range map[string]string{"file:///a.yaml": "kind: Pod\nst‸orage:\n  files: []\n", "file:///a.json": `{"sto‸rage": {}}`} {
		p := c.open(uri, text)
		for _, method := range []string{"completion", "hover", "definition", "documentSymbol", "codeAction", "formatting"} {
			if r := c.ask("textDocument/"+method, at(uri, p)); r.Error != nil || string(r.Result) != "null" {
				t.Errorf("%s of %s: %s, %v", method, uri, r.Result, r.Error)
			}
		}
	}
	p := c.open("file:///b.yaml", "variant: fcos\nst‸")
	if r := c.ask("textDocument/completion", at("file:///b.yaml", p)); !strings.Contains(string(r.Result), "storage") {
		t.Errorf("of a config: %s", r.Result)
	}
}

// While a text is checked newer ones come: of these the last one is checked, and nothing
// is said of those before.
func TestNewestTextWins(t *testing.T) {
	var out bytes.Buffer
	s := newServer(&out, Options{})
	s.initialized = true
	started, goOn := make(chan string), make(chan struct{})
	s.check = func(d *document, dir string) *check.Result {
		started <- d.string
		<-goOn
		return checkDocument(d, dir)
	}
	const uri = "file:///a.bu"
	change := func(version int, text string) {
		s.handle(&message{Method: "textDocument/didChange", Params: json.RawMessage(`{"textDocument": {"uri": "` + uri + `", "version": ` + strconv.Itoa(version) + `}, "contentChanges": [{"text": "` + text + `"}]}`)})
		s.startCheck()
	}
	finish := func() {
		goOn <- struct{}{}
		s.publish(<-s.checked)
		s.startCheck()
	}
	s.handle(&message{Method: "textDocument/didOpen", Params: json.RawMessage(`{"textDocument": {"uri": "` + uri + `", "version": 1, "text": "one"}}`)})
	s.startCheck()
	if text := <-started; text != "one" {
		t.Fatalf("%q is checked", text)
	}
	change(3, "three")
	change(2, "two") // it comes too late
	change(4, "four")
	finish()
	if text := <-started; text != "four" {
		t.Errorf("%q is checked next", text)
	}
	finish()
	if s.checking {
		t.Error("something is still being checked")
	}
	if got := strings.Count(out.String(), "publishDiagnostics"); got != 1 || !strings.Contains(out.String(), `"version":4`) {
		t.Errorf("what was said:\n%s", &out)
	}
}

func TestClosedDocumentHasNoDiagnostics(t *testing.T) {
	c := start(t, Options{})
	const uri = "file:///a.bu"
	c.open(uri, "variant: none\nversion: 1.0.0\n")
	if found := c.diagnostics(uri, 1); len(found) != 1 {
		t.Errorf("got %v", found)
	}
	c.notify("textDocument/didClose", `{"textDocument": {"uri": "`+uri+`"}}`)
	if found := c.diagnostics(uri, 1); len(found) != 0 {
		t.Errorf("got %v", found)
	}
}

func TestSavingChecksAgain(t *testing.T) {
	c := start(t, Options{})
	const uri = "file:///a.bu"
	c.open(uri, "variant: fcos\nversion: 1.5.0\n")
	c.diagnostics(uri, 1)
	c.notify("textDocument/didSave", `{"textDocument": {"uri": "file:///other"}}`)
	c.diagnostics(uri, 1)
}

// Whatever comes, the server ends with its input.
func FuzzServe(f *testing.F) {
	frame := func(bodies ...string) []byte {
		var b bytes.Buffer
		for _, body := range bodies {
			if err := writeFrame(&b, []byte(body)); err != nil {
				f.Fatal(err)
			}
		}
		return b.Bytes()
	}
	const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}`
	open := `{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a.bu","version":1,"text":` + string(encode(head+"storage:\n  fi")) + `}}}`
	place := `{"textDocument":{"uri":"file:///a.bu"},"position":{"line":3,"character":4}}`
	f.Add(frame(initialize, open, `{"id":2,"method":"textDocument/completion","params":`+place+`}`))
	f.Add(frame(initialize, open, `{"id":2,"method":"textDocument/hover","params":`+place+`}`, `{"id":3,"method":"textDocument/documentSymbol","params":`+place+`}`))
	f.Add(frame(initialize, `{"id":2,"method":"shutdown"}`, `{"method":"exit"}`))
	f.Add([]byte("Content-Length: 99999999\r\n\r\n"))
	f.Add([]byte("Content-Length: 2\nX: y\n\n[]"))
	f.Fuzz(func(_ *testing.T, in []byte) {
		_ = Serve(bytes.NewReader(in), io.Discard, Options{})
	})
}

// Each request is asked at each place of texts that are cut off there.
func FuzzRequests(f *testing.F) {
	f.Add(head+"storage:\n  files:\n    - path: /a\n      contents: {inline: x}\nsystemd:\n  units:\n    - name: a.service\n      contents: |\n        After=b.service\n", 40)
	f.Add(`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "a", "mode": 0644}]}}`, 70)
	f.Add("[0", 1)
	f.Fuzz(func(t *testing.T, text string, offset int) {
		s := newServer(io.Discard, Options{})
		s.initialized = true
		for _, uri := range []string{"file:///a.bu", "file:///a.ign"} {
			s.setDocument(uri, "", 1, text)
			d := s.documents[uri]
			s.publish(checkResult{d, checkDocument(d, "")})
			p := positionParams{Document: textDocument{uri}, Position: d.position(offset)}
			for method, params := range map[string]any{
				"textDocument/completion": p, "textDocument/hover": p, "textDocument/definition": p,
				"textDocument/documentSymbol": p, "textDocument/formatting": p,
				"textDocument/codeAction": codeActionParams{Document: p.Document, Range: Range{Position{}, p.Position}},
			} {
				if _, err := s.answer(&message{ID: null, Method: method, Params: encode(params)}); err != nil && method != "textDocument/formatting" {
					t.Errorf("%s: %v", method, err)
				}
			}
		}
	})
}
