package lsp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// A message is a request, which has an ID and a method, a notification, which has a method
// only, or a response.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// isRequest reports whether the client waits for a response.
func (m *message) isRequest() bool { return m.ID != nil && m.Method != "" }

// Error codes of JSON-RPC and of the language server protocol.
const (
	codeParseError     = -32700
	codeInvalidRequest = -32600
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
	codeNotInitialized = -32002
	codeCancelled      = -32800
	codeRequestFailed  = -32803
)

// A rpcError is what a response says instead of a result.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

func failure(code int, format string, args ...any) *rpcError {
	return &rpcError{code, fmt.Sprintf(format, args...)}
}

// parseMessage reads one message; the error is a *rpcError.
func parseMessage(body []byte) (*message, error) {
	m := new(message)
	if err := json.Unmarshal(body, m); err != nil {
		if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
			return nil, failure(codeParseError, "this is not JSON: %v", err)
		}
		return nil, failure(codeInvalidRequest, "this is no message of JSON-RPC: %v", err)
	}
	// "id": null is how JSON-RPC answers to what has no ID.
	if bytes.Equal(m.ID, []byte("null")) {
		m.ID = nil
	}
	if len(m.ID) > 0 && (m.ID[0] == '{' || m.ID[0] == '[' || m.ID[0] == 't' || m.ID[0] == 'f') {
		return nil, failure(codeInvalidRequest, "the ID of a request is a number or a string")
	}
	return m, nil
}

var null = json.RawMessage("null")

// response is the text of a response. A result of nil is null, which means that there is
// nothing.
func response(id json.RawMessage, result any, err error) []byte {
	answer := map[string]any{"jsonrpc": "2.0", "id": null}
	if id != nil {
		answer["id"] = id
	}
	if err == nil {
		answer["result"] = result
		return encode(answer)
	}
	answer["error"] = err
	return encode(answer)
}

func notification(method string, params any) []byte {
	return encode(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

// encode is for our own types, which have nothing that JSON cannot hold.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("lsp: %T cannot be written as JSON: %v", v, err))
	}
	return text
}
