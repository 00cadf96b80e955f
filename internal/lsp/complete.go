package lsp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/schema"
)

// positionParams are those of all requests about a place.
type positionParams struct {
	Document textDocument `json:"textDocument"`
	Position Position     `json:"position"`
	// Context is that of completion.
	Context struct {
		Trigger string `json:"triggerCharacter"`
	} `json:"context"`
}

// A textEdit replaces a range.
type textEdit struct {
	Range   Range  `json:"range"`
	NewText string `json:"newText"`
}

// markdown is a text for people.
type markdown struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// A completionItem is something that could be typed. Its SortText keeps our order.
type completionItem struct {
	Label         string    `json:"label"`
	Kind          int       `json:"kind"`
	Detail        string    `json:"detail,omitempty"`
	Documentation *markdown `json:"documentation,omitempty"`
	SortText      string    `json:"sortText"`
	FilterText    string    `json:"filterText"`
	TextEdit      textEdit  `json:"textEdit"`
}

// Kinds of completion items.
const (
	propertyItem = 10
	valueItem    = 12
)

// cursor stands in a text for what is typed next; see completionAt.
const cursor = "\x00"

// completion offers what could be typed. To find out what belongs there a word is put
// at the position, and the outline says what it would be.
func (s *server) completion(p *positionParams) (any, error) {
	d := s.config(p.Document)
	if d == nil {
		return nil, nil
	}
	for _, items := range [][]completionItem{s.params(d, d.offset(p.Position)), d.facts(d.offset(p.Position))} {
		if items != nil {
			return map[string]any{"isIncomplete": false, "items": items}, nil
		}
	}
	if p.Context.Trigger == paramTrigger {
		return nil, nil // of a key
	}
	c := newCompleter(d, d.offset(p.Position))
	if c == nil {
		return nil, nil
	}
	return map[string]any{"isIncomplete": false, "items": c.items()}, nil
}

// A completer offers what can be at one place.
type completer struct {
	d        *document
	language *schema.Language
	butane   bool
	root     *value // with the cursor in it
	at       *value // the key or scalar that the cursor is in
	isKey    bool
	// replaces is what is there already, in the document, without the cursor.
	replaces span
	found    []completionItem
}

// newCompleter returns nil if nothing can be completed at an offset.
func newCompleter(d *document, offset int) *completer {
	c := &completer{d: d, language: d.language(), butane: d.isButane()}
	c.root = outline(d.string[:offset] + cursor + d.string[offset:])
	holds := func(s span) bool { return s.start <= offset && offset < s.end }
	c.root.all(func(v *value) bool {
		switch {
		case holds(v.keySpan):
			c.at, c.isKey, c.replaces = v, true, v.keySpan
		case v.kind == scalar && holds(v.span):
			c.at, c.isKey, c.replaces = v, false, v.span
		}
		return c.at == nil
	})
	if c.at == nil || !c.isKey && (c.at.style == '|' || c.at.style == '>') {
		return nil
	}
	c.replaces.end -= len(cursor)
	// Text can go on in the next lines; of it only this line is replaced.
	if strings.Contains(d.string[c.replaces.start:offset], "\n") {
		return nil
	}
	rest, _, _ := strings.Cut(d.string[offset:c.replaces.end], "\n")
	c.replaces.end = offset + len(strings.TrimRight(rest, "\r"))
	return c
}

func (c *completer) items() []completionItem {
	c.found = []completionItem{}
	if c.isKey {
		c.keys(c.at.parent, "")
		return c.found
	}
	place := c.language.At(c.at.path()...)
	switch {
	case place == nil:
	case place.List && c.at.parent.kind != list:
		// Items of a list, where the list is to begin.
		if c.startsLine() {
			if place.Keys != nil {
				c.keys(c.at, "- ")
			} else {
				c.values(place, "- ")
			}
		}
	case place.Keys != nil:
		if c.startsLine() || c.at.parent.kind == list && !c.at.flow {
			c.keys(c.at, "")
		}
	default:
		c.values(place, "")
	}
	return c.found
}

