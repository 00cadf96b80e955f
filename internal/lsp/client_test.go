package lsp

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A client talks to a server as an editor does.
type client struct {
	t    *testing.T
	in   *bufio.Reader
	out  io.WriteCloser
	ids  int
	end  chan error // of the server
	news []diagnosticsNews
}

type diagnosticsNews struct {
	URI         string
	Version     int
	Diagnostics []diagnostic
}

type reply struct {
	ID     json.RawMessage
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *rpcError
}

// newClient starts a server that is not initialized.
func newClient(t *testing.T, o Options) *client {
	t.Helper()
	fromClient, toServer := io.Pipe()
	fromServer, toClient := io.Pipe()
	c := &client{t: t, in: bufio.NewReader(fromServer), out: toServer, end: make(chan error, 1)}
	go func() {
		c.end <- Serve(fromClient, toClient, o)
		toClient.Close()
		fromClient.Close()
	}()
	t.Cleanup(func() { toServer.Close(); fromServer.Close() })
	return c
}

// start starts a server and initializes it.
func start(t *testing.T, o Options) *client {
	t.Helper()
	c := newClient(t, o)
	c.request("initialize", `{"capabilities": {"workspace": {"workspaceEdit": {"documentChanges": true}}}}`, nil)
	c.notify("initialized", "{}")
	return c
}

func (c *client) sendText(body string) {
	c.t.Helper()
	if err := writeFrame(c.out, []byte(body)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) notify(method, params string) {
	c.t.Helper()
	c.sendText(`{"jsonrpc": "2.0", "method": "` + method + `", "params": ` + params + `}`)
}

// next is the next message of the server.
func (c *client) next() reply {
	c.t.Helper()
	body, err := readFrame(c.in)
	if err != nil {
		c.t.Fatalf("reading from the server: %v", err)
	}
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		c.t.Fatalf("%v in %s", err, body)
	}
	if r.Method == "textDocument/publishDiagnostics" {
		var news diagnosticsNews
		if err := json.Unmarshal(r.Params, &news); err != nil {
			c.t.Fatal(err)
		}
		c.news = append(c.news, news)
	}
	return r
}

// ask sends a request and returns the answer to it.
func (c *client) ask(method, params string) reply {
	c.t.Helper()
	c.ids++
	id := strconv.Itoa(c.ids)
	c.sendText(`{"jsonrpc": "2.0", "id": ` + id + `, "method": "` + method + `", "params": ` + params + `}`)
	for {
		if r := c.next(); string(r.ID) == id {
			return r
		}
	}
}

// request is ask for what has to succeed.
func (c *client) request(method, params string, result any) {
	c.t.Helper()
	r := c.ask(method, params)
	if r.Error != nil {
		c.t.Fatalf("%s: %v", method, r.Error)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(r.Result, result); err != nil {
		c.t.Fatalf("%s: %v in %s", method, err, r.Result)
	}
}

// open opens a document of version 1. It returns where the text has a bar, which it has not any more.
func (c *client) open(uri, text string) Position {
	c.t.Helper()
	before, after, found := strings.Cut(text, "‸")
	text = before + after
	c.notify("textDocument/didOpen", `{"textDocument": {"uri": "`+uri+`", "version": 1, "text": `+string(encode(text))+`}}`)
	if !found {
		return Position{}
	}
	t := newText(text, utf16Units)
	return t.position(len(before))
}

// diagnostics waits for those of a version.
func (c *client) diagnostics(uri string, version int) []diagnostic {
	c.t.Helper()
	for {
		i := slices.IndexFunc(c.news, func(n diagnosticsNews) bool { return n.URI == uri && n.Version == version })
		if i >= 0 {
			found := c.news[i].Diagnostics
			c.news = slices.Delete(c.news, i, i+1)
			return found
		}
		c.next()
	}
}

// at is the parameters of a request about a place.
func at(uri string, p Position) string {
	return string(encode(positionParams{Document: textDocument{uri}, Position: p}))
}
