package distribution

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
)

func TestSettings(t *testing.T) {
	for text, want := range map[string]Settings{
		"":                                   {},
		"# nothing\n\n":                      {},
		"SPEC2=refuse\n":                     {},
		"SPEC2=translate":                    {TranslateSpec2: true},
		"# Flatcar\r\n SPEC2=translate \r\n": {TranslateSpec2: true},
	} {
		if got, err := Parse(text, "f"); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestWhatIsNotKnownIsAnErrorWithItsLine(t *testing.T) {
	for text, want := range map[string][]string{
		"SPEC3=translate":                 {`f, line 1`, `there is no setting "SPEC3"; there are SPEC2`},
		"spec2=translate":                 {`there is no setting "spec2"`},
		"SPEC2 = translate":               {`there is no setting "SPEC2 "`},
		"\n#\nSPEC2=yes":                  {`f, line 3`, `setting SPEC2: it is "yes", and should be refuse or translate`},
		`SPEC2="translate"`:               {`it is "\"translate\""`},
		"SPEC2=":                          {`it is ""`},
		"SPEC2=refuse\nSPEC2=refuse":      {`f, line 2`, `SPEC2 was given before in line 1`},
		"SPEC2=refuse\nnonsense\nX=1\n":   {`f, line 2`, `"nonsense" is not of the form KEY=VALUE`, `f, line 3`, `there is no setting "X"`},
		"SPEC2=translate # because of it": {`it is "translate # because of it"`},
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
	if got, err := Read(filepath.Join(dir, File)); err != nil || !got.TranslateSpec2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := Read(dir); err == nil {
		t.Error("a directory is accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("# comment\nSPEC2=translate\n")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := Parse(text, "f"); err == nil && s.TranslateSpec2 && !strings.Contains(text, "SPEC2=translate") {
			t.Errorf("%q sets what it does not say", text)
		}
	})
}
