package providers_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
)

// occupy takes every port below 1024 of which in is true.
func occupy(t *testing.T, in func(port int) bool) {
	t.Helper()
	for port := 1; port < 1024; port++ {
		if port == 80 || !in(port) {
			continue
		}
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
	}
}

func TestScalewayWithPortsInUse(t *testing.T) {
	e := find(t, "scaleway")
	for name, tc := range map[string]struct {
		used func(int) bool
		mark string
		box  []string
	}{
		"most": {func(port int) bool { return port%5 != 0 }, "/etc/scaleway", nil},
		"all":  {func(int) bool { return true }, "", []string{"reading the user data of Scaleway: asking http://169.254.42.42/user_data/cloud-init: it took longer than 5s", "address already in use"}},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := &cloud{emulation: e, data: []answer{answerOf(e, config("scaleway"))}}
			cloud.start(t)
			occupy(t, tc.used)
			o := boot{platform: "scaleway", patience: impatience}.run(t)
			o.wants(t, tc.mark, tc.box...)
		})
	}
}

func TestScalewayAsksOthersFromAnyPort(t *testing.T) {
	var ports []uint16
	serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ports = append(ports, port(r))
		if r.URL.Path == "/child" {
			io.WriteString(w, config("child"))
			return
		}
		fmt.Fprint(w, `{"ignition":{"version":"3.4.0","config":{"merge":[{"source":"http://169.254.169.254/child"}]}}}`)
	}))
	boot{platform: "scaleway"}.run(t).wants(t, "/etc/child")
	if len(ports) != 2 || ports[0] >= 1024 || ports[1] < 1024 {
		t.Errorf("asked from the ports %v", ports)
	}
}

func TestPortsAreChosenAtRandom(t *testing.T) {
	seen := map[uint16]bool{}
	serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen[port(r)] = true }))
	for range 4 {
		boot{platform: "scaleway"}.run(t).wants(t, "")
	}
	if len(seen) < 2 {
		t.Errorf("seen only %v", seen)
	}
}
