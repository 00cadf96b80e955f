package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// generator builds podman's generator, which makes units of quadlets.
var generator = sync.OnceValues(func() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "firstlight", "example-programs", "quadlet")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", program, "github.com/containers/podman/v5/cmd/quadlet")
	build.Dir = "../../tools"
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	build.Stderr = os.Stderr
	return program, build.Run()
})

// quadlets is where the configs have them.
const quadlets = "/etc/containers/systemd/"

// generate runs podman's generator on the quadlets in a directory, and returns the units
// that it makes, by name, and what it says.
func generate(t *testing.T, from string) (units map[string]string, said string) {
	t.Helper()
	program, err := generator()
	testkit.NoError(t, err)
	command := exec.Command(program, "-dryrun")
	command.Env = append(os.Environ(), "QUADLET_UNIT_DIRS="+from)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	for line := range strings.Lines(stderr.String()) {
		if !strings.Contains(line, ": Loading source unit file ") {
			said += line
		}
	}
	if err != nil {
		said += err.Error()
	}
	units = map[string]string{}
	heads := regexp.MustCompile(`(?m)^---(.*)---$`)
	text := string(out)
	for _, at := range heads.FindAllStringSubmatchIndex(text, -1) {
		unit, _, _ := strings.Cut(text[at[1]:], "\n---")
		units[text[at[2]:at[3]]] = unit
	}
	return units, said
}

// Podman leaves out a quadlet with a key that it does not know, and says so in the journal
// only.
func TestPodmanMakesUnitsOfAllQuadlets(t *testing.T) {
	program := firstlightctl(t)
	for name, want := range map[string]map[string][]string{
		"quadlet-web": {"web.service": {"/usr/bin/podman run ", " --publish 80:80 ", " docker.io/library/nginx:1.27"}},
		"matrix": {
			"matrix-pod.service": {"/usr/bin/podman pod create ", " --publish 443:443 --publish 8448:8448 "},
			"postgres.service":   {" --pod systemd-matrix docker.io/library/postgres:15 ", "RequiresMountsFor=/var/lib/matrix/postgres\n"},
			"dendrite.service":   {" --pod systemd-matrix docker.io/matrixdotorg/dendrite-monolith:", " --read-only "},
			"nginx.service":      {" --pod systemd-matrix docker.io/library/nginx:1.27\n"},
		},
	} {
		root := t.TempDir()
		apply := exec.Command(program, "apply", "--ignore-unsupported", "--root", root, filepath.Join(dir, name, "config.bu"))
		if out, err := apply.CombinedOutput(); err != nil {
			t.Fatalf("writing the files of %s: %v\n%s", name, err, out)
		}
		units, said := generate(t, filepath.Join(root, quadlets))
		if said != "" || len(units) != len(want) {
			t.Errorf("%s: %d units, want %d; the generator says %s", name, len(units), len(want), said)
		}
		for unit, texts := range want {
			testkit.Contains(t, name+": "+unit, units[unit], texts...)
		}
	}
}

// The generator tells what is wrong: the test above can fail.
func TestPodmanRefusesUnknownKeys(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "web.container"), "[Container]\nImage=docker.io/library/nginx:1.27\nPorts=80\n")
	units, said := generate(t, dir)
	if len(units) > 0 {
		t.Errorf("the units are %v", units)
	}
	testkit.Contains(t, "the generator", said, "unsupported key 'Ports' in group 'Container'")
}

// Every quadlet is in an example that the test above knows.
func TestQuadletsOfAllExamplesAreKnown(t *testing.T) {
	for _, name := range names(t) {
		files, err := filepath.Glob(filepath.Join(dir, name, "*.bu"))
		testkit.NoError(t, err)
		for _, file := range files {
			has := strings.Contains(testkit.ReadFile(t, file), quadlets)
			if known := slices.Contains([]string{"quadlet-web", "matrix"}, name); has && !known {
				t.Errorf("the quadlets of %s are not tried", file)
			}
		}
	}
}
