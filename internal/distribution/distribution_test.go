package distribution

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestSettings(t *testing.T) {
	for text, want := range map[string]map[Key]string{
		"":                                       {Spec2: "refuse", ResultFile: "/etc/.ignition-result.json", OEMDirectory: ""},
		"# nothing\n\n":                          {Spec2: "refuse"},
		"SPEC2=refuse\n":                         {Spec2: "refuse"},
		"SPEC2=translate":                        {Spec2: "translate", SSHKeys: "fragment"},
		"# Flatcar\r\n SPEC2=translate \r\n":     {Spec2: "translate"},
		"SSH_KEYS=file\nRESULT_FILE=/var/r.json": {SSHKeys: "file", ResultFile: "/var/r.json"},
		"FW_CFG_NAMES=opt/a  opt/b\t opt/c\n":    {FwCfgNames: "opt/a  opt/b\t opt/c"},
		"REPORT_URL=https://u:p@h:1/x?y=z":       {ReportURL: "https://u:p@h:1/x?y=z"},
		"MOVED_DIRECTORIES=/a/b:/c /d:/e/f":      {MovedDirectories: "/a/b:/c /d:/e/f"},
		"RESET_KEEP=/usr /var/lib/rpm\n":         {ResetKeep: "/usr /var/lib/rpm", ResetEtc: ""},
		"RESET_ETC=/usr/share/factory/etc":       {ResetEtc: "/usr/share/factory/etc"},
	} {
		got, err := Parse(text, "f")
		testkit.NoError(t, err)
		for key, value := range want {
			testkit.Equal(t, fmt.Sprintf("%q: %s", text, keys[key].name), got.Value(key), value)
		}
	}
	got, err := Parse("FW_CFG_NAMES=opt/a  opt/b\t opt/c\nCONSOLES=quiet\n", "f")
	testkit.NoError(t, err)
	testkit.Equal(t, "words", got.Words(FwCfgNames), []string{"opt/a", "opt/b", "opt/c"})
	testkit.Equal(t, "quiet", got.Is(Consoles, "quiet"), true)
	testkit.Equal(t, "words of what is not set", Settings{}.Words(FirstBootArguments), []string{"ignition.firstboot"})
	testkit.Equal(t, "words of nothing", len(Settings{}.Words(MovedDirectories)), 0)
}

// The table of the documentation has the keys, forms and defaults of the code, in its
// order.
func TestTheDocumentationHasTheTable(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| ([^|]+) \\| ([^|]+) \\| [^|]+ \\|$")
	var got []string
	for _, m := range row.FindAllStringSubmatch(testkit.ReadFile(t, "../../docs/distributors.md"), -1) {
		got = append(got, strings.Join(m[1:], " | "))
	}
	var want []string
	for _, k := range keys {
		unset := "none"
		if k.unset != "" {
			unset = "`" + k.unset + "`"
		}
		want = append(want, strings.Join([]string{k.name, k.form, unset}, " | "))
	}
	testkit.Equal(t, "table", strings.Join(got, "\n"), strings.Join(want, "\n"))
}

func TestProfilesAreRead(t *testing.T) {
	profiles, err := filepath.Glob("../../distribution/*.conf")
	testkit.NoError(t, err)
	testkit.Equal(t, "number of profiles", len(profiles), 2)
	for _, name := range profiles {
		if _, err := Read(name); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsNotKnownIsAnErrorWithItsLine(t *testing.T) {
	for text, want := range map[string][]string{
		"SPEC3=translate":                 {`f, line 1`, `there is no setting "SPEC3"; there are FIRST_BOOT, FIRSTBOOT_ARGUMENTS, `},
		"spec2=translate":                 {`there is no setting "spec2"`},
		"SPEC2 = translate":               {`there is no setting "SPEC2 "`},
		"\n#\nSPEC2=yes":                  {`f, line 3`, `setting SPEC2: it is "yes", and should be refuse or translate`},
		`SPEC2="translate"`:               {`it is "\"translate\""`},
		"SPEC2=":                          {`it is ""`},
		"SPEC2=refuse\nSPEC2=refuse":      {`f, line 2`, `SPEC2 was given before in line 1`},
		"SPEC2=refuse\nnonsense\nX=1\n":   {`f, line 2`, `"nonsense" is not of the form KEY=VALUE`, `f, line 3`, `there is no setting "X"`},
		"SPEC2=translate # because of it": {`it is "translate # because of it"`},
		"RESULT_FILE=etc/r":               {`setting RESULT_FILE: it is "etc/r", and should be PATH`},
		"RESULT_FILE=/":                   {`and should be PATH`},
		"RESULT_FILE=/a /b":               {`and should be PATH`},
		"OEM_DIRECTORY=/oem/":             {`and should be PATH`},
		"KARGS_HELPER=a b":                {`setting KARGS_HELPER: it is "a b", and should be NAME`},
		"FW_CFG_NAMES= ":                  {`setting FW_CFG_NAMES: it is "", and should be NAME...`},
		"MOVED_DIRECTORIES=/a:/b /c":      {`and should be OLD:NEW...`},
		"MOVED_DIRECTORIES=/a:b":          {`and should be OLD:NEW...`},
		"MOVED_DIRECTORIES=":              {`and should be OLD:NEW...`},
		"RESET_KEEP=/usr var":             {`setting RESET_KEEP: it is "/usr var", and should be PATH...`},
		"RESET_KEEP=/":                    {`and should be PATH...`},
		"RESET_KEEP=":                     {`and should be PATH...`},
		"REPORT_URL=ftp://h/":             {`setting REPORT_URL: it is "ftp://h/", and should be URL`},
		"REPORT_URL=http://h/ x":          {`and should be URL`},
		"REPORT_URL=/records":             {`and should be URL`},
		"FIRSTBOOT_ARGUMENT=x":            {`there is no setting "FIRSTBOOT_ARGUMENT"`},
	} {
		_, err := Parse(text, "f")
		if err == nil {
			t.Errorf("%q is accepted", text)
			continue
		}
		var all strings.Builder
		for _, leaf := range report.Leaves(err) {
			if at := new(report.Error); errors.As(leaf, &at) {
				fmt.Fprintf(&all, "%s: %v\n", at.Origin, at)
			}
		}
		for _, w := range want {
			if !strings.Contains(all.String(), w) {
				t.Errorf("%q: %q is missing in %s", text, w, &all)
			}
		}
	}
}

func TestReadingSettings(t *testing.T) {
	dir := t.TempDir()
	if got, err := Read(filepath.Join(dir, File)); err != nil || got != (Settings{}) {
		t.Errorf("without a file: got %+v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, File), []byte("SPEC2=translate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(filepath.Join(dir, File)); err != nil || !got.Is(Spec2, "translate") {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, filepath.Join(dir, "pipe"), "/dev/zero"} {
		if _, err := Read(name); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("# comment\nSPEC2=translate\n")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := Parse(text, "f"); err == nil && s.Is(Spec2, "translate") && !strings.Contains(text, "SPEC2=translate") {
			t.Errorf("%q sets what it does not say", text)
		}
	})
}
