package page

import (
	"maps"
	"slices"

	"github.com/firstlight-os/firstlight/internal/check"
	"github.com/firstlight-os/firstlight/providers/limits"
)

// Details are what the page shows of a config when it is asked for.
type Details struct {
	// Sizes is nil, and there are no disks, if the config is refused, or is for
	// OpenShift.
	Sizes *Sizes `json:"sizes"`
	Disks []Disk `json:"disks"`
	// Conflicts are why the disks would not be changed.
	Conflicts []Conflict `json:"conflicts"`
	// NotJudged are devices of which nothing is known on empty disks.
	NotJudged []string `json:"notJudged"`
}

// Sizes are how many bytes a config has as text, as JSON without white space, and
// packed as "firstlightctl pack" does.
type Sizes struct {
	Text      int        `json:"text"`
	JSON      int        `json:"json"`
	Packed    int        `json:"packed"`
	Platforms []Platform `json:"platforms"`
}

// A Platform is one with a limit, and what of the config it takes.
type Platform struct {
	ID    string `json:"id"`
	Limit int    `json:"limit"` // bytes
	// Encoded reports whether the limit is that of the text in base64.
	Encoded    bool `json:"encoded"`
	FitsJSON   bool `json:"fitsJSON"`
	FitsPacked bool `json:"fitsPacked"`
}

// Details looks closer at a text.
func (p *Page) Details(text []byte, o Options) *Details {
	d := &Details{Disks: []Disk{}, Conflicts: []Conflict{}, NotJudged: []string{}}
	if r := p.result(text, o.To); r.Config != nil && !r.MachineConfig {
		d.Sizes = sizes(r, text)
		d.planDisks(r, o.Disks)
	}
	return d
}

func sizes(r *check.Result, text []byte) *Sizes {
	packed, err := check.Pack(r.JSON, "gzip+base64")
	if err != nil { // writing to memory
		panic(err)
	}
	s := &Sizes{Text: len(text), JSON: len(r.JSON), Packed: len(packed)}
	for _, id := range slices.Sorted(maps.Keys(limits.Platforms)) {
		if l := limits.Platforms[id]; l.Bytes > 0 {
			s.Platforms = append(s.Platforms, Platform{id, l.Bytes, l.Encoded, l.Fits(r.JSON), l.Fits(packed)})
		}
	}
	return s
}
