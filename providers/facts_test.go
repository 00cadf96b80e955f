package providers

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// The kernel's tables of routes: the one with the least metric that leads anywhere counts.
const (
	routeHead = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	routes4   = routeHead + "ens3\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n" +
		"lo\t00000000\t00000000\t0003\t0\t0\t1\t00000000\t0\t0\t0\n" +
		"ens4\t00000000\t00000000\t0203\t0\t0\t2\t00000000\t0\t0\t0\n" +
		"ens5\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
		"ens6\t00000000\t0101A8C0\t0003\t0\t0\t20\t00000000\t0\t0\t0\n" +
		"ens7\t00000000\t0101A8C0\t0002\t0\t0\t3\t00000000\t0\t0\t0\n" +
		"a broken line\n"
	zero    = "00000000000000000000000000000000"
	routes6 = "20010db8000000000000000000000000 40 " + zero + " 00 " + zero + " 00000100 00000001 00000000 00000001     ens6\n" +
		zero + " 00 " + zero + " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     ens8\n" +
		zero + " 00 " + zero + " 00 " + zero + " ffffffff 00000001 00000000 00200200       lo\n"
)

// machineFiles are files of a machine below the root of env.
func machineFiles(t *testing.T, env *Env, files map[string]string) {
	t.Helper()
	for name, text := range files {
		testkit.WriteFile(t, filepath.Join(env.Root, name), text)
	}
}

func TestFactsOfTheMachineItself(t *testing.T) {
	const serial, tree = "/sys/class/dmi/id/product_serial", "/proc/device-tree/serial-number"
	for name, tc := range map[string]struct {
		fact  string
		files map[string]string
		want  string // with ! in front an error
	}{
		"serial":                   {"serial", map[string]string{serial: "S-12/3 45\n"}, "S-12_3_45"},
		"serial of VMware":         {"serial", map[string]string{serial: "VMware-42 1c ä$(x)\n"}, "VMware-42_1c____x_"},
		"serial of a device tree":  {"serial", map[string]string{tree: "100000001\x00"}, "100000001"},
		"serial that is none":      {"serial", map[string]string{serial: "To Be Filled By O.E.M.\n", tree: "7\x00"}, "7"},
		"no serial":                {"serial", map[string]string{serial: " \n"}, "!the firmware of this machine has no serial number"},
		"mac":                      {"mac", map[string]string{"/proc/net/route": routes4, "/sys/class/net/ens6/address": "52:54:00:12:34:56\n"}, "52:54:00:12:34:56"},
		"mac over IPv6":            {"mac", map[string]string{"/proc/net/route": routeHead, "/proc/net/ipv6_route": routes6, "/sys/class/net/ens8/address": "52:54:00:00:00:08\n"}, "52:54:00:00:00:08"},
		"mac of a tunnel":          {"mac", map[string]string{"/proc/net/route": routes4, "/sys/class/net/ens6/address": "\n"}, "!the interface ens6 of the default route has no MAC address"},
		"mac of zeros":             {"mac", map[string]string{"/proc/net/route": routes4, "/sys/class/net/ens6/address": "00:00:00:00:00:00\n"}, "!has no MAC address"},
		"address":                  {"address", map[string]string{"/proc/net/route": routes4, "/proc/net/ipv6_route": routes6}, "192.0.2.99"},
		"address of IPv6":          {"address", map[string]string{"/proc/net/ipv6_route": routes6}, "2001:db8::99"},
		"address without a route":  {"address", map[string]string{"/proc/net/route": routeHead}, "!this needs the network"},
		"hostname of the argument": {"hostname", nil, "arg1"},
		"platform":                 {"platform", nil, "test"},
		"region":                   {"region", nil, "!the platform test does not tell it"},
	} {
		env := newEnv(t)
		env.Platform = Platform{ID: "test", Name: "Test"}
		env.Fetch.Offline, env.Facts = true, new(Facts)
		env.Arguments = map[string]string{hostnameArgument: "arg1"}
		env.source = func(network, _ string) (netip.Addr, error) {
			return netip.MustParseAddr(map[string]string{"udp4": "192.0.2.99", "udp6": "2001:db8::99"}[network]), nil
		}
		machineFiles(t, env, tc.files)
		got, err := env.Facts.Get(t.Context(), env, tc.fact)
		want, isError := strings.CutPrefix(tc.want, "!")
		if isError != (err != nil) || !isError && got != want || isError && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, want %s", name, got, err, tc.want)
		}
	}
}

func TestRoutesAreAwaitedWhenThereIsANetwork(t *testing.T) {
	env := newEnv(t)
	env.Fetch.NetworkWait = 1 // ns
	_, err := awaitRoute(t.Context(), env)
	testkit.Contains(t, "error", fmt.Sprint(err), "a default route has not appeared within")
	env.Fetch.Offline = true
	_, err = awaitRoute(t.Context(), env)
	testkit.Equal(t, "needs the network", errors.Is(err, fetch.ErrNeedNetwork), true)
}

