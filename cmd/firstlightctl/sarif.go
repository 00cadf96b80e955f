package main

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/firstlight-os/firstlight/config"
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
		Default     sarifConfiguration `json:"defaultConfiguration"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text string `json:"text"`
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

// sarifRules are by severity: the spec gives its own rules no names. The last one, for
// notes, is listed only if it is used.
var sarifRules = []sarifRule{
	config.Warning: {"config-warning", sarifMessage{"The config is accepted, but probably not what was meant."}, sarifConfiguration{"warning"}},
	config.Error:   {"config-error", sarifMessage{"The config breaks a rule of the spec and is refused."}, sarifConfiguration{"error"}},
	config.Note:    {"config-note", sarifMessage{"The config is right, but may not stay so."}, sarifConfiguration{"note"}},
}

func printSARIF(w io.Writer, r *report) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	rules := sarifRules[:config.Note]
	if slices.ContainsFunc(r.problems, func(p config.Problem) bool { return p.Severity == config.Note }) {
		rules = sarifRules
	}
	run.Tool.Driver = sarifDriver{"firstlightctl", system.Version, "https://github.com/firstlight-os/firstlight", rules}
	lines := newLineFinder(r)
	for _, p := range r.problems {
		result := sarifResult{
			RuleID: sarifRules[p.Severity].ID, RuleIndex: int(p.Severity), Level: p.Severity.String(),
			Message: sarifMessage{p.Message},
		}
		if p.Origin.Source != "" {
			result.Locations = []sarifLocation{newSARIFLocation(p.Origin, lines.find(p.Origin).column)}
		}
		run.Results = append(run.Results, result)
	}
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

// fileURI is a relative reference for a relative path, as code scanning wants.
func fileURI(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}
