package lsp

import (
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/rules"
	"github.com/firstlight-os/firstlight/internal/schema"
)

// hover explains the key at a position, or that of the value there, and the problems.
func (s *server) hover(p *positionParams) (any, error) {
	d := s.config(p.Document)
	if d == nil {
		return nil, nil
	}
	offset := d.offset(p.Position)
	var about []string
	v, at := d.find(offset)
	if name, use := d.paramAt(offset); name != "" {
		at = use
		for _, p := range s.declarations(d) {
			if p.value.key == name {
				about = append(about, p.describe())
			}
		}
	} else if v != nil && len(v.path()) > 0 && (at == v.keySpan || v.style != '|' && v.style != '>') {
		if place := d.language().At(v.path()...); place != nil {
			about = append(about, describe(d.language(), place, v.path()))
		}
	}
	for _, problem := range d.problems {
		if problem.span.contains(offset) && problem.rule != config.NoRule {
			if about == nil {
				at = problem.span
			}
			rule := rules.Of(problem.rule)
			about = append(about, fmt.Sprintf("**%s**: %s. %s", rule.ID, rule.Title, rule.Why))
		}
	}
	if about == nil {
		return nil, nil
	}
	return map[string]any{"contents": markdown{"markdown", strings.Join(about, "\n\n")}, "range": d.rangeOf(at)}, nil
}

// find returns what has its key, or is a scalar, at an offset, and where that is.
func (d *document) find(offset int) (v *value, at span) {
	d.root.all(func(c *value) bool {
		switch {
		case c.keySpan.end > 0 && c.keySpan.contains(offset):
			v, at = c, c.keySpan
		case c.kind == scalar && c.span.contains(offset):
			v, at = c, c.span
		}
		return v == nil
	})
	return v, at
}

// describe is the row of fields.md for a place, in Markdown.
func describe(l *schema.Language, place *schema.Place, path []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** (%s", path[len(path)-1], place.Type)
	if place.Required {
		b.WriteString(", required")
	}
	b.WriteString(")")
	if place.Description != "" {
		b.WriteString("\n\n" + place.Description)
	}
	if len(place.Values) > 1 && place.Type != "boolean" {
		fmt.Fprintf(&b, "\n\nOne of: `%s`.", strings.Join(place.Values, "`, `"))
	}
	if since := l.Since(path...); since != "" {
		fmt.Fprintf(&b, "\n\nSince %s.", since)
	}
	return b.String()
}
