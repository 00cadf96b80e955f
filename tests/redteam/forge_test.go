package redteam_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/firstlight-os/firstlight/tests/canary"
)

// evil are texts that would be lines, reports, commands of a terminal or of a CI system
// of their own.
var evil = map[string]string{
	"line end":  "a\nCRITICAL : FORGED",
	"CRLF":      "a\r\n| cause FORGED |\r\n",
	"escape":    "a\x1b[2J\x1b]0;FORGED\x07",
	"C1":        "a\u009b2J\u0085FORGED",
	"bidi":      "a\u202eDEGROF\u2066",
	"separator": "a\u2028FORGED\u2029",
	"GitHub":    "a\n::error file=x::FORGED",
	"GitHub 2":  "::error::FORGED ##[error]FORGED",
	"Azure":     "##vso[task.setvariable variable=x]FORGED",
	"field":     "a\nMESSAGE_ID=FORGED\n<0>FORGED",
	"no UTF-8":  "a\xff\xfeFORGED",
	"blanks":    strings.Repeat("word ", 12) + "::error::FORGED",
}

// long is more than anybody reads.
var long = strings.Repeat("0123456789", 1<<20)

// mostShown bounds, in bytes, what all channels together show of one text.
const mostShown = 1 << 20

// steers reports what of a text steers terminals or readers: see system.Printable.
func steers(text []byte) []string {
	var found []string
	for _, r := range string(text) {
		if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			found = append(found, fmt.Sprintf("%U", r))
		}
	}
	return found
}

// message is how messages begin: with the stage, but for those that programs select.
const message = `([a-z-]+: |warning( at \$|: )|fetched (base|user|referenced) )`

// lineForms are the lines that channels have, by channel.
var lineForms = map[string]*regexp.Regexp{
	"standard output":  regexp.MustCompile(`^((DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL) +: ` + message + `|    |[+]-+[+]$|[|] .* [|]$)`),
	"the kernel's log": regexp.MustCompile(`^<[2-7]>ignition\[\d+\]: `),
	"the journal":      regexp.MustCompile(`^(PRIORITY=[2-7]$|MESSAGE=` + message + `|SYSLOG_IDENTIFIER=ignition$|MESSAGE_ID=[0-9a-f]{32}$|IGNITION_CONFIG_(TYPE|SRC|REFERENCED)=|    |$)`),
	"the console":      regexp.MustCompile(`^([+]-+[+]|[|] .* [|])?$`),
}

// checkForm checks that a channel has only lines of its form, and not too many.
func checkForm(t *testing.T, channel string, text []byte) {
	t.Helper()
	if len(text) > mostShown {
		t.Errorf("%s has %d bytes", channel, len(text))
	}
	if channel == "the console" {
		text = []byte(strings.ReplaceAll(string(text), "\r\n", "\n")) // for consoles in raw mode
	}
	if channel == "the journal" { // fields of several lines have their length in binary
		text = journalText(text)
	}
	if found := steers(text); len(found) > 0 {
		t.Errorf("%s has %v:\n%.3000q", channel, found[:min(len(found), 5)], text)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); !lineForms[channel].MatchString(line) {
			t.Errorf("%s has the line %.300q", channel, line)
			return
		}
	}
}

// journalText undoes the form of fields that have several lines: the name, a line end,
// eight bytes of length, the value.
func journalText(text []byte) []byte {
	return regexp.MustCompile(`(?s)(MESSAGE)\n.{8}`).ReplaceAll(text, []byte("$1="))
}

// checkForms reads all channels of a stage.
func (m *machine) checkForms(platform, name string) {
	m.Helper()
	log := m.log()
	log.clear(m)
	out, err := m.stage(platform, name).CombinedOutput()
	text := log.read(m)
	checkForm(m.T, "standard output", out)
	if log.arguments == nil {
		checkForm(m.T, log.name, text)
	}
	checkForm(m.T, "the console", readConsole(m))
	for _, name := range []string{"report.txt", "report.json"} {
		text, rerr := os.ReadFile(m.path("run/ignition/" + name))
		switch {
		case rerr != nil:
			continue
		case len(text) > mostShown:
			m.Errorf("%s has %d bytes", name, len(text))
		}
		if found := steers(text); len(found) > 0 {
			m.Errorf("%s has %v", name, found[:min(len(found), 5)])
		}
	}
	if m.Failed() {
		m.Logf("%s ended with %v\n%.3000s\n%.3000s", name, err, out, text)
	}
	m.runs++
}

