package main

import (
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/rules"
	"github.com/firstlight-os/firstlight/internal/system"
)

// The subset of SARIF 2.1.0 that a report uses:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID          string             `json:"id"`
		Description sarifMessage       `json:"shortDescription"`
		Why         sarifMessage       `json:"fullDescription"`
		HelpURI     string             `json:"helpUri"`
		Help        sarifHelp          `json:"help"`
		Default     sarifConfiguration `json:"defaultConfiguration"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifHelp struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
)

// noWrapping is for viewers that fill lines themselves.
const noWrapping = 1 << 20

func newSARIFRule(r rules.Rule) sarifRule {
	return sarifRule{r.ID, sarifMessage{r.Title}, sarifMessage{r.Why}, r.URL(), sarifHelp{r.Why, r.Page(noWrapping)},
		sarifConfiguration{r.Severities[0].String()}}
}

// printSARIF lists the rules that are broken.
func printSARIF(w io.Writer, r *report) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	broken := []sarifRule{} // never null
	index := map[config.Rule]int{}
	lines := newLineFinder(r)
	for _, p := range r.problems {
		i, known := index[p.Rule]
		if !known {
			i = len(broken)
			index[p.Rule] = i
			broken = append(broken, newSARIFRule(rules.Of(p.Rule)))
		}
		result := sarifResult{RuleID: broken[i].ID, RuleIndex: i, Level: p.Severity.String(), Message: sarifMessage{p.Message}}
		if p.Origin.Source != "" {
			result.Locations = []sarifLocation{newSARIFLocation(p.Origin, lines.find(p.Origin).column)}
		}
		run.Results = append(run.Results, result)
	}
	run.Tool.Driver = sarifDriver{"firstlightctl", system.Version, "https://github.com/firstlight-os/firstlight", broken}
	return encode(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func newSARIFLocation(o config.Origin, column int) sarifLocation {
	var l sarifLocation
	l.Physical.Artifact.URI = fileURI(o.Source)
	if o.Line > 0 {
		l.Physical.Region = &sarifRegion{o.Line, column}
	}
	if o.Path != "" {
		l.Logical = []sarifLogical{{o.Path}}
	}
	return l
}

// fileURI is a relative reference for a relative path, as code scanning wants. Where
// absolute paths begin with a drive, it comes after a slash (RFC 8089, appendix E).
func fileURI(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme, u.Path = "file", "/"+strings.TrimPrefix(u.Path, "/")
	}
	return u.String()
}
