package timeline

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page and its style
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// A page is what the template shows. html/template escapes all but what is of its own
// types: the style, and the drawings, which have no text but numbers and labels of ticks.
type page struct {
	*Timeline
	Policy  string
	Style   template.CSS
	Outcome string // a class
	Hatch   template.HTML
	Axis    template.HTML
	Stages  []pageStage
	Legend  []pageLegend
	Sources []pageSource
	MaxRows int
}

type pageStage struct {
	pageRow
	Summary string
	Axis    template.HTML
	Rows    []pageRow
}

type pageRow struct {
	Name, Seconds, Origin, Error string
	Bar                          template.HTML
}

type pageLegend struct {
	Swatch template.HTML
	Means  string
}

type pageSource struct {
	report.Source
	Size string
}

// pageTicks is small enough for a telephone.
const pageTicks = 5

// HTML writes the timeline as a page that loads nothing and runs nothing: it can be
// attached to a ticket.
func (t *Timeline) HTML() ([]byte, error) {
	style := pageStyle + colours + "@media (prefers-color-scheme: dark) {" + darkColours + "}\n"
	whole := scale{0, t.Length}
	p := page{
		Timeline: t, Policy: policy(style), Style: template.CSS(style), Outcome: outcomeClass(t.Record.Outcome),
		Hatch: svg("defs", hatch), Axis: axis(whole), MaxRows: maxRows,
	}
	for _, s := range t.Stages {
		p.Stages = append(p.Stages, newPageStage(s, whole))
	}
	for _, s := range t.Legend() {
		swatch := scale{0, 1}.bar(Row{Style: s.Style, Length: 1})
		p.Legend = append(p.Legend, pageLegend{svg("swatch", swatch), s.Means})
	}
	for _, s := range t.Sources {
		size := ""
		if s.Bytes > 0 {
			size = system.FormatSize(uint64(s.Bytes))
		}
		p.Sources = append(p.Sources, pageSource{s, size})
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, p)
	return b.Bytes(), err
}

// newPageStage has the stage's bar on the axis of the boot, and the bars of its rows on
// the axis of the stage, where short ones can be seen.
func newPageStage(s Stage, whole scale) pageStage {
	own := scale{s.Start, max(s.Length, 0.001)}
	stage := pageStage{pageRow: newPageRow(whole, s.Bars()...), Axis: axis(own)}
	stage.Summary = fmt.Sprintf("%s after the start; it took %s", Duration(s.Start), Duration(s.Seconds))
	if s.Operations > 0 {
		stage.Summary += ", " + system.Plural(s.Operations, "operation")
	}
	for _, row := range s.Rows {
		stage.Rows = append(stage.Rows, newPageRow(own, row))
	}
	return stage
}

func newPageRow(s scale, bars ...Row) pageRow {
	r := bars[0]
	return pageRow{Name: r.Name, Seconds: Duration(r.Seconds), Origin: r.Origin, Error: r.Error,
		Bar: `<span class="track">` + svg("bars", s.grid(Ticks(s.length, pageTicks))+`<svg y="50%" overflow="visible"><g transform="translate(0 -7.5)">`+s.bars(bars)+`</g></svg>`) + `</span>`}
}

func axis(s scale) template.HTML {
	return `<div class="axis">` + svg("labels", s.labels(Ticks(s.length, pageTicks))) + `</div>`
}

// svg is a drawing in the page. What is in it is ours and needs no escaping.
func svg(class, drawing string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="%s" aria-hidden="true">%s</svg>`, class, drawing))
}

// policy allows the page its own style, and nothing else: no script, no image, no other
// style, whatever a record has managed to put in.
func policy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

func outcomeClass(outcome string) string {
	switch outcome {
	case report.Provisioned, report.Failed:
		return outcome
	}
	return strings.ToLower(report.Unfinished)
}
