package providers

import (
	"strings"
	"testing"
)

const ovfSpace = "http://schemas.dmtf.org/ovf/environment/1"

// environment is a document with this as its properties.
func environment(properties string) string {
	return `<e:Environment xmlns:e="` + ovfSpace + `" xmlns:x="urn:x"><e:PropertySection>` + properties + `</e:PropertySection></e:Environment>`
}

func TestPropertiesAreFoundWhateverTheirPrefix(t *testing.T) {
	for document, want := range map[string]string{
		environment(`<e:Property e:key="k" e:value="v"/>`):                                                                      "k=v",
		environment(`<e:Property e:key="k" e:value="v"></e:Property>`):                                                          "k=v",
		environment("<e:Property\n\te:key = 'k'\r\n e:value\t=\t'v' />"):                                                        "k=v",
		environment(`<e:Property key="k" value="v"/>`):                                                                          "k=v",
		environment(`<Property xmlns="` + ovfSpace + `" xmlns:o="` + ovfSpace + `" o:key="k"/>`):                                "k=",
		environment(`<e:Property e:key="1"/><e:Property e:key="2"><e:Property e:key="3"/></e:Property><e:Property e:key="4"/>`): "1= 2= 4=",
		environment(`<e:Property e:key="&lt;&#65;&#x42;&gt;" e:value="&amp;&quot;&apos;ä"/>`):                                   `<AB>=&"'ä`,
		environment(`<!-- <e:Property e:key="c"/> --><?pi <e:Property e:key="p"/> ?><![CDATA[<e:Property e:key="d"/>]]>`):       "",
		environment(`<e:Other e:key="k"/><e:Other><e:Property e:key="k"/></e:Other>`):                                           "",
		strings.ReplaceAll(environment(`<e:Property e:key="k"/>`), "PropertySection", "OtherSection"):                           "",
		`<!DOCTYPE e>` + environment(`<e:Property e:key="k"/>`) + `</x> trailing <`:                                             "k=",
		`<a/>`: "",
	} {
		properties, err := ovfProperties(document)
		var got []string
		for _, p := range properties {
			got = append(got, p.key+"="+p.value)
			if text := document[p.begin:p.end]; text[0] != '<' || text[len(text)-1] != '>' || !strings.Contains(text, "Property") {
				t.Errorf("%s: a property is %q", document, text)
			}
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, %v, want %q", document, got, err, want)
		}
	}
}

func TestOtherBytesAreLeftAsTheyAre(t *testing.T) {
	document := environment("\n<!-- c --> <e:Property e:key='a'  />\r\n<e:Property e:key=\"b\"><x> &amp; </x></e:Property >\t<e:Property e:key='c'/>") + "\x00 trailing"
	properties, err := ovfProperties(document)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(document, "<e:Property e:key=\"b\"><x> &amp; </x></e:Property >", "", 1)
	if got := cutProperties(document, properties, "b", "x"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := cutProperties(document, properties); got != document {
		t.Errorf("got %q", got)
	}
}

func TestDamagedDocumentsAreErrors(t *testing.T) {
	whole := environment(`<e:Property e:key="k" e:value="v"/>`)
	for i := range len(whole) {
		if _, err := ovfProperties(whole[:i]); err == nil {
			t.Errorf("%q is taken", whole[:i])
		}
	}
	for _, bad := range []string{`<a></b>`, `</a>`, `<a b></a>`, `<a b=c/>`, `<a b="<"/>`, `<a b="&nope;"/>`, `<a b="&#x110000000;"/>`, `<a b="&"/>`, `<a / >`, `<a b="1"`, `< a/>`, `<!-- a`, `<=/>`} {
		if p, err := ovfProperties(bad); err == nil {
			t.Errorf("%q is taken: %v", bad, p)
		}
	}
}

// FuzzEnvironment cuts all properties and finds none in what is left.
func FuzzEnvironment(f *testing.F) {
	f.Add(ovf(`oe:key="a" oe:value="b"`, `oe:key="c"`))
	f.Add(environment(`<e:Property e:key="&lt;&#65;&#x42;&gt;" e:value='v'><x/></e:Property><!-- c --><![CDATA[<]]>`))
	f.Add(`<!DOCTYPE e><a b='c'/>`)
	f.Fuzz(func(t *testing.T, document string) {
		properties, err := ovfProperties(document)
		if err != nil {
			return
		}
		at, keys := 0, []string{}
		for _, p := range properties {
			if p.begin < at || p.end <= p.begin || p.end > len(document) {
				t.Fatalf("a property stands at [%d, %d) of %d, after %d", p.begin, p.end, len(document), at)
			}
			at, keys = p.end, append(keys, p.key)
		}
		rest := cutProperties(document, properties, keys...)
		if left, err := ovfProperties(rest); err != nil || len(left) > 0 {
			t.Errorf("%q is left of %q: %v, %v", rest, document, left, err)
		}
	})
}