func TestSourceAddressIsThatOfTheKernel(t *testing.T) {
	address, err := sourceOf("udp4", "127.0.0.1:9")
	testkit.NoError(t, err)
	testkit.Equal(t, "address", address.String(), "127.0.0.1")
}

func TestFactsHaveOneTable(t *testing.T) {
	var names []string
	for _, s := range factSources {
		names = append(names, s.name)
	}
	testkit.Equal(t, "names", strings.Join(names, " "), strings.Join(config.FactNames(), " "))
}

func TestEachFactIsInTheDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/extensions/facts.md")
	testkit.NoError(t, err)
	for _, name := range config.FactNames() {
		testkit.Contains(t, "the document", string(text), "`"+name+"`")
	}
}

// What moreAttributes have beside rows is known beforehand.
func TestFactsThatNoRowDescribesAreAmongTheAttributes(t *testing.T) {
	for _, p := range Platforms {
		for i := p.Instance; i != nil; i = i.otherwise {
			for _, fact := range i.moreFacts {
				found := false
				for _, s := range factSources {
					for _, name := range moreAttributes[p.ID] {
						found = found || s.name == fact && s.rank(strings.TrimSuffix(name, "_n")) >= 0
					}
				}
				testkit.Equal(t, p.ID+" has "+fact, found, true)
			}
		}
	}
}

func TestPlatformsAreAskedForTheFactAlone(t *testing.T) {
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		fmt.Fprint(w, map[string]string{"/zone-id": "a1", "/eipv4": "203.0.113.9"}[r.URL.Path])
	}))
	defer srv.Close()
	env := newEnv(t)
	env.Facts = &Facts{Answers: filepath.Join(env.Root, "answers")}
	instance := *aliyunInstance
	instance.url, instance.service = srv.URL+"/", nil
	env.Platform = Platform{ID: "aliyun", Name: "Alibaba", Instance: &instance}
	for fact, want := range map[string]string{"zone": "a1", "public-ipv4": "203.0.113.9"} {
		for range 2 {
			got, err := env.Facts.Get(t.Context(), env, fact)
			testkit.NoError(t, err)
			testkit.Equal(t, fact, got, want)
		}
	}
	// Who asks the platform for all it knows asks for nothing twice.
	answers, err := OpenAnswers(t.Context(), env.Facts.Answers, "afterburn", env.Log)
	testkit.NoError(t, err)
	zone, err := NewAsker(t.Context(), env, answers).value("zone-id")
	testkit.NoError(t, err)
	testkit.NoError(t, answers.Close(nil))
	testkit.Equal(t, "zone", zone, "a1")
	testkit.Equal(t, "asked for the zone", strings.Count(strings.Join(asked, " "), "/zone-id"), 1)
	testkit.Equal(t, "asked for the region", strings.Count(strings.Join(asked, " "), "/region"), 0)

	_, err = env.Facts.Get(t.Context(), env, "region")
	testkit.Contains(t, "error", report.Box("fetch", err), "Alibaba has none for this machine", "facts that this machine can have:", "instance-id")
}

func TestFactsInTheURLOfTheKernelCommandLine(t *testing.T) {
	var asked string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.RequestURI
		fmt.Fprint(w, "config")
	}))
	defer srv.Close()
	env := newEnv(t)
	env.Facts = new(Facts)
	machineFiles(t, env, map[string]string{"/proc/net/route": routes4, "/sys/class/net/ens6/address": "52:54:00:12:34:56\n", "/sys/class/dmi/id/product_serial": "S 1"})
	env.Arguments = map[string]string{"ignition.config.url": srv.URL + "/${fact:serial}?mac=${fact:mac}&x=$x"}
	data, err := userConfig(t.Context(), env, "")
	testkit.NoError(t, err)
	testkit.Equal(t, "asked", asked, "/S_1?mac=52%3A54%3A00%3A12%3A34%3A56&x=$x")
	testkit.Contains(t, "name", data.Name, "/S_1?... from the kernel command line")

	for url, want := range map[string]string{
		srv.URL + "/${fact:region}":                  "does not tell it",
		srv.URL + "/${fact:mak}":                     `there is no fact "mak"; did you mean "mac"?`,
		srv.URL + "/${fact:mac":                      "should be a name of letters",
		"http://user:secret@h/${fact:region}?key=s1": "ignition.config.url=http://h/$",
	} {
		env.Arguments["ignition.config.url"] = url
		_, err := userConfig(t.Context(), env, "")
		box := strings.Join(strings.Fields(strings.ReplaceAll(report.Box("fetch", err), "|", " ")), " ")
		if err == nil || !strings.Contains(box, want) || strings.Contains(box, "secret") || strings.Contains(box, "s1") {
			t.Errorf("%s: got %s", url, box)
		}
	}
	env.Fetch.Offline = true
	env.Facts = new(Facts)
	machineFiles(t, env, map[string]string{"/proc/net/route": routeHead})
	env.Arguments["ignition.config.url"] = srv.URL + "/?mac=${fact:mac}"
	_, err = userConfig(t.Context(), env, "")
	testkit.Equal(t, "needs the network", errors.Is(err, fetch.ErrNeedNetwork), true)
}
