package format

import (
	"errors"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

func TestLayout(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"indentation": {
			"storage:\n    files:\n        - path: /a\n          mode: 0644\n    links:\n    - path: /b\n      target: /a\n",
			"storage:\n  files:\n    - path: /a\n      mode: 0644\n  links:\n    - path: /b\n      target: /a\n",
		},
		"items at the left margin": {
			"storage:\n  files:\n  - path: /a\n  -\n    path: /b\n  - - x\n    -   y\n",
			"storage:\n  files:\n    - path: /a\n    -\n      path: /b\n    - - x\n      - y\n",
		},
		"spaces after dashes and colons": {
			"storage:   # what is written\n  files:\n  -    path:     /a\n       mode:  0644\n  -    &n   path:   &p   /b\n",
			"storage:   # what is written\n  files:\n    - path: /a\n      mode: 0644\n    - &n   path: &p   /b\n",
		},
		"white space at the end of lines": {
			"storage: \n  files:  \n  - path: /a \n  - \n    path: /b # here  \n#  \n",
			"storage:\n  files:\n    - path: /a\n    -\n      path: /b # here\n#\n",
		},
		"blank lines": {
			"\n\nstorage:\n\n\n\n  files: []\n \n\n\nsystemd: {}\n\n\n",
			"storage:\n\n  files: []\n\nsystemd: {}\n",
		},
		"no line end at the end": {"storage: {}", "storage: {}\n"},
		"comments": {
			"# of the document\n\nstorage:\n# at the margin\n      # of files\n      files:\n        # of /a\n      - path: /a\n      # of /b\n      - path: /b\n        # of /b, too\n   # of storage\n# of systemd\nsystemd: {}\n  # of nothing\n",
			"# of the document\n\nstorage:\n# at the margin\n  # of files\n  files:\n    # of /a\n    - path: /a\n    # of /b\n    - path: /b\n      # of /b, too\n# of storage\n# of systemd\nsystemd: {}\n  # of nothing\n",
		},
		"what was commented out stays at the margin": {
			"storage:\n    files:\n        - path: /a\n#        - path: /b\n        - path: /c\n",
			"storage:\n  files:\n    - path: /a\n#        - path: /b\n    - path: /c\n",
		},
		"block scalars": {
			"a:\n    b: |\n          [x]\n            y\t \n\n          # text\n        # comment\n    c: >-\n     one\n     two\n    d: |2\n        indented\n    e: !!binary |\n      YQ==\n",
			"a:\n  b: |\n    [x]\n      y\t \n\n    # text\n  # comment\n  c: >-\n    one\n    two\n  d: |2\n      indented\n  e: !!binary |\n    YQ==\n",
		},
		"block scalars that keep their line ends": {
			"a: |+\n  x\n\n\n\nb: |+\n\n\nc: |\n  x\n\n\n\nd: |+\n  y\n \n\n",
			"a: |+\n  x\n\n\n\nb: |+\n\n\nc: |\n  x\n\nd: |+\n  y\n\n\n",
		},
		"a block scalar without a line end": {"a:\n    b: |\n        x", "a:\n  b: |\n    x"},
		"quotes": {
			"a:\n    b: \"x \n\n\n     # y\\\n   \\ z  \"\n    c: 'it''s\n\n     two'\n    d: '0644'\n",
			"a:\n  b: \"x \n\n\n    # y\\\n    \\ z  \"\n  c: 'it''s\n\n    two'\n  d: '0644'\n",
		},
		"text of several lines": {
			"a:\n     b: one\n\n\n      two # comment\n     c:\n            three\n              four\n",
			"a:\n  b: one\n\n\n    two # comment\n  c:\n    three\n      four\n",
		},
		"flow style": {
			"a:\n     b: [x,\n\n      # comment\n       y   ,\n\n\n     ]\n     c: {d:   e,\n     f: g}\n     h:\n      [ i ]\n",
			"a:\n  b: [x,\n\n    # comment\n    y   ,\n\n\n  ]\n  c: {d:   e,\n    f: g}\n  h:\n    [ i ]\n",
		},
		"anchors": {
			"a:   &a\n    b: &b\n    - 1\nc:\n      &c\n      d: 1\n<<:   *a\n*b :   x\n",
			"a: &a\n  b: &b\n    - 1\nc:\n  &c\n  d: 1\n<<: *a\n*b : x\n",
		},
		"line ends of Windows": {
			"storage:\r\n    files:\r\n    - path: /a  \r\n\n\n      contents:\r\n        inline: |\r\n         x\r\n",
			"storage:\r\n  files:\r\n    - path: /a\r\n\r\n      contents:\r\n        inline: |\r\n          x\r\n",
		},
		"markers":  {"# c\n---   # c\n\n\nstorage:\n    files: []\n...\n\n# end\n\n", "# c\n---   # c\n\nstorage:\n  files: []\n...\n\n# end\n"},
		"a margin": {"   variant: fcos\n   storage:\n      files: []\n", "variant: fcos\nstorage:\n  files: []\n"},
		"characters of many bytes": {
			"a:\n    b:\n    - 'ä'\n    -   \"→ü\":    ✓\n        c: ü\n",
			"a:\n  b:\n    - 'ä'\n    - \"→ü\": ✓\n      c: ü\n",
		},
		"other line ends":     {"a: |\n    x\u2028    y\u0085    z\nb: \"x\u2028  y\"\n", "a: |\n  x\u2028  y\u0085  z\nb: \"x\u2028  y\"\n"},
		"a mark at the start": {"\ufeffvariant:   fcos\n", "variant: fcos\n"},
	} {
		t.Run(name, func(t *testing.T) {
			text, want := c.text, c.want
			if !butane.IsButane([]byte(text)) {
				text, want = "variant: fcos\n"+text, "variant: fcos\n"+want
			}
			checkFormat(t, text, want)
		})
	}
}

