package lsp

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/firstlight-os/firstlight/internal/check"
)

// Options of a server.
type Options struct {
	// Version is that of the program, for the client's log.
	Version string
	// FilesDir is where local files of Butane are. If it is empty they are in the folder
	// of the document. A client can say another one when it initializes the server.
	FilesDir string
}

// Serve serves one client until it says exit. The error says why the server has ended
// otherwise, or that exit came without shutdown.
func Serve(in io.Reader, out io.Writer, o Options) error {
	s := newServer(out, o)
	messages := make(chan *message)
	go func() { // ends with the input, or with the program
		s.readErr = s.read(bufio.NewReader(in), messages)
		close(messages)
	}()
	for {
		select {
		case m, ok := <-messages:
			if !ok {
				return s.inputEnded()
			}
			if m.Method == "exit" {
				return s.exit()
			}
			s.handle(m)
		case r := <-s.checked:
			s.publish(r)
		}
		s.startCheck()
		if err := s.clientGone(); err != nil {
			return err
		}
	}
}

// A server has what it knows of a client and its documents. Only the goroutine of Serve
// uses it, but for what the mutex protects.
type server struct {
	Options
	client      clientSettings
	initialized bool
	shutDown    bool
	documents   map[string]*document // by URI
	// check is check.Text but in tests; checked has the one that runs, and room for its
	// result, so that it never waits.
	check    func(d *document, filesDir string) *check.Result
	checking bool
	checked  chan checkResult
	readErr  error // set before the channel of messages is closed

	mutex    sync.Mutex
	out      io.Writer
	writeErr error
	// waiting are the IDs of the requests that were read and not answered yet; true is
	// for those that the client has cancelled.
	waiting map[string]bool
}

func newServer(out io.Writer, o Options) *server {
	return &server{
		Options:   o,
		client:    clientSettings{encoding: utf16Units},
		documents: map[string]*document{},
		check:     checkDocument,
		checked:   make(chan checkResult, 1),
		out:       out,
		waiting:   map[string]bool{},
	}
}

// read reads messages until the input ends. What is no message is answered; after a bad
// header there is no way to go on.
func (s *server) read(r *bufio.Reader, messages chan<- *message) error {
	for {
		body, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		m, err := parseMessage(body)
		if err != nil {
			s.send(response(nil, nil, err))
			continue
		}
		if s.accept(m) {
			messages <- m
		}
	}
}

// accept notes what is cancelled, and reports whether a message is to be handled.
func (s *server) accept(m *message) bool {
	switch {
	case m.Method == "": // a response; there are no requests to clients
		return false
	case m.Method == "$/cancelRequest":
		s.cancel(m.Params)
		return false
	case m.isRequest():
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.waiting[string(m.ID)] = false
	}
	return true
}

func (s *server) cancel(params json.RawMessage) {
	var p struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, waits := s.waiting[string(p.ID)]; waits {
		s.waiting[string(p.ID)] = true
	}
}

// send writes a message. The first error ends the server.
func (s *server) send(body []byte) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.writeErr == nil {
		s.writeErr = writeFrame(s.out, body)
	}
}

// clientGone is why messages can no longer be sent.
func (s *server) clientGone() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.writeErr
}

func (s *server) handle(m *message) {
	if !m.isRequest() {
		s.notified(m)
		return
	}
	s.mutex.Lock()
	cancelled := s.waiting[string(m.ID)]
	delete(s.waiting, string(m.ID))
	s.mutex.Unlock()
	if cancelled {
		s.send(response(m.ID, nil, failure(codeCancelled, "%s was cancelled", m.Method)))
		return
	}
	result, err := s.answer(m)
	s.send(response(m.ID, result, err))
}

// answer answers a request; the error is a *rpcError.
func (s *server) answer(m *message) (any, error) {
	switch {
	case s.shutDown:
		return nil, failure(codeInvalidRequest, "%s came after shutdown", m.Method)
	case !s.initialized && m.Method != "initialize":
		return nil, failure(codeNotInitialized, "%s came before initialize", m.Method)
	}
	f := requests[m.Method]
	if f == nil {
		return nil, failure(codeMethodNotFound, "there is no request %.100q", m.Method)
	}
	return f(s, m.Params)
}

// notified handles a notification. Nobody waits for an answer, so that errors are lost.
func (s *server) notified(m *message) {
	if f := notifications[m.Method]; f != nil && s.initialized && !s.shutDown {
		f(s, m.Params)
	}
}

// typed is a handler whose parameters have a type.
func typed[P any](f func(*server, *P) (any, error)) func(*server, json.RawMessage) (any, error) {
	return func(s *server, params json.RawMessage) (any, error) {
		p := new(P)
		if params == nil {
			return f(s, p)
		}
		if err := json.Unmarshal(params, p); err != nil {
			return nil, failure(codeInvalidParams, "the parameters are not those of this request: %v", err)
		}
		return f(s, p)
	}
}

// noted is typed for notifications.
func noted[P any](f func(*server, *P)) func(*server, json.RawMessage) {
	return func(s *server, params json.RawMessage) {
		p := new(P)
		if json.Unmarshal(params, p) == nil {
			f(s, p)
		}
	}
}

// requests and notifications are what this server understands. Everything of the
// protocol that is not here needs a capability that it does not announce.
var (
	requests      map[string]func(*server, json.RawMessage) (any, error)
	notifications map[string]func(*server, json.RawMessage)
)

func init() {
	requests = map[string]func(*server, json.RawMessage) (any, error){
		"initialize":                  typed((*server).initialize),
		"shutdown":                    typed((*server).shutdown),
		"textDocument/completion":     typed((*server).completion),
		"textDocument/hover":          typed((*server).hover),
		"textDocument/definition":     typed((*server).definition),
		"textDocument/codeAction":     typed((*server).codeAction),
		"textDocument/documentSymbol": typed((*server).documentSymbol),
		"textDocument/formatting":     typed((*server).formatting),
	}
	notifications = map[string]func(*server, json.RawMessage){
		"textDocument/didOpen":   noted((*server).didOpen),
		"textDocument/didChange": noted((*server).didChange),
		"textDocument/didClose":  noted((*server).didClose),
		"textDocument/didSave":   noted((*server).didSave),
	}
}

func (s *server) shutdown(*struct{}) (any, error) {
	s.shutDown = true
	return nil, nil
}

// errNoShutdown makes exit a failure, as the protocol wants it.
var errNoShutdown = errors.New("the client has said exit before shutdown")

func (s *server) exit() error {
	if !s.shutDown {
		return errNoShutdown
	}
	return nil
}

// inputEnded is for clients that end without exit, such as one that was killed.
func (s *server) inputEnded() error {
	switch {
	case s.readErr != nil:
		return s.readErr
	case s.shutDown:
		return nil
	}
	return fmt.Errorf("the client's messages have ended: %w", errNoShutdown)
}
