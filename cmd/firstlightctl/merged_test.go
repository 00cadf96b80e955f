package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

const base = `{"ignition": {"version": "3.2.0"},
 "storage": {"files": [
  {"path": "/a", "mode": 420, "user": {"id": 1}},
  {"path": "/b", "append": []}]}}
`

const over = `variant: fcos
version: 1.5.0
storage:
  files:
    - path: /a
      mode: 0600
    - {path: /é, overwrite: false}
`

func TestMergedShowsWhereEachValueCameFrom(t *testing.T) {
	useTestFiles(t)
	testkit.WriteFile(t, "base.ign", base)
	testkit.WriteFile(t, "over.bu", over)
	cliCase{"validate --merged base.ign over.bu", "", 0, `{
  "ignition": {
    "version": "3.7.0-experimental"  // over.bu:2:10
  },
  "storage": {
    "files": [
      {
        "path": "/a",  // over.bu:5:13
        "mode": 384,  // over.bu:6:13
        "user": {
          "id": 1  // base.ign:3:46
        }
      },
      {
        "path": "/b",  // base.ign:4:12
        "append": []  // base.ign:4:28
      },
      {
        "path": "/é",  // over.bu:7:14
        "overwrite": false  // over.bu:7:29
      }
    ]
  }
}
`, ""}.check(t, run)
}

func TestMergedReportsProblemsAtTheirFiles(t *testing.T) {
	useTestFiles(t)
	testkit.WriteFile(t, "base.ign", base)
	testkit.WriteFile(t, "named.bu", "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      user: {name: bob}\n")
	for _, strict := range []string{"", " --strict"} {
		var stdout, stderr strings.Builder
		status := run(strings.Fields("validate --merged base.ign named.bu"+strict), nil, &stdout, &stderr)
		compare(t, "stderr", stderr.String(), `named.bu:6:13: error: the user is given by id (1) and by name ("bob"); set one of the two (storage.files[0].user) [owner-twice]
 6 |       user: {name: bob}
   |             ^
1 error in 2 configs
`)
		if status != 1 || !strings.Contains(stdout.String(), `"name": "bob"  // named.bu:6:20`) {
			t.Errorf("status %d, %s", status, &stdout)
		}
	}
}

func TestMergedWarnsOnce(t *testing.T) {
	useTestFiles(t)
	const text = `{"ignition": {"version": "3.6.0"}, "systemd": {"units": [{"name": "a.service", "enabled": true, "contents": "[Unit]\nA=b"}]}}`
	var stdout, stderr strings.Builder
	if status := run([]string{"validate", "--merged", "-"}, strings.NewReader(text), &stdout, &stderr); status != 0 {
		t.Errorf("status %d", status)
	}
	if n := strings.Count(stderr.String(), "warning: "); n != 1 || !strings.HasSuffix(stderr.String(), "1 warning in <stdin>\n") {
		t.Errorf("%d warnings: %s", n, &stderr)
	}
}

// refer is a config that refers to others.
func refer(how, sources string) string {
	return fmt.Sprintf(`{"ignition": {"version": "3.4.0", "config": {%q: %s}}, "passwd": {"users": [{"name": "outer"}]}}`, how, sources)
}

func dataURL(text string) string {
	return "data:;base64," + base64.StdEncoding.EncodeToString([]byte(text))
}

func TestMergedFollowsDataURLs(t *testing.T) {
	user := func(name string) string {
		return fmt.Sprintf(`{"ignition": {"version": "3.0.0"}, "passwd": {"users": [{"name": %q}]}}`, name)
	}
	inner := refer("merge", fmt.Sprintf(`[{"source": %q}]`, dataURL(user("inmost"))))
	for name, tc := range map[string]struct {
		text  string
		users string
		note  string
	}{
		"merge":   {refer("merge", fmt.Sprintf(`[{"source": %q}, {"source": %q}]`, dataURL(user("one")), dataURL(user("two")))), "outer one two", ""},
		"replace": {refer("replace", fmt.Sprintf(`{"source": %q}`, dataURL(user("one")))), "one", ""},
		"nested":  {refer("replace", fmt.Sprintf(`{"source": %q}`, dataURL(inner))), "outer inmost", ""},
		"Butane":  {refer("merge", fmt.Sprintf(`[{"source": %q}]`, dataURL("variant: fcos\nversion: 1.0.0\npasswd: {users: [{name: yaml}]}"))), "outer yaml", ""},
		"remote merge": {refer("merge", fmt.Sprintf(`[{"source": "https://u:p@example.com/x?token=t"}, {"source": %q}]`, dataURL(user("one")))), "outer one",
			"note: <stdin>:1:67: https://example.com/x?... is not fetched, so its contents are missing here\n"},
		"remote replace": {refer("replace", `{"source": "s3://bucket/key"}`), "outer",
			"note: <stdin>:1:68: s3://bucket/key is not fetched, so its contents are missing here\n"},
	} {
		var stdout, stderr strings.Builder
		if status := run([]string{"validate", "--merged", "-"}, strings.NewReader(tc.text), &stdout, &stderr); status != 0 {
			t.Errorf("%s: status %d", name, status)
		}
		compare(t, name+": stderr", stderr.String(), tc.note)
		var cfg struct {
			Passwd struct{ Users []struct{ Name string } }
		}
		plain := regexp.MustCompile(`(?m)  // .*$`).ReplaceAllString(stdout.String(), "")
		if err := json.Unmarshal([]byte(plain), &cfg); err != nil {
			t.Errorf("%s: %v\n%s", name, err, &stdout)
		}
		var users []string
		for _, u := range cfg.Passwd.Users {
			users = append(users, u.Name)
		}
		compare(t, name, strings.Join(users, " "), tc.users)
	}
}

func TestMergedReportsProblemsInDataURLs(t *testing.T) {
	const reference = `[{"source": %q, "verification": {"hash": "sha256-%064d"}}]`
	for name, tc := range map[string]struct{ text, want string }{
		"refused":    {refer("merge", fmt.Sprintf(`[{"source": %q}]`, dataURL(testFiles["refused.ign"]))), "<stdin>:1:67 (data URL):2:33: error: this is a number, but a string is expected (storage.files[0].path) [value-type]\n 2 |  \"storage\": {\"files\": [{\"path\": 1}]}}\n"},
		"empty":      {refer("merge", `[{"source": "data:,"}]`), "<stdin>:1:67 (data URL): error: the config is empty [document-empty]\n"},
		"wrong hash": {refer("merge", fmt.Sprintf(reference, dataURL("{}"), 0)), "\n<stdin>:1:67: error: "},
		"not gzip":   {refer("replace", `{"source": "data:,x", "compression": "gzip"}`), "\n<stdin>:1:68: error: "},
	} {
		var stdout, stderr strings.Builder
		status := run([]string{"validate", "--merged", "-"}, strings.NewReader(tc.text), &stdout, &stderr)
		if status != 1 || stdout.Len() > 0 || !strings.Contains("\n"+stderr.String(), tc.want) {
			t.Errorf("%s: status %d, stdout %s, stderr %s", name, status, &stdout, &stderr)
		}
	}
}

func TestMergedSaysThatItIsLost(t *testing.T) {
	useTestFiles(t)
	var stderr strings.Builder
	status := run([]string{"validate", "--merged", "good.ign"}, nil, brokenWriter{}, &stderr)
	if status != 2 || stderr.String() != "firstlightctl: writing the merged config: it is full\n" {
		t.Errorf("status %d, %s", status, &stderr)
	}
}
