package butane

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

// set makes values of parameters, as --set does.
func set(pairs ...string) map[string]ParamValue {
	values := map[string]ParamValue{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = ParamValue{value, config.Origin{Source: "--set " + name}}
	}
	return values
}

func TestParametersAreFilledIn(t *testing.T) {
	const text = `
params:
  dir: {default: etc}
  mode: {type: int, default: 0640, description: 'of ${param:dir}'}
  on: {type: bool, default: false}
  number: {type: int, default: 1}
  text: {default: 0640}
storage:
  files:
    - path: /${param:dir}/${param:dir}-${param:mode}
      mode: ${param:mode}
      overwrite: "${param:on}"
      contents:
        inline: |
          ${HOME} $${param:dir} ${param:text} $$${param:number} ${x:-1}
          ${param:on}
  disks:
    - device: /dev/a
      partitions: [{number: '${param:number}', label: !!str '${param:number}'}]
`
	got, cfg := withIncludes(t, text, Options{})
	const want = `{"ignition":{"version":"3.6.0"},"storage":{"disks":[{"device":"/dev/a","partitions":[{"label":"1","number":1}]}],` +
		`"files":[{"path":"/etc/etc-0640","overwrite":false,"contents":{"source":"data:;base64,JHtIT01FfSAke3BhcmFtOmRpcn0gMDY0MCAkMSAke3g6LTF9CmZhbHNlCg==","compression":""},"mode":416}]}}`
	if !sameJSON(t, got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if at := cfg.Storage.Files[0].Origin("mode"); at.String() != "main.bu, line 13, column 13 (storage.files[0].mode)" {
		t.Errorf("the mode is from %s", at)
	}

	got, _ = withIncludes(t, text, Options{Params: set("dir=var", "mode=0o600", "on=true", "number=2", "text=x: [y]")})
	for _, part := range []string{`"path":"/var/var-0o600"`, `"mode":384`, `"overwrite":true`, `"number":2,"label":"2"`, `JHtIT01FfSAke3BhcmFtOmRpcn0geDogW3ldICQyICR7eDotMX0KdHJ1ZQo=`} {
		if !strings.Contains(got, part) {
			t.Errorf("there is no %s in %s", part, got)
		}
	}
	// The machine knows the same, with the defaults.
	machine, problems, err := Parse([]byte(head+text), "user config")
	if err != nil || len(problems) > 0 || *machine.Storage.Files[0].Mode != 0o640 {
		t.Errorf("%v, %s", err, problems)
	}
}

// Whatever is in a value stays in the text that it stands in.
func TestValuesOfParametersAreNeverSyntax(t *testing.T) {
	for _, value := range []string{
		"", " ", "x: y", "{a: b}", "[1, 2]", "- a", "*alias", "&a b", "!!int 5", "null", "~", "true", "0644", "1e3",
		"a\nstorage: {files: []}\n", "\"", "'", "# comment", "a # b", "${param:a}", "$${param:a}", "${fact:hostname}", "---\nvariant: fcos\n", "<<", "é\u2028\u0085x", "\t", "%00",
	} {
		text := "params: {a: {}, b: {type: string}}\nstorage: {links: [{path: /l, target: '${param:a}'}, {path: /m, target: 'x${param:b}y'}]}"
		result, problems, err := Translate([]byte(head+text), "main.bu", Options{Params: map[string]ParamValue{"a": {Text: value}, "b": {Text: value}}})
		if value == "" {
			if err == nil {
				t.Error("a link without a target is accepted")
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v\n%s", value, err, problems)
			continue
		}
		links := result.Config.Storage.Links
		if len(links) != 2 || *links[0].Target != value || *links[1].Target != "x"+value+"y" || len(result.Config.Storage.Files) > 0 {
			t.Errorf("%q becomes %s", value, result.JSON)
		}
	}
}

func TestValuesOfParametersAreNoFacts(t *testing.T) {
	translate := func(text, value string) (*Result, config.Problems, error) {
		return Translate([]byte(head+"facts: true\nparams: {x: {}}\nstorage: {links: [{path: /l, target: '"+text+"'}]}\n"), "main.bu", Options{Params: map[string]ParamValue{"x": {Text: value}}})
	}
	for _, value := range []string{"${fact:hostname}", "$${fact:hostname}", "a ${facts:b} c", "$"} {
		result, problems, err := translate("${fact:region} ${param:x}", value)
		if err != nil {
			t.Errorf("%q: %v %s", value, err, problems)
			continue
		}
		machine, _, _, err := result.Config.WithFacts(func(string) (string, error) { return "web1", nil })
		if err != nil || *machine.Storage.Links[0].Target != "web1 "+value {
			t.Errorf("%q becomes %v (%v)", value, machine, err)
		}
	}
	for text, value := range map[string]string{"a $$${param:x}": "{fact:hostname}", "${param:x}${fact:hostname}": "$", "${fact:${param:x}": "hostname}"} {
		_, problems, err := translate(text, value)
		if err == nil || !strings.Contains(problems.String(), "make a placeholder for a fact, or unmake one") {
			t.Errorf("%q in %q: %v %s", value, text, err, problems)
		}
	}
}

func TestParametersOfIncludedDocuments(t *testing.T) {
	files := filesOf(map[string]string{
		"base.bu":  "params: {role: {}, port: {type: int, default: 80, description: 'where it listens'}}\nstorage: {links: [{path: /base, target: '${param:role} ${param:port}'}]}",
		"other.bu": "params: {port: {type: int}}\nstorage: {links: [{path: /other, target: 'x${param:port}'}]}",
		"role.bu":  "include: [base.bu]\nparams: {role: {default: web}}",
	})
	for _, c := range []struct {
		text   string
		values map[string]ParamValue
		want   string
	}{
		{"include: [role.bu]\nstorage: {links: [{path: /main, target: '${param:port}'}]}", nil, "web 80, 80"},
		{"include: [role.bu]\nparams: {role: {default: db}}", nil, "db 80"},
		{"include: [base.bu, other.bu]\nparams: {role: {default: db}, port: {default: 81}}", nil, "db 81, x81"},
		{"include: [other.bu, base.bu]\nparams: {role: {default: db}, port: {type: int, default: 0x51}}", set("port=82"), "x82, db 82"},
		{"include: [base.bu]", set("role=mail"), "mail 80"},
	} {
		_, cfg := withIncludes(t, c.text, Options{Files: files, Params: c.values})
		var got []string
		for _, l := range cfg.Storage.Links {
			got = append(got, *l.Target)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s\ngot %s, want %s", c.text, strings.Join(got, ", "), c.want)
		}
	}
}

func TestMistakesInParameters(t *testing.T) {
	files := filesOf(map[string]string{
		"int.bu":  "params: {x: {type: int, default: 1}}",
		"int2.bu": "params: {x: {type: int, default: 2}}",
		"text.bu": "params: {x: {type: string}}",
		"uses.bu": "storage: {links: [{path: /l, target: '${param:x}'}]}",
		"req.bu":  "params: {x: {}}\nstorage: {links: [{path: /l, target: '${param:x}'}]}",
	})
	const use = "storage: {files: [{path: /a, mode: '${param:x}'}]}"
	for _, c := range []struct {
		name, text string
		values     map[string]ParamValue
		want       []string
	}{
		{"not declared", "params: {hostname: {default: a}}\nstorage: {links: [{path: /l, target: '${param:hostnme}'}]}", nil,
			[]string{`error: main.bu, line 4, column 38 (storage.links[0].target): the parameter "hostnme" is not declared; did you mean "hostname"?; for the text itself double the dollar`}},
		{"nothing declared", "storage: {links: [{path: /l, target: '${param:x}'}]}", nil,
			[]string{`the parameter "x" is not declared; parameters are declared under params, in the variant firstlight; for the text itself double the dollar`}},
		{"inside of a block", "storage:\n  files:\n    - path: /a\n      contents:\n        inline: |\n          a\n          b ${param:x}\n", nil,
			[]string{"main.bu, line 9, column 13 (storage.files[0].contents.inline)"}},
		{"unset", "params: {x: {description: d}}\n" + use + "\nsystemd: {units: [{name: a.service, contents: 'x${param:x}'}]}", nil, []string{
			`error: main.bu, line 3, column 10 (params.x): the parameter "x" has no value: set it with --set x=VALUE or in a file with --params, or give it a default`,
			`error: main.bu, line 4, column 36 (storage.files[0].mode): the parameter "x" has no value; it is declared without a default at main.bu, line 3, column 10 (params.x)`,
			`error: main.bu, line 5, column 47 (systemd.units[0].contents): the parameter "x" has no value; it is declared without a default at`}},
		{"unset in another document", "include: [req.bu]", nil, []string{
			`error: req.bu, line 3, column 10 (params.x): the parameter "x" has no value`, `error: req.bu, line 4, column 38 (storage.links[0].target): the parameter "x" has no value`}},
		{"unknown value", "params: {hostname: {default: a}}", set("hostnam=b"), []string{`error: --set hostnam: the config declares no parameter "hostnam"; did you mean "hostname"?`}},
		{"value without any declared", "", set("a=b"), []string{`error: --set a: the config declares no parameter "a"; parameters are declared under params`}},
		{"several values without any like them", "params: {aa: {default: 1}, bb: {default: 1}}", set("zz=b"), []string{`the config declares no parameter "zz"; there are aa, bb`}},
		{"a default of another type", "params: {x: {type: int, default: many}}\n" + use, nil, []string{
			`error: main.bu, line 3, column 34 (params.x.default): this should be a whole number that fits 64 bits: the parameter "x" is of type int, declared at main.bu, line 3, column 10 (params.x)`,
			`error: main.bu, line 4, column 36 (storage.files[0].mode): the parameter "x" has no value, as there is an error at main.bu, line 3, column 34 (params.x.default)`}},
		{"a value of another type", "params: {x: {type: bool, default: true}}", set("x=yes"), []string{`error: --set x: this should be true or false: the parameter "x" is of type bool, declared at main.bu, line 3`}},
		{"a fraction", "params: {x: {type: int}}", set("x=1.5"), []string{"--set x: this should be a whole number"}},
		{"an unknown type", "params: {x: {type: list}}", nil, []string{`(params.x.type): "list" is no type of parameters; there are string, int, bool`}},
		{"a name that is none", "params: {1x: {}, 'a.b': {}, '': {}}", nil, []string{`(params.1x): "1x" cannot be the name of a parameter`, `"a.b" cannot be`, `"" cannot be`}},
		{"a key that is none", "params: {x: {typ: int, default: a}}", nil, []string{`(params.x.typ): "typ" is not a key of firstlight 1.0.0 here and has no effect; did you mean "type"?`}},
		{"a list", "params: [x]", nil, []string{"(params): this is a list, but a mapping is expected"}},
		{"a text in place of a declaration", "params: {x: y}", nil, []string{"(params.x): this is a string, but a mapping is expected"}},
		{"a default of several values", "params: {x: {default: [a]}}", nil, []string{
			"(params.x.default): this is a list, but a string is expected", `(params.x): the parameter "x" has no value`}},
		{"a default from another parameter", "params: {x: {default: a}, y: {default: '${param:x}'}}", nil, []string{
			"(params.y.default): parameters do not depend on each other, nor does what is included depend on them; write the value itself", `the parameter "y" has no value`}},
		{"two types", "include: [int.bu]\nparams: {x: {type: string}}", nil, []string{
			`error: main.bu, line 4, column 20 (params.x.type): the parameter "x" is of type string here, and of type int in another declaration (the first is at int.bu, line 3, column 10 (params.x))`}},
		{"two types beside each other", "include: [int.bu, text.bu]", nil, []string{`error: text.bu, line 3, column 20 (params.x.type): the parameter "x" is of type string here, and of type int`}},
		{"two defaults beside each other", "include: [int.bu, int2.bu]", nil, []string{
			`error: int2.bu, line 3, column 34 (params.x.default): the parameter "x" has another default at int.bu, line 3, column 34 (params.x.default), and neither document includes the other; set it in the one that includes both`}},
		{"declared in the including document only", "include: [uses.bu]\nparams: {x: {default: a}}", nil, []string{
			`error: uses.bu, line 3, column 38 (storage.links[0].target): this document and those that it includes do not declare the parameter "x", which is declared at main.bu, line 4, column 10 (params.x); declare it under params here, too`}},
		{"a text where a number is expected", "params: {x: {default: many}}\n" + use, nil, []string{
			`error: main.bu, line 4, column 36 (storage.files[0].mode): this is a string, but a whole number that fits 64 bits is expected; this has in it the parameter "x", which is set by main.bu, line 3, column 23 (params.x.default)`}},
		{"a number of the wrong range", "params: {x: {type: int}}\n" + use, set("x=99999"), []string{
			`; this has in it the parameter "x", which is set by --set x`}},
		{"a value that breaks a rule", "params: {a: {default: a}, b: {default: b}}\nstorage: {files: [{path: '${param:a}/${param:b}'}]}", set("b=c"), []string{
			`; this has in it the parameter "a", which is set by main.bu, line 3, column 23 (params.a.default), and the parameter "b", which is set by --set b`}},
		{"another spelling", "storage: {links: [{path: /l, target: '${params:x}'}]}", nil, []string{`this is no placeholder: the kind is "param": write "${param:x}"; for the text itself double the dollar`}},
		{"no name", "storage: {links: [{path: /l, target: '${param: x}'}]}", nil, []string{`this is no placeholder: behind "${param:" should be a name`}},
	} {
		_, problems, err := Translate([]byte(head+c.text+"\n"), "main.bu", Options{Files: files, Params: c.values})
		if err == nil {
			t.Errorf("%s: accepted", c.name)
		}
		if len(problems) != len(c.want) {
			t.Errorf("%s: %d problems, want %d:\n%s", c.name, len(problems), len(c.want), problems)
		}
		for _, want := range c.want {
			if !strings.Contains(problems.String(), want) {
				t.Errorf("%s: there is no\n%s\nin\n%s", c.name, want, problems)
			}
		}
	}
}

func TestOtherVariantsHaveNoParameters(t *testing.T) {
	_, problems, err := Translate([]byte("variant: fcos\nversion: 1.7.0\nstorage: {links: [{path: /l, target: '${param:x}'}]}\n"), "main.bu", Options{Params: set("x=1")})
	if !errors.Is(err, ErrSource) {
		t.Error(err)
	}
	expectMessages(t, problems, `error: --set x: the config declares no parameter "x"; parameters are declared under params, in the variant firstlight`)
}

func TestParametersCannotBlowUp(t *testing.T) {
	text := head + "params: {x: {default: " + strings.Repeat("x", 100_000) + "}}\nstorage:\n  links: [{path: /l, target: '" + strings.Repeat("${param:x}", 300) + "'}]\n"
	_, problems, err := Parse([]byte(text), "user config")
	if !errors.Is(err, ErrDocument) {
		t.Error(err)
	}
	expectMessages(t, problems, "make this config far larger than its text")
}

func TestMergeSharesParameters(t *testing.T) {
	document := func(name string) Document {
		return Document{name + ".bu", []byte(fmt.Sprintf("%sparams: {%s: {}}\nstorage: {links: [{path: /%s, target: '${param:%s}'}]}\n", head, name, name, name))}
	}
	cfg, problems, err := Merge(Options{Params: set("a=1", "b=2")}, document("a"), document("b"))
	if err != nil || *cfg.Storage.Links[0].Target != "1" || *cfg.Storage.Links[1].Target != "2" {
		t.Error(err, problems)
	}
	_, problems, err = Merge(Options{Params: set("a=1", "b=2", "c=3")}, document("a"), document("b"))
	if err == nil {
		t.Error("an unknown parameter is accepted")
	}
	expectMessages(t, problems, `error: --set c: the config declares no parameter "c"; there are a, b`)
}

func TestReadParams(t *testing.T) {
	values, err := ReadParams([]byte("# of web1\nhostname: web1\nport: 0x50\nquoted: '08'\ntext: |\n  a\n  b\nlast: ${param:hostname}\n"), "params.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"hostname": "web1 from params.yaml, line 2, column 11 (hostname)", "port": "0x50 from params.yaml, line 3, column 7 (port)", "quoted": "08 from params.yaml, line 4, column 9 (quoted)",
		"text": "a\nb\n from params.yaml, line 5, column 7 (text)", "last": "${param:hostname} from params.yaml, line 8, column 7 (last)",
	} {
		if got := values[name].Text + " from " + values[name].Origin.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if values, err := ReadParams([]byte("# nothing\n"), "x"); err != nil || len(values) > 0 {
		t.Error(values, err)
	}
	for text, want := range map[string]string{
		"- a\n":             "x, line 1, column 1: the values of parameters are a mapping of names to values; this is a list",
		"a\n":               "x, line 1, column 1: the values of parameters are a mapping of names to values; this is a string",
		"a: [1]\n":          `x, line 1, column 4 (a): the value of the parameter "a" is a list; it should be a text, a number, true or false`,
		"a:\n":              `x, line 1, column 3 (a): the value of the parameter "a" is nothing`,
		"a: 1\na: 2\n":      `x, line 2, column 1: "a" was given before at line 1`,
		"a: [\n":            "x, line 1, column 4: this is not valid YAML",
		"a: 1\n---\nb: 2\n": "x, line 2, column 1: a second document starts here",
	} {
		_, err := ReadParams([]byte(text), "x")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzReadParams(f *testing.F) {
	for _, seed := range []string{"a: b\n", "a: &x [1]\n<<: {b: c}\n", "- a", "a: !!binary YQ==", "a: *x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := ReadParams(text, "fuzz")
		if err != nil && values != nil {
			t.Errorf("%q: values %v and the error %v", text, values, err)
		}
	})
}

func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"a", "0644", "${param:x}", "x: y", "\n- a", "\x00", "$"} {
		f.Add(seed, "a ${param:x} b")
		f.Add(seed, "$${param:x}$$${param:x}")
	}
	// A text with placeholders, as a scalar in YAML, becomes that text with the values.
	f.Fuzz(func(t *testing.T, value, text string) {
		quoted := fmt.Sprintf("%q", text)
		if strings.Contains(quoted, `\x`) || strings.Contains(quoted, `\a`) || !isPrintable(value+text) || strings.Count(text, "${") != strings.Count(text, "${param:x}") {
			return
		}
		document := head + "params: {x: {}}\nstorage: {links: [{path: /l, target: " + quoted + "}]}\n"
		result, problems, err := Translate([]byte(document), "fuzz", Options{Params: map[string]ParamValue{"x": {Text: value}}})
		var want strings.Builder
		rest := text
		for {
			before, after, found := strings.Cut(rest, "${param:x}")
			dollars := len(before) - len(strings.TrimRight(before, "$"))
			want.WriteString(before[:len(before)-dollars])
			if !found {
				want.WriteString(before[len(before)-dollars:])
				break
			}
			want.WriteString(strings.Repeat("$", (dollars+1)/2))
			if dollars%2 == 0 {
				want.WriteString(value)
			} else {
				want.WriteString("{param:x}")
			}
			rest = after
		}
		if err != nil {
			if want.String() != "" {
				t.Errorf("%q in %q: %s", value, text, problems)
			}
			return
		}
		if got := *result.Config.Storage.Links[0].Target; got != want.String() {
			t.Errorf("%q in %q: got %q, want %q", value, text, got, want.String())
		}
	})
}

// isPrintable reports whether YAML takes a text in double quotes as it is.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c > 0x7e })
}
