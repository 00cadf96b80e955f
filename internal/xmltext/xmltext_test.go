package xmltext

import (
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
)

// ours prints the tokens of a document, with its texts joined.
func ours(document string) (string, error) {
	var b strings.Builder
	for d := NewDecoder(document); ; {
		token, err := d.Next()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch token.Kind {
		case Start:
			fmt.Fprintf(&b, "<%s %q>", token.Name, token.Attributes)
		case End:
			fmt.Fprintf(&b, "</%s>", token.Name)
		case Text:
			b.WriteString(token.Text)
		}
	}
}

// theirs is the same by encoding/xml. Its raw tokens have prefixes as they stand.
func theirs(document string) (string, error) {
	var b strings.Builder
	d := xml.NewDecoder(strings.NewReader(document))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.Token()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			attributes := map[string]string{}
			for _, a := range t.Attr {
				if _, twice := attributes[a.Name.Local]; !twice && a.Name.Space != "xmlns" {
					attributes[a.Name.Local] = a.Value
				}
			}
			fmt.Fprintf(&b, "<%s %q>", t.Name.Local, attributes)
		case xml.EndElement:
			fmt.Fprintf(&b, "</%s>", t.Name.Local)
		case xml.CharData:
			b.Write(t)
		}
	}
}

var documents = []string{
	`<a/>`, `<a></a>`, `<a b="c" d='e"f'/>`, `<p:a xmlns:p="urn:x" p:key="1" key="2">x</p:a>`, `<a xmlns:key="u" key="v"/>`,
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c --><a>x<!-- y -->z</a>", `<a><![CDATA[<b>&amp;]]></a>`, `<a>&lt;&#65;&#x42;&quot;&apos;&amp;&gt;</a>`,
	"<a>1\r\n2\r3\n4</a>", "<a b='1\r\n2'/>", `<!DOCTYPE a [ <!ENTITY x "<y>"> <!-- ' --> ]><a/>`, `<a >x</a >`, "<a\n\tb = 'c'\n/>",
	`<ä>ö</ä>`, `<a>]]&gt;</a>`, `<a b="&#10;"/>`, `text <a/> text`,
}

func TestDocumentsAreReadAsEncodingXMLReadsThem(t *testing.T) {
	for _, document := range documents {
		want, err := theirs(document)
		if err != nil {
			t.Fatalf("%s: encoding/xml: %v", document, err)
		}
		if got, err := ours(document); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", document, got, err, want)
		}
	}
}

func TestWhatIsNotWellFormedIsRefusedWithItsLine(t *testing.T) {
	for _, document := range []string{
		`<a>`, `<a><b></a></b>`, `</a>`, `<a b/>`, `<a b=c/>`, `<a b="c>`, `<a b="<"/>`, `<a>&nbsp;</a>`, `<a>&amp</a>`, `<a>&#0;</a>`,
		`<a>&#x110000;</a>`, `<a>]]></a>`, "<a>\x00</a>", "<a>\xff</a>", "<a>\uffff</a>", `< a/>`, `<a`, `<!-- `, `<![CDATA[ `, `<?x`, `<!DOCTYPE`, `<a/`, "<a><![CDATA[\x01]]></a>",
	} {
		if _, err := theirs(document); err == nil {
			t.Errorf("%q: encoding/xml reads it", document)
		}
		got, err := ours("\n" + document)
		if err == nil {
			t.Errorf("%q: got %q", document, got)
			continue
		}
		if want := "this is not well-formed XML (line 2)"; err.Error() != want {
			t.Errorf("%q: got %v, want %s", document, err, want)
		}
	}
}

func TestFirstElementOfANameIsFoundInAnyDocument(t *testing.T) {
	for document, want := range map[string]string{
		`<e><Code>NoSuchKey</Code><Code>2</Code></e>`: "NoSuchKey",
		`<e><Code>No<!-- x -->Such</Code>cut`:         "NoSuch",
		`<e><x:Code>1</x:Code></e>`:                   "1",
		`<e><Code/></e>`:                              "",
		`<e><Code>1<b/></Code></e>`:                   "",
		`<e></e>`:                                     "",
	} {
		if got, err := Element(document, "Code"); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", document, got, err, want)
		}
	}
}

// What both read they read alike, and we read whatever encoding/xml reads, but for
// numbers of surrogates, which are no characters. Declarations are not compared: where
// theirs ends is odd in broken ones.
func FuzzDocument(f *testing.F) {
	for _, document := range documents {
		f.Add(document)
	}
	declared := regexp.MustCompile(`<!([^-[]|-[^-]|\[[^C]|$)`)
	f.Fuzz(func(t *testing.T, document string) {
		if declared.MatchString(document) {
			return
		}
		want, theirErr := theirs(document)
		got, err := ours(document)
		if err == nil && theirErr == nil && got != want {
			t.Errorf("%q: got %q, want %q", document, got, want)
		}
		if err != nil && theirErr == nil && !strings.Contains(document, "&#") {
			t.Errorf("%q: %v; encoding/xml reads %q", document, err, want)
		}
	})
}
