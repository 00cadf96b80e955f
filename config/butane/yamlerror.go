package butane

import (
	"bytes"
	"regexp"
	"sort"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/firstlight-os/firstlight/config"
)

// yamlErrorHints explains messages of the YAML library by their usual cause.
var yamlErrorHints = map[string]string{
	"did not find expected '-' indicator":             "the items of a list should have the same indentation",
	"did not find expected key":                       "a key was expected; is the indentation that of the keys before?",
	"did not find expected node content":              "a value is missing, or a bracket or brace is not closed",
	"did not find expected ',' or ']'":                "a comma is missing, or a bracket is not closed; text with ${ in it needs quotes here",
	"did not find expected ',' or '}'":                "a comma is missing, or a brace is not closed; text with ${ in it needs quotes here",
	"mapping values are not allowed in this context":  "is the indentation right? Text with a colon and a space in it needs quotes",
	"could not find expected ':'":                     "a colon is missing after a key",
	"found character that cannot start any token":     "text that starts with @, ` or % needs quotes, and tabs cannot indent",
	"found a tab character that violates indentation": "tabs cannot indent; use spaces",
	"found unexpected end of stream":                  "a quote is not closed",
	"found unknown escape character":                  "in double quotes a backslash is special; use single quotes",
}

var yamlError = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: (line \d+: )?`) })

// syntaxError finds the line of a syntax error. The library often reports the line
// before it, or the start of the list or mapping around it; so this looks for the
// shortest prefix of the text with the same error.
func (d *decoder) syntaxError(text []byte, err error) *config.ParseError {
	words := func(err error) string { return yamlError().ReplaceAllString(err.Error(), "") }
	message := words(err)
	rows := bytes.SplitAfter(text, []byte("\n"))
	line := sort.Search(len(rows), func(i int) bool {
		var document yaml.Node
		err := yaml.Unmarshal(bytes.Join(rows[:i+1], nil), &document)
		return err != nil && words(err) == message
	})
	line = min(line, len(rows)-1)
	indentation := len(rows[line]) - len(bytes.TrimLeft(rows[line], " "))
	at := config.Origin{Source: d.source.Name, Line: line + 1, Column: min(indentation+1, max(len(rows[line]), 1))}
	message = "this is not valid YAML: " + message
	if hint := yamlErrorHints[strings.TrimPrefix(message, "this is not valid YAML: ")]; hint != "" {
		message += "; " + hint
	}
	return refuse(config.NewProblem(config.RuleSyntaxYAML, config.Error, at, "%s", message))
}