func quoteJSON(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// forgedConfigs are configs with a text at all places that messages name, one after the
// other.
func forgedConfigs(text string) []string {
	q := quoteJSON(text)
	var all []string
	for _, body := range []string{
		`"storage": {"files": [{"path": %s}]}`,
		`"storage": {"files": [{"path": "/a", "contents": {"source": %s}}]}`,
		`"storage": {"files": [{"path": "/a", "contents": {"source": "data:,", "compression": %s}}]}`,
		`"storage": {"files": [{"path": "/a", "contents": {"source": "data:,", "verification": {"hash": %s}}}]}`,
		`"storage": {"files": [{"path": "/a", %s: 1}]}`,
		`"storage": {"files": [{"path": "/etc/motd"}, {"path": "/etc/motd", "user": {"name": %s}}]}`,
		`"storage": {"links": [{"path": "/srv/l", "target": %s}]}`,
		`"storage": {"disks": [{"device": %s, "partitions": [{"label": "x"}]}]}`,
		`"storage": {"filesystems": [{"device": "/dev/null", "format": %s, "path": "/x"}]}`,
		`"storage": {"files": [{"path": "/a", "user": {"name": %s}}]}`,
		`"passwd": {"users": [{"name": %s}]}`,
		`"passwd": {"users": [{"name": "core", "groups": [%s]}]}`,
		`"systemd": {"units": [{"name": %s, "enabled": true}]}`,
		`"systemd": {"units": [{"name": "x.service", "enabled": true, "contents": "[Install]\nWantedBy="}, {"name": "y.service", "dropins": [{"name": %s, "contents": "x"}]}]}`,
		`"kernelArguments": {"shouldExist": [%s]}`,
		`%s: {"a": 1}`,
	} {
		all = append(all, `{"ignition": {"version": "3.4.0"}, `+fmt.Sprintf(body, q)+`}`)
	}
	return append(all, `{"ignition": {"version": `+q+`}}`, `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": `+q+`}]}}}`, text, "variant: "+q+"\nversion: "+q+"\n")
}

// forgers are the texts of evil, and a long one.
func forgers() map[string]string {
	all := map[string]string{"long": long}
	for name, text := range evil {
		all[name] = text
	}
	return all
}

func TestConfigsForgeNothing(t *testing.T) {
	n := 0
	for _, name := range sortedKeys(forgers()) {
		t.Run(name, func(t *testing.T) {
			for _, config := range forgedConfigs(forgers()[name]) {
				if n++; n%everyMistake() != 0 {
					continue
				}
				m := newMachine(t, canary.Birds{})
				m.write("cmdline", "firstlight.device_timeout=1", 0o600)
				m.env = append(m.env, "IGNITION_KERNEL_CMDLINE_PATH="+m.path("cmdline"))
				m.config(config)
				m.checkForms("file", "fetch")
				for _, stage := range []string{"disks", "files"} {
					if _, err := os.Stat(m.path("run/ignition.json")); err == nil {
						m.checkForms("file", stage)
					}
				}
				if t.Failed() {
					t.Fatalf("the config was %.2000s", config)
				}
			}
		})
	}
}

// Servers forge by all that they say.
func TestServersForgeNothing(t *testing.T) {
	for _, name := range sortedKeys(forgers()) {
		text := forgers()[name]
		for place, answer := range map[string]http.HandlerFunc{
			"body": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, text)
			},
			"config":  write(text),
			"status":  raw("HTTP/1.1 403 " + text + "\r\n\r\n"),
			"header":  raw("HTTP/1.1 302 Found\r\nLocation: http://h/" + text + "\r\n\r\n"),
			"no HTTP": raw(text),
			"XML": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, "<Error><Code>"+text+"</Code><Message>"+text+"</Message></Error>")
			},
			"JSON": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, `{"error": {"message": `+quoteJSON(text)+`}}`)
			},
		} {
			if (len(name)+len(place))%9 != 0 && everyMistake() != 1 {
				continue
			}
			t.Run(name+" in the "+place, func(t *testing.T) {
				s := newServer(t, canary.Birds{})
				s.answers["/merge"] = answer
				m := newMachine(t, canary.Birds{})
				m.config(s.config())
				m.checkForms("file", "fetch")
			})
		}
	}
}

