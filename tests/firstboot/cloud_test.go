package firstboot

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/emulator"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// A cloud is a platform as a machine sees it: a metadata service at its real
// address, and drives.
type cloud struct {
	platform string
	service  http.HandlerFunc
	drive    map[string]string // files of the config drive; nil for none
	from     string            // where the config that counts is
	asked    []string          // what the service should hear in the whole boot
}

const (
	metadataAddress = emulator.LinkLocal
	openStackData   = "openstack/latest/user_data"
)

var withNetwork = []string{"fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount"}

// clouds ask each service once only, whatever the number of stages.
var clouds = map[string]cloud{
	"aws": {platform: "aws", service: emulated("aws"), from: "service",
		asked: []string{"PUT /latest/api/token", "GET /2019-10-01/user-data"}},
	"gcp": {platform: "gcp", service: emulated("gcp"), from: "service",
		asked: []string{"GET /computeMetadata/v1/instance/attributes/user-data"}},
	"openstack with a config in the drive": {platform: "openstack", service: nova, from: "drive",
		drive: map[string]string{openStackData: fromWhere("drive")}},
	"openstack with an empty drive": {platform: "openstack", service: nova, from: "service",
		drive: map[string]string{"openstack/latest/meta_data.json": "{}"}, asked: []string{"GET /" + openStackData}},
}

// fromWhere is a config that writes down where it was found.
func fromWhere(source string) string {
	return fmt.Sprintf(`{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/from","mode":384,"contents":{"source":"data:,%s"}}]}}`, source)
}

// emulated is the service of a platform, with a config that says so.
func emulated(platform string) http.HandlerFunc {
	s, ok := emulator.Find(platform)
	if !ok {
		panic("there is no emulation of " + platform)
	}
	return s.Handler(fromWhere("service")).ServeHTTP
}

// nova is OpenStack's service.
func nova(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/"+openStackData {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, fromWhere("service"))
}

func TestFirstBootInTheCloud(t *testing.T) {
	for name, c := range clouds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := machine(t)
			o.Network, o.Arguments = true, vm.FirstBoot(c.platform)
			if c.drive != nil {
				o.Disks = append(o.Disks, configDrive(t, c.drive))
			}
			asked := serveMetadata(t, c.service)
			res := vm.Boot(t, o)
			f := res.Files["/etc/from"]
			same(t, "the config's file", []any{f.Text, f.Mode}, []any{c.from, 0o600})
			same(t, "requests", asked(), c.asked)
			want := withNetwork
			if c.asked == nil {
				want = append([]string{"fetch-offline"}, withNetwork[2:]...)
			}
			same(t, "stages", stages(t, res.Stages), want)
			same(t, "user config provided", provided(t, res), true)
			if strings.Contains(res.Console+res.Journal, emulator.Token) {
				t.Error("a token is on the console or in the journal")
			}
		})
	}
}

// configDrive is an image as OpenStack makes it.
func configDrive(t *testing.T, files map[string]string) string {
	t.Helper()
	return labelledDrive(t, "config-2", files)
}

func labelledDrive(t *testing.T, label string, files map[string]string) string {
	t.Helper()
	tree := t.TempDir()
	for name, text := range files {
		name = filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	image := filepath.Join(t.TempDir(), "drive")
	command(t, "genisoimage", "-quiet", "-r", "-J", "-V", label, "-o", image, tree)
	return image
}

// serveMetadata serves at the address of metadata services, in a network where
// nothing else is. All that the test starts from then on is in that network too,
// and QEMU connects its machine to where it is itself. The function returns the
// requests.
func serveMetadata(t *testing.T, service http.HandlerFunc) func() []string {
	t.Helper()
	// The thread ends with the test, so that no other gets into this network.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatalf("making a network for the machine, which needs root: %v", err)
	}
	command(t, "ip", "link", "set", "lo", "up")
	command(t, "ip", "address", "add", metadataAddress+"/32", "dev", "lo")
	listener, err := net.Listen("tcp", metadataAddress+":80")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var asked []string
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method+" "+r.RequestURI)
		mu.Unlock()
		service(w, r)
	})}
	go srv.Serve(listener)
	t.Cleanup(func() { srv.Close() })
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return asked
	}
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