// checkFormat checks that a text is formatted in a way, and that this then stays.
func checkFormat(t *testing.T, text, want string) {
	t.Helper()
	for _, text := range []string{text, want} {
		got, err := Config([]byte(text), "a.bu")
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if string(got) != want {
			t.Errorf("%q\nis formatted as\n%q\nwant\n%q", text, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	checkFormat(t, "\n {\"b\":[1.50,1E+2 ,\"\\u00e4\\/\\t ä\",[],{ }],\n\n\"a\" : null,\"a\":true}",
		"{\n  \"b\": [\n    1.50,\n    1E+2,\n    \"\\u00e4\\/\\t ä\",\n    [],\n    {}\n  ],\n  \"a\": null,\n  \"a\": true\n}\n")
	checkFormat(t, "{\"variant\": \"fcos\"\r\n}", "{\r\n  \"variant\": \"fcos\"\r\n}\r\n")
}

// What is no JSON is YAML, whose lines are not broken.
func TestDocumentsInFlowStyle(t *testing.T) {
	checkFormat(t, "{variant: fcos,   \n\n\n   # c\n  a: [b,  c], \n}", "{variant: fcos,\n\n   # c\n  a: [b,  c],\n}\n")
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "the config is empty",
		"{\"a\":\n 1,}":                         "a.bu, line 2, column 3: this is not valid JSON: invalid character ',' before '}'",
		"null":                                  "a.bu, line 1, column 1: this is null",
		"[variant]: a\nb":                       "a.bu, line 1, column 2: this is not valid JSON",
		"variant: fcos\na:\n\tb: 1\n":           "a.bu, line 3, column 1: this is not valid YAML: a tab cannot indent; use spaces",
		"variant: fcos\na: 'b\n":                "a.bu, line 2, column 4: this is not valid YAML: the quote ' that opens here is not closed",
		" variant: fcos\n version: 1.5.0\na: b": "a.bu, line 3, column 1: this is not valid YAML: this is indented by 0, but should be by 1, as in line 2",
		"variant: fcos\nversion: 1.5.0\na: b\n\t\nc: d\n": "a.bu, line 4, column 1: an empty line with a tab is not formatted; remove the tab",
		"variant: fcos\nversion: 1.5.0\na: [b]\n\t# c\n":  "a.bu, line 1, column 1: this is not formatted: yaml: line 4: found character that cannot start any token",
		"variant: fcos\n? a\n: b\n":                       "a.bu, line 2, column 3: a key that begins with a question mark is not formatted; write it as KEY: VALUE",
		"variant: fcos\n?\n  a\n: b\n":                    "a.bu, line 1, column 1: this cannot be formatted, the result would not be valid YAML; does a key begin with a question mark?",
		"variant: fcos\na: b\n\u2028\n c\n":               "a.bu, line 2, column 4: this cannot be formatted without another meaning; write this value in one line, in quotes",
	} {
		formatted, err := Config([]byte(text), "a.bu")
		var refused *config.ParseError
		if formatted != nil || !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q:\n%s: %v\nwant %s", text, formatted, err, want)
		}
	}
}
