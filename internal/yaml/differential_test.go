package yaml

import (
	"bufio"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What is different on purpose, see the comment of the package.
var (
	explicitInFlow = regexp.MustCompile(`(?s)[\[{].*\?.*[\]}]`)
	signInNumber   = regexp.MustCompile(`0[box]_*[+-]`)
	emptyWithTab   = regexp.MustCompile(`[ \t]*\t[ \t]*(#|[\r\n\x{85}]|$)`)
	directive      = regexp.MustCompile("(?:[\n\r]|\u0085)%")
	endOfDocument  = regexp.MustCompile("(?:[\n\r]|\u0085)(---|\\.\\.\\.)(?:[ \t\r\n]|\u0085|$)")
)

// comparable reports whether a text should mean the same to both readers.
func comparable(text string) bool {
	return !strings.ContainsAny(text, "\u2028\u2029") && strings.LastIndex(text, byteOrderMark) <= 0 &&
		!strings.HasPrefix(text, "\xff\xfe") && !strings.HasPrefix(text, "\xfe\xff") &&
		!strings.Contains(text, "%YAML 1.2") && !explicitInFlow.MatchString(text) && !signInNumber.MatchString(text)
}

// compare reports whether a text is the same tree to both readers, or refused by both.
func compare(t testing.TB, text string) bool {
	if !comparable(text) {
		return true
	}
	ours, second, ourErr := ourTree(text)
	theirs, theirErr := theirTree(text)
	end := endOfDocument.FindStringSubmatchIndex(text)
	if ourErr == nil && theirErr != nil && end != nil {
		theirs, theirErr = theirTree(text[:end[2]]) // they look ahead
		if theirErr == nil && theirs == "" {
			return true // the document starts with that line
		}
	}
	if ourErr == nil && theirErr != nil && emptyWithTab.MatchString(text) {
		theirs, theirErr = theirTree(emptyWithTab.ReplaceAllString(text, " $1"))
		if theirErr == nil {
			return true // what the tabs mean inside of scalars is lost
		}
	}
	switch {
	case (ourErr != nil) != (theirErr != nil):
		if ourErr != nil && (end != nil || directive.MatchString(text)) {
			return true // they do not read all of the text
		}
		t.Errorf("%q: our error %v, theirs %v, second document at %d\n%s%s", text, ourErr, theirErr, second, ours, theirs)
		return false
	case ours != theirs:
		t.Errorf("%q:\n%s\n---- theirs\n%s", text, ours, theirs)
		return false
	}
	return true
}

// someTexts are corpora of configs and network documents, and short texts by hand.
func someTexts(t testing.TB) (texts []string) {
	for _, pattern := range []string{"../../config/butane/testdata/corpus/*.bu", "../../examples/*.bu", "../network/testdata/*", "../network/testdata/*/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if text, err := os.ReadFile(name); err == nil { // no directory
				texts = append(texts, string(text))
			}
		}
	}
	f, err := os.Open("testdata/texts")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, err := strconv.Unquote(`"` + lines.Text() + `"`)
		if err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		texts = append(texts, text)
	}
	return texts
}

func TestTextsMeanTheSame(t *testing.T) {
	texts := someTexts(t)
	if len(texts) < 200 {
		t.Fatalf("there are only %d texts", len(texts))
	}
	for _, text := range texts {
		compare(t, text)
	}
}

func TestLimitsAreTheSame(t *testing.T) {
	for n := 1020; n < 1030; n++ {
		word := strings.Repeat("é", n)
		for _, text := range []string{word + ": 1", word + " : 1", "'" + word + "': 1", "&a " + word + ": 1", "? " + word, "{" + word + ": 1}", "[" + word + ": 1]", "[" + word + "]: 1"} {
			compare(t, text)
		}
	}
	for _, n := range []int{9_999, 10_000, 10_001} {
		compare(t, strings.Repeat("[", n)+strings.Repeat("]", n))
		compare(t, strings.Repeat("- ", n)+"a")
	}
}

// TestMutationsMeanTheSame is for a short time what FuzzRead is for a long one.
func TestMutationsMeanTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	texts := someTexts(t)
	for range 5_000 {
		compare(t, randomText(random, texts))
	}
}

// FuzzRead makes texts of seeds, which finds more than bytes that are changed one by one.
func FuzzRead(f *testing.F) {
	texts := someTexts(f)
	for i, text := range texts {
		f.Add(uint64(i), text)
	}
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		random := rand.New(rand.NewPCG(seed, 0))
		for _, text := range []string{text, mutate(random, text), randomText(random, texts)} {
			compare(t, text)
			checkPlaces(t, text)
		}
	})
}

// checkPlaces checks that nodes and errors are inside of the text.
func checkPlaces(t *testing.T, text string) {
	document, err := Read([]byte(text))
	rows := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n").Replace(text), "\n")
	check := func(line, column int) {
		if line < 1 || column < 1 || line > len(rows) || column > len(rows[line-1])+1 {
			t.Errorf("%q: there is no line %d, column %d", text, line, column)
		}
	}
	if e, ok := err.(*SyntaxError); ok {
		if utf8Text(text) {
			check(e.Line, e.Column)
		}
		return
	}
	var visit func(n *Node)
	visit = func(n *Node) {
		check(int(n.Line), int(n.Column))
		for _, c := range n.Content {
			visit(c)
		}
	}
	if document.Root != nil {
		visit(document.Root)
	}
}

// utf8Text reports whether all errors are found in lines that end with \n.
func utf8Text(text string) bool { return !strings.ContainsAny(text, "\r\u0085") }
