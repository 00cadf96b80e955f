package main

import (
	"encoding/json"
	"sync"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/schema"
)

// shownKeys are the keys whose values may be printed: those that have a scalar, or a
// list of scalars, in some version of the spec or of Butane. Some of them are
// secretKeys. The value of any other key is masked: it is a key that somebody has
// invented, for a password perhaps, or a secret in the place of an object.
var shownKeys = sync.OnceValue(func() map[string]bool {
	keys := map[string]bool{}
	add := func(text []byte, err error) {
		var s schemaNode
		if err == nil && json.Unmarshal(text, &s) == nil {
			s.addKeys(keys)
		}
	}
	add(schema.Extended(config.Newest))
	for _, d := range butane.Dialects() {
		add(schema.Butane(d))
	}
	for _, key := range spec2Keys {
		keys[key] = true
	}
	return keys
})

// secretKeys have scalars that are secrets: contents, hashes of passwords, values of
// headers, what clevis is told, and defaults of parameters. Some are objects in other places.
var secretKeys = []string{"contents", "inline", "password_hash", "passwordHash", "value", "config", "advertisement", "default"}

// objectKeys are the keys of objects that secretKeys stand for in some places. Another
// key there is a secret that somebody has taken for an object.
var objectKeys = []string{"source", "inline", "local", "compression", "verification", "httpHeaders", "http_headers", "remote",
	"merge", "replace", "append", "hash", "name", "value", "url", "pin", "config", "needsNetwork", "needs_network"}

// spec2Keys are those of spec 2 that later versions do not have.
var spec2Keys = []string{"filesystem", "start", "size", "force", "create", "enable", "uniqueUids", "gecos", "function", "sum"}

// A schemaNode is what matters here of a JSON schema.
type schemaNode struct {
	Ref         string                `json:"$ref"`
	Type        any                   `json:"type"`
	Properties  map[string]schemaNode `json:"properties"`
	Items       *schemaNode           `json:"items"`
	Definitions map[string]schemaNode `json:"definitions"`
}

func (s schemaNode) addKeys(keys map[string]bool) {
	for key, property := range s.Properties {
		if property.isScalar() || property.Items != nil && property.Items.isScalar() {
			keys[key] = true
		}
		property.addKeys(keys)
	}
	if s.Items != nil {
		s.Items.addKeys(keys)
	}
	for _, d := range s.Definitions {
		d.addKeys(keys)
	}
}

// isScalar reports whether a value is neither an object nor a list.
func (s schemaNode) isScalar() bool {
	types, ok := s.Type.([]any)
	if !ok {
		types = []any{s.Type}
	}
	for _, t := range types {
		if t == nil || t == "object" || t == "array" {
			return false
		}
	}
	return s.Ref == ""
}