// raw answers with what need not be HTTP.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			io.WriteString(conn, text)
			conn.Close()
		}
	}
}

// Helpers forge by what they print.
func TestHelpersForgeNothing(t *testing.T) {
	for _, name := range sortedKeys(forgers()) {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, canary.Birds{})
			m := newMachine(t, canary.Birds{})
			m.config(s.config())
			m.write("evil", forgers()[name], 0o600)
			m.helper("useradd", "cat "+m.path("evil")+"; cat "+m.path("evil")+" >&2; exit 1\n")
			m.checkForms("file", "fetch")
			m.checkForms("file", "files")
		})
	}
}

// annotation is a line of the format for GitHub.
var annotation = regexp.MustCompile(`^::(error|warning|notice)( [^:]*)?::`)

// Configs and their names forge nothing in what the workstation prints.
func TestNothingIsForgedOnTheWorkstation(t *testing.T) {
	dir := t.TempDir()
	program := buildCtl(t, dir)
	n := 0
	for _, name := range sortedKeys(forgers()) {
		var files []string
		for i, config := range forgedConfigs(forgers()[name]) {
			if n++; n%everyMistake() != 0 {
				continue
			}
			file := filepath.Join(dir, fmt.Sprintf("%s %d.ign", strings.ReplaceAll(name, " ", "-"), i))
			if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		if text := evil[name]; text != "" && !strings.ContainsAny(text, "/") { // also the name of a file
			file := filepath.Join(dir, text)
			if err := os.WriteFile(file, []byte(`{"ignition": {"version": "x"}}`), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, text)
		}
		if len(files) == 0 {
			continue
		}
		check := func(args ...string) {
			t.Helper()
			c := exec.Command(filepath.Join(dir, args[0]), args[1:]...)
			c.Dir = dir
			var stderr strings.Builder
			c.Stderr = &stderr
			out, _ := c.Output() // it fails as a rule
			text := stderr.String()
			if args[0] == filepath.Base(program) && (args[1] == "validate" || args[1] == "plan") || args[0] == "ignition-validate" {
				text += string(out) // what is not data
			}
			github := len(args) > 2 && args[2] == "--format=github"
			if found := steers([]byte(text)); len(found) > 0 {
				t.Errorf("%.200q print %v:\n%.2000q", args, found[:min(len(found), 5)], text)
			}
			if limit := len(files) * mostShown / 4; len(text) > limit {
				t.Errorf("%.200q print %d bytes", args, len(text))
			}
			for line := range strings.Lines(text) {
				line = strings.TrimSpace(line)
				if strings.Contains(line, "##[") || strings.Contains(line, "##vso[") || strings.HasPrefix(line, "CRITICAL") || strings.HasPrefix(line, "FORGED") ||
					strings.HasPrefix(line, "::") && (!github || !annotation.MatchString(line)) {
					t.Errorf("%.200q print the line %.300q", args, line)
				}
			}
			if github && strings.Count(text, "\n::error file=x::") > 0 {
				t.Errorf("%.200q print an annotation of the config:\n%.2000q", args, text)
			}
		}
		for _, format := range []string{"text", "json", "sarif", "github"} {
			check(append([]string{"firstlightctl", "validate", "--format=" + format}, files...)...)
		}
		for _, file := range files {
			check("firstlightctl", "plan", file)
			check("firstlightctl", "translate", file)
			check("firstlightctl", "pack", file)
			check("butane", "--strict", file)
			check("ignition-validate", file)
		}
	}
}
