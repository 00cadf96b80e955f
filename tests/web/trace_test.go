package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// speedscope has Speedscope open a file as people do, and returns what it has found in it,
// one line for each event: the process, the name and the duration. Events that overlap in
// a thread, or never end, are failures: it would show other times than those of the boot.
func speedscope(t *testing.T, trace []byte) []string {
	t.Helper()
	_, err := file() // for which the packages of npm are installed
	testkit.NoError(t, err)
	script := filepath.Join(t.TempDir(), "open.js")
	testkit.WriteFile(t, script, `speedscope.loadFileFromBase64("boot.json", "`+base64.StdEncoding.EncodeToString(trace)+`")`)
	viewer, err := filepath.Abs("../../web/node_modules/speedscope/dist/release/index.html")
	testkit.NoError(t, err)
	p := theBrowser(t).newTab(t)
	p.do("Page.addScriptToEvaluateOnNewDocument", object{"source": `
		window.said = [];
		for (const level of ["warn", "error"]) console[level] = (...words) => said.push(words.join(" "));
		URL.createObjectURL = (blob) => { window.exported = blob.text(); return "#"; };
	`})
	p.do("Page.navigate", object{"url": "file://" + viewer + "#localProfilePath=" + strings.TrimPrefix(script, "/")})
	const button = `[...document.querySelectorAll("div")].find((e) => e.innerText.endsWith("Export") && !e.querySelector("div div"))`
	p.wait(`said.length > 0 || ` + button)
	if said := p.run(`said.join("\n")`); said != "" {
		t.Fatalf("Speedscope says %s", said)
	}
	var exported struct {
		Shared struct {
			Frames []struct{ Name string }
		}
		Profiles []struct {
			Name   string
			Events []struct {
				Type  string
				Frame int
				At    float64 // microseconds
			}
		}
	}
	testkit.NoError(t, json.Unmarshal([]byte(p.run(button+`.click(), exported`).(string)), &exported))
	var found []string
	for _, thread := range exported.Profiles {
		process, _, _ := strings.Cut(thread.Name, " ")
		for e := range slices.Chunk(thread.Events, 2) {
			if len(e) != 2 || e[0].Type != "O" || e[1].Type != "C" || e[0].Frame != e[1].Frame {
				t.Fatalf("%s: an event is within another: %v", thread.Name, e)
			}
			name, _, _ := strings.Cut(exported.Shared.Frames[e[0].Frame].Name, " {") // with what belongs to it
			found = append(found, event(process, name, (e[1].At-e[0].At)/1e6))
		}
	}
	slices.Sort(found)
	return found
}

func event(process, name string, seconds float64) string {
	return fmt.Sprintf("%s: %s: %.3f s", process, name, seconds)
}

// events are what a trace of a record has to have.
func events(r report.Record) (all []string) {
	for _, s := range r.Stages {
		all = append(all, event("stages", s.Stage, s.Seconds))
		for _, w := range s.Waits {
			all = append(all, event("waits", "waiting for "+w.For, w.Seconds))
		}
		for _, o := range s.Operations {
			all = append(all, event("operations", o.Name, o.Seconds))
		}
	}
	slices.Sort(all)
	return all
}

// crowded is a record with operations that have run beside each other.
func crowded() report.Record {
	random := rand.New(rand.NewPCG(1, 2))
	started := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := report.Stage{Stage: "files", Started: started, Seconds: 20}
	for i := range 200 {
		s.Operations = append(s.Operations, report.Outcome{
			Name: fmt.Sprintf("writing file /etc/%d", i), Started: started.Add(time.Duration(random.IntN(10_000)) * time.Millisecond),
			Seconds: float64(random.IntN(3000)+1) / 1000,
		})
	}
	return report.Record{Version: 1, Started: started, Outcome: report.Provisioned, Stages: []report.Stage{s}}
}

func TestTracesAreReadByAnotherProgram(t *testing.T) {
	records := map[string]string{}
	for _, name := range []string{"good", "failed"} {
		records[name] = testkit.ReadFile(t, "../../cmd/firstlightctl/testdata/report/"+name+".json")
	}
	text, err := json.Marshal(crowded())
	testkit.NoError(t, err)
	records["crowded"] = string(text)
	for name, text := range records {
		r, err := report.ParseRecord([]byte(text))
		testkit.NoError(t, err)
		command := exec.Command("go", "run", "../../cmd/firstlightctl", "report", "--format=trace", "-")
		command.Stdin = strings.NewReader(text)
		var stderr bytes.Buffer
		command.Stderr = &stderr
		trace, err := command.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		if got, want := speedscope(t, trace), events(r); !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}