// startsLine reports whether the value has a line of its own, in block style.
func (c *completer) startsLine() bool {
	line, _ := c.d.Position(c.replaces.start)
	return !c.at.flow && strings.TrimSpace(c.d.string[c.d.Offset(line, 1):c.replaces.start]) == ""
}

// keys offers the keys of an object that it does not have, first those that it must have.
func (c *completer) keys(object *value, mark string) {
	path := object.path()
	place := c.language.At(path...)
	if place == nil {
		return
	}
	for _, required := range []bool{true, false} {
		for _, key := range place.Keys {
			to := c.language.At(append(slices.Clone(path), key)...)
			if other := object.get(key); to.Required == required && (other == nil || other == c.at) {
				c.add(key, propertyItem, to, mark+c.keyText(key, to))
			}
		}
	}
}

// keyText is a key as it is written, with what follows it.
func (c *completer) keyText(key string, to *schema.Place) string {
	quoted := !c.butane || strings.HasPrefix(c.d.text.at(c.replaces), `"`)
	if quoted {
		key = strconv.Quote(key)
	}
	switch {
	case c.isKey && c.at.colon:
		return key
	case c.butane && !c.at.flow && (to.List || to.Keys != nil):
		return key + ":" // what it has is on the next lines
	}
	return key + ": "
}

// objectPath is the path of the object whose keys are offered.
func (c *completer) objectPath() []string {
	if c.isKey {
		return c.at.parent.path()
	}
	return c.at.path()
}

// values offers the values of an enumeration, the variants, the versions, and the devices
// that the config makes.
func (c *completer) values(place *schema.Place, mark string) {
	words := wordsAt(c.root, c.butane, c.at.path(), place)
	if path := strings.Join(c.at.path(), "."); slices.Contains(deviceUsers, path) {
		words = madeDevices(c.root)
	}
	for _, word := range words {
		text := word
		// Numbers and booleans of JSON have no quotes; those of RAID levels do.
		if !c.butane && place.Type == "string" || strings.HasPrefix(c.d.text.at(c.replaces), `"`) {
			text = strconv.Quote(word)
		}
		c.add(word, valueItem, place, mark+text)
	}
}

func (c *completer) add(label string, kind int, place *schema.Place, text string) {
	item := completionItem{
		Label: label, Kind: kind, FilterText: label,
		SortText: fmt.Sprintf("%03d", len(c.found)),
		TextEdit: textEdit{c.d.rangeOf(c.replaces), text},
	}
	if there := c.d.text.at(c.replaces); strings.HasPrefix(there, `"`) || strings.HasPrefix(there, "'") {
		item.FilterText = there[:1] + label // clients compare it with what is there
	}
	if place != nil && kind == propertyItem {
		item.Detail = place.Type
		item.Documentation = &markdown{"markdown", describe(c.language, place, append(c.objectPath(), label))}
	}
	c.found = append(c.found, item)
}

// deviceUsers are the paths of what may use a device that the config makes.
var deviceUsers = []string{"storage.raid.devices", "storage.luks.device", "storage.filesystems.device"}

// wordsAt are the words that can be at a path, nil if it is not one of a few.
func wordsAt(root *value, isButane bool, path []string, place *schema.Place) []string {
	switch strings.Join(path, ".") {
	case "variant":
		return variants()
	case "version":
		return versionsOf(newestDialect(root.textOf("variant")).Variant)
	case "ignition.version":
		if !isButane {
			return specVersions()
		}
	}
	return place.Values
}

// versionsOf are those of a variant, the newest first, those that are not final last.
func versionsOf(variant string) []string {
	var all []string
	for _, d := range butane.Dialects() {
		if d.Variant == variant {
			all = append(all, d.Version)
		}
	}
	return newestFirst(all)
}

func specVersions() []string {
	var all []string
	for _, v := range config.Versions() {
		all = append(all, v.String())
	}
	all = newestFirst(all)
	for _, v := range config.Extended() {
		all = append(all, v.String()+config.ExtendedSuffix)
	}
	return all
}

func newestFirst(versions []string) []string {
	slices.Reverse(versions)
	slices.SortStableFunc(versions, func(a, b string) int {
		return strings.Count(a, "-") - strings.Count(b, "-")
	})
	return versions
}
