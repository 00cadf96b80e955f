package plot

import (
	"encoding/xml"
	"strings"
	"testing"
)

func TestAPictureIsDrawn(t *testing.T) {
	picture := Picture{Title: "Growth", Legend: []Entry{{Ours, "Firstlight"}, {Other, "the reference"}}, Panels: []Panel{
		{Title: "by files", Length: 100, Top: 0.5, Lines: []Line{{Ours, [][2]float64{{0, 0}, {100, 0.25}}}}},
		{Title: "by seconds", Length: 10, Unit: "s", Top: 1, Band: [2]float64{5, 10}, Lines: []Line{{Other, [][2]float64{{0, 0}, {10, 2}, {20, 1}}}}},
	}}
	text := picture.Draw()
	if err := xml.Unmarshal([]byte(text), new(struct{ XMLName xml.Name })); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title>Growth</title>", ">the reference</text>", ">by files</text>", ">0.4</text>", ">80</text>", ">8 s</text>",
		`<polyline class="line ours" points="60.0,224.0 840.0,124.0"/>`,
		`<rect class="dark" x="450.0" y="24" width="390.0" height="200"/>`,
		`<polyline class="line fixed" points="60.0,224.0 840.0,24.0 840.0,24.0"/>`} { // above the top and behind the end
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if n := strings.Count(text, `class="dark"`); n != 1 {
		t.Errorf("%d bands, want the one of the second diagram", n)
	}
}
