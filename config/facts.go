package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// A fact is one of a closed list of things that are known of a machine when it boots. A
// config with Firstlight.Facts has placeholders for them, ${fact:NAME}, and conditions, When.
// It is for many machines; WithFacts makes the config of one of them, which has neither.
//
// Values come from outside. They are made of letters, digits and a few characters that mean
// nothing to a shell, a unit or a path, so that no value is more than a word.

// factKinds are the placeholders of facts.
var factKinds = []string{"fact"}

var whenType = reflect.TypeFor[When]()

// factSamples are values that facts could have: by them a config is judged that is for no
// certain machine.
var factSamples = map[string]string{
	"platform": "qemu", "architecture": "amd64", "hostname": "host1", "instance-id": "i-1", "region": "region1", "zone": "zone1",
	"private-ipv4": "192.0.2.1", "private-ipv6": "2001:db8::1", "public-ipv4": "192.0.2.2", "public-ipv6": "2001:db8::2",
	"address": "192.0.2.3", "mac": "52:54:00:00:00:01", "serial": "serial1",
}

// FactNames returns the names of the facts that a config can use.
func FactNames() []string {
	var names []string
	for _, f := range doc.FieldsOf(whenType) {
		names = append(names, f.Name)
	}
	return names
}

// A FactError says that a config needs a fact that is not known, or whose value is none.
type FactError struct {
	// Name of the fact.
	Name string
	// Origin is where the config needs it.
	Origin Origin
	// Err is that of the function that was asked, or says what is wrong with the value.
	Err error
}

func (e *FactError) Error() string { return fmt.Sprintf("the fact %s: %v", e.Name, e.Err) }

func (e *FactError) Unwrap() error { return e.Err }

// Skipped is an entry whose condition does not hold.
type Skipped struct {
	// Origin is that of the entry.
	Origin Origin
	// Entry is a name that it has there, or "".
	Entry string
	// Fact has the Value, and Pattern is what it should be like.
	Fact, Pattern, Value string
}

// String is the entry and the reason: storage.files[2] ("/etc/x"): region is "b", not "a*".
func (s Skipped) String() string {
	entry := s.Origin.Path
	if s.Entry != "" {
		entry += " (" + quote(s.Entry) + ")"
	}
	return fmt.Sprintf("%s: %s is %s, not %s", entry, s.Fact, quote(s.Value), quote(s.Pattern))
}

// HasFacts reports whether a config is to be given to WithFacts before it is merged.
func (c *Config) HasFacts() bool { return NonZero(c.Firstlight.Facts) }

// WithFacts returns the config as it is for one machine: with the values of facts instead
// of placeholders, and without the entries whose conditions do not hold. It validates the
// result. A valid config without facts is returned as it is.
//
// Only facts that matter are asked for, each once: a condition ends at the first fact that
// is otherwise, in the order of FactNames. What fact returns as an error becomes a
// *FactError; other errors are a *ParseError with the problems.
func (c *Config) WithFacts(fact func(name string) (value string, err error)) (*Config, []Skipped, Problems, error) {
	if !c.HasFacts() {
		return c, nil, nil, nil
	}
	version, err := c.Version()
	if err != nil {
		return nil, nil, nil, err
	}
	f := newFiller(fact)
	f.shown = func(p doc.Placeholder, value string) string {
		return fmt.Sprintf("; ${fact:%s} is %s here", p.Name, quote(value))
	}
	f.holds = f.isTrue
	tree := c.printed(version).Clone()
	tree.Member(firstlight).Remove("facts")
	f.value(tree, "")
	if f.err != nil {
		return nil, nil, nil, f.err
	}
	if len(f.problems) > 0 {
		return nil, nil, f.problems, &ParseError{ErrInvalid, f.problems}
	}
	filled, problems, err := FromTree(tree)
	f.explain(problems)
	return filled, f.skipped, problems, err
}

// FillURL returns a URL with the values of facts in place of the placeholders for them,
// percent-encoded. A placeholder that is none is an error, too.
func FillURL(url string, fact func(name string) (value string, err error)) (string, error) {
	f := newFiller(fact)
	n := &doc.Node{Kind: doc.String, Text: url}
	f.value(n, "url")
	switch {
	case f.err != nil:
		return "", f.err
	case len(f.problems) > 0:
		return "", errors.New(f.problems[0].Message)
	}
	return n.Text, nil
}

// A filler puts facts into a tree, in place.
type filler struct {
	ask func(name string) (string, error)
	// known are those that were asked for.
	known map[string]string
	// holds reports whether an entry with a condition stays.
	holds func(entry, when *doc.Node) bool
	// shown says of a placeholder what was put in its place.
	shown func(p doc.Placeholder, value string) string
	// inBrackets is a sample for places where only an address of IPv6 is possible.
	inBrackets string
	// filled is what was put into the scalar at a path.
	filled   map[string]string
	skipped  []Skipped
	problems Problems
	err      error // the first of ask
}

func newFiller(ask func(string) (string, error)) *filler {
	return &filler{ask: ask, known: map[string]string{}, filled: map[string]string{},
		shown: func(doc.Placeholder, string) string { return "" }}
}

// value fills in what is in n, a member of a name or in the list of one.
func (f *filler) value(n *doc.Node, name string) {
	switch n.Kind {
	case doc.Map:
		kept := n.Members[:0]
		for _, m := range n.Members {
			if f.keeps(m.Value) {
				f.value(m.Value, m.Name)
				kept = append(kept, m)
			}
		}
		n.Members = kept
	case doc.List:
		kept := n.Items[:0]
		for _, item := range n.Items {
			if f.keeps(item) {
				f.value(item, name)
				kept = append(kept, item)
			}
		}
		n.Items = kept
	case doc.String:
		f.text(n, name)
	}
}

