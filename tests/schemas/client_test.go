package schemas

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os/exec"
	"strconv"
	"sync"
	"testing"
)

// server is the program that editors start.
const server = "node_modules/yaml-language-server/bin/yaml-language-server"

// A client is what an editor is to a language server:
// https://microsoft.github.io/language-server-protocol
type client struct {
	t        *testing.T
	in       io.Writer
	writing  sync.Mutex
	settings any // of the section "yaml"
	// reported has what the server says of documents, by URI.
	reported map[string]chan []diagnostic
	answers  chan json.RawMessage
	// configured is closed when the server has asked for the settings.
	configured chan struct{}
	once       sync.Once
	requests   int
}

type position struct {
	Line      int `json:"line"` // from 0
	Character int `json:"character"`
}

type diagnostic struct {
	Range   struct{ Start, End position }
	Message string
}

// String is the message with its place as it is given to people, from 1.
func (d diagnostic) String() string {
	return fmt.Sprintf("%d:%d %s", d.Range.Start.Line+1, d.Range.Start.Character+1, d.Message)
}

type message struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  json.RawMessage `json:"error,omitempty"`
}

// object is a JSON object.
type object = map[string]any

// start starts the server with the settings of an editor. The documents are those that
// will be opened.
func start(t *testing.T, settings any, documents []string) *client {
	t.Helper()
	cmd := exec.Command("node", server, "--stdio")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, in: in, settings: settings, reported: map[string]chan []diagnostic{},
		answers: make(chan json.RawMessage, 1), configured: make(chan struct{})}
	for _, name := range documents {
		c.reported[uri(name)] = make(chan []diagnostic, 100)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.listen(bufio.NewReader(out)) }()
	t.Cleanup(func() {
		c.call("shutdown", nil)
		c.notify("exit", nil)
		if err := <-done; err != io.EOF {
			t.Errorf("listening to the server: %v", err)
		}
		_ = cmd.Wait()
	})
	c.call("initialize", object{"processId": nil, "rootUri": nil, "capabilities": object{
		"workspace":    object{"configuration": true, "didChangeConfiguration": object{"dynamicRegistration": true}},
		"textDocument": object{"completion": object{}},
	}})
	c.notify("initialized", object{})
	<-c.configured
	return c
}

// listen reads what the server says until it ends.
func (c *client) listen(from *bufio.Reader) error {
	defer close(c.answers)
	for {
		header, err := textproto.NewReader(from).ReadMIMEHeader()
		if err != nil {
			return err
		}
		size, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			return err
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(from, text); err != nil {
			return err
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			return err
		}
		switch {
		case m.Method == "":
			if m.Error != nil {
				c.t.Errorf("the server refuses a request: %s", m.Error)
			}
			c.answers <- m.Result
		case m.Method == "textDocument/publishDiagnostics":
			c.report(m.Params)
		case m.ID != nil:
			c.answer(m)
		}
	}
}

func (c *client) report(params json.RawMessage) {
	var p struct {
		URI         string
		Diagnostics []diagnostic
	}
	if err := json.Unmarshal(params, &p); err != nil {
		c.t.Error(err)
		return
	}
	if reported := c.reported[p.URI]; reported != nil {
		reported <- p.Diagnostics
	}
}

// answer answers a request of the server.
func (c *client) answer(m message) {
	if m.Method != "workspace/configuration" {
		c.send(object{"id": m.ID, "result": nil})
		return
	}
	var p struct{ Items []struct{ Section string } }
	if err := json.Unmarshal(m.Params, &p); err != nil {
		c.t.Error(err)
	}
	sections := make([]any, len(p.Items))
	for i, item := range p.Items {
		sections[i] = object{}
		if item.Section == "yaml" {
			sections[i] = c.settings
		}
	}
	c.send(object{"id": m.ID, "result": sections})
	c.once.Do(func() { close(c.configured) })
}

func (c *client) send(m object) {
	c.writing.Lock()
	defer c.writing.Unlock()
	m["jsonrpc"] = "2.0"
	text, err := json.Marshal(m)
	if err == nil {
		_, err = fmt.Fprintf(c.in, "Content-Length: %d\r\n\r\n%s", len(text), text)
	}
	if err != nil {
		c.t.Errorf("writing to the server: %v", err)
	}
}

func (c *client) notify(method string, params any) {
	c.send(object{"method": method, "params": params})
}

// call sends a request and waits for the answer.
func (c *client) call(method string, params any) json.RawMessage {
	c.requests++
	c.send(object{"id": c.requests, "method": method, "params": params})
	return <-c.answers
}

// open opens a document as an editor does.
func (c *client) open(name, text string) {
	c.notify("textDocument/didOpen", object{"textDocument": object{"uri": uri(name), "languageId": "yaml", "version": 1, "text": text}})
}

// diagnostics waits for what the server says of an open document.
func (c *client) diagnostics(name string) []diagnostic { return <-c.reported[uri(name)] }

// complete returns what the server offers at a place in an open document.
func (c *client) complete(name string, at position) []string {
	var list struct{ Items []struct{ Label string } }
	answer := c.call("textDocument/completion", object{"textDocument": object{"uri": uri(name)}, "position": at})
	if err := json.Unmarshal(answer, &list); err != nil {
		c.t.Errorf("%s: %v", answer, err)
	}
	var labels []string
	for _, item := range list.Items {
		labels = append(labels, item.Label)
	}
	return labels
}

// hover returns what the server says of what is at a place in an open document.
func (c *client) hover(name string, at position) string {
	var said struct{ Contents struct{ Value string } }
	answer := c.call("textDocument/hover", object{"textDocument": object{"uri": uri(name)}, "position": at})
	if err := json.Unmarshal(answer, &said); err != nil {
		c.t.Errorf("%s: %v", answer, err)
	}
	return said.Contents.Value
}

func uri(name string) string { return "file://" + name }