// keeps reports whether a value stays, and takes its condition away.
func (f *filler) keeps(n *doc.Node) bool {
	when := n.Member("when")
	if when == nil {
		return true
	}
	if !f.holds(n, when) {
		return false
	}
	n.Remove("when")
	return true
}

// isTrue reports whether all facts are as a condition wants them.
func (f *filler) isTrue(entry, when *doc.Node) bool {
	for _, name := range FactNames() {
		pattern := when.Member(name)
		if pattern == nil {
			continue
		}
		value := f.get(name, pattern.Origin())
		if matches, _ := MatchPattern(pattern.Text, value); !matches { // a pattern that is none was refused
			f.skipped = append(f.skipped, Skipped{entry.Origin(), entryName(entry), name, pattern.Text, value})
			return false
		}
	}
	return true
}

// entryName is what an entry is called. Sources may hold secrets.
func entryName(n *doc.Node) string {
	for _, key := range []string{"path", "name", "as", "device"} {
		if m := n.Member(key); m != nil {
			return m.Text
		}
	}
	return ""
}

// get returns a fact, which is asked for once.
func (f *filler) get(name string, at Origin) string {
	if value, ok := f.known[name]; ok || f.err != nil {
		return value
	}
	value, err := f.ask(name)
	if err == nil {
		err = checkFact(value)
	}
	if err != nil {
		f.err = &FactError{name, at, err}
		return ""
	}
	f.known[name] = value
	return value
}

// factMarks are the characters that values have besides letters and digits.
const factMarks = "+-.:=@_"

// maxFact is that of one name in a filesystem, in bytes.
const maxFact = 255

// checkFact refuses what could be more than a word where it is put: the end of a line, of
// an argument or of a directory, an option.
func checkFact(value string) error {
	switch {
	case value == "":
		return errors.New("its value is empty")
	case len(value) > maxFact:
		return fmt.Errorf("its value has %d bytes, at most %d are possible", len(value), maxFact)
	}
	for i, c := range value {
		isWord := '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80
		switch {
		case !isWord && i == 0:
			return fmt.Errorf("its value %s does not begin with a letter or a digit, as values of facts do", quote(value))
		case !isWord && !strings.ContainsRune(factMarks, c):
			return fmt.Errorf("its value %s has the character %q; values of facts have letters, digits and %s only", quote(value), c, factMarks)
		}
	}
	return nil
}

// text fills in a scalar.
func (f *filler) text(n *doc.Node, name string) {
	if !strings.Contains(n.Text, "${") {
		return
	}
	text, isURL := n.Text, isURLMember[name]
	n.Text = doc.FillPlaceholders(text, factKinds, func(p doc.Placeholder) string {
		at := n.OriginIn(text, p.Start)
		if header, _, _ := strings.Cut(text[:p.Start], ","); isURL && isBase64Data(header) {
			f.problems.Add(NewProblem(RuleFactPlace, Error, at, "a fact cannot be put into base64; write the contents as \"data:,\" with everything but the placeholder percent-encoded"))
			return ""
		}
		if !f.isFact(p, at) {
			return "x" // which nothing else is wrong with
		}
		value := f.get(p.Name, at)
		if f.inBrackets != "" && isURL && isInBrackets(text[:p.Start]) {
			value = f.inBrackets
		}
		f.filled[n.Path()] += f.shown(p, value)
		if isURL {
			return escapeInURL(text[:p.Start], value)
		}
		return value
	})
}

// isBase64Data reports whether what follows the beginning of a URL is encoded so.
func isBase64Data(header string) bool {
	return strings.HasPrefix(header, "data:") && strings.HasSuffix(header, ";base64")
}

// isURLMember are the members that are URLs.
var isURLMember = map[string]bool{"source": true, "url": true, "httpProxy": true, "httpsProxy": true}

// isFact reports whether a placeholder is one for a fact; what is wrong with it is a
// problem.
func (f *filler) isFact(p doc.Placeholder, at Origin) bool {
	switch {
	case p.Fault != "":
		f.problems.Add(NewProblem(RuleFactName, Error, at, "%s", p.Fault))
	case factSamples[p.Name] == "":
		f.problems.Add(NewProblem(RuleFactName, Error, at, "there is no fact %s%s; there are %s", quote(p.Name), likeFact(p.Name), strings.Join(FactNames(), ", ")))
	default:
		return true
	}
	return false
}

// likeFact suggests a fact for a name that is none.
func likeFact(name string) string {
	best, least := "", 3
	for _, known := range FactNames() {
		if d := doc.Distance(name, known); d < least {
			best, least = known, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + quote(best) + "?"
}

// escapeInURL encodes a value as a part of a URL: it is no part of its structure, whatever
// is before it. The colons of an address in brackets stay.
func escapeInURL(before, value string) string {
	inBrackets := isInBrackets(before)
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; strings.IndexByte("+:=@", c) >= 0 && (c != ':' || !inBrackets) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isInBrackets reports whether what follows a part of a URL is an address of IPv6.
func isInBrackets(before string) bool {
	return strings.LastIndexByte(before, '[') > strings.LastIndexByte(before, ']')
}

// explain adds to problems of scalars with facts what these were.
func (f *filler) explain(problems Problems) {
	for i := range problems {
		problems[i].Message += f.filled[problems[i].Origin.Path]
	}
}
