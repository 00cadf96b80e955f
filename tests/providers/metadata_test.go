package providers_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/emulator"
)

const everywhere = emulator.LinkLocal

var notFound = answer{status: 404}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// emulations are of all services.
var emulations = emulator.Services

func find(t *testing.T, platform string) emulation {
	t.Helper()
	for _, e := range emulations {
		if e.Platform == platform {
			return e
		}
	}
	t.Fatalf("there is no emulation of %s", platform)
	return emulation{}
}

// config is one that can be told from others.
func config(mark string) string {
	return `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/` + mark + `"}]}}`
}

func answerOf(e emulation, text string) answer { return answer{body: e.UserData(text)} }

// wants are what a boot should leave: a config with a mark, none, or a report
// with these texts.
func (o outcome) wants(t *testing.T, mark string, box ...string) {
	t.Helper()
	switch {
	case len(box) == 0 && !o.cached, len(box) > 0 && o.cached, mark == "" && strings.Contains(o.config, "/etc/"), !strings.Contains(o.config, mark):
		t.Errorf("the config is %q, and should have %q\n%s\n%s", o.config, mark, o.box, o.log)
	}
	for _, text := range box {
		if !strings.Contains(o.box, text) {
			t.Errorf("%q is not in: %s", text, o.box)
		}
	}
}

// retryLine is in the log wherever the agent waits before it asks again.
const retryLine = "; again in "

// impatience is how long the agent waits for what does not come, on a machine
// with other things to do.
const impatience = 5 * time.Second

func TestEveryServiceGivesItsConfig(t *testing.T) {
	for _, e := range emulations {
		c := answerOf(e, config(e.Platform))
		for name, data := range map[string][]answer{
			"at once":         {c},
			"after a trouble": {{status: 503}, {status: 500}, c},
		} {
			t.Run(e.Platform+" "+name, func(t *testing.T) {
				cloud := &cloud{emulation: e, data: data}
				cloud.start(t)
				o := boot{platform: e.Platform}.run(t)
				o.wants(t, "/etc/"+e.Platform)
				if waited := strings.Contains(o.log, retryLine); waited != (len(data) > 1) {
					t.Errorf("the agent has waited: %v\n%s", waited, o.log)
				}
			})
		}
	}
}

func TestServicesAreGivenTheTimeThatTheyAskFor(t *testing.T) {
	for _, platform := range []string{"hetzner", "azure", "aliyun"} {
		t.Run(platform, func(t *testing.T) {
			e := find(t, platform)
			cloud := &cloud{emulation: e, data: []answer{{status: 429, after: "1"}, answerOf(e, config(platform))}}
			cloud.start(t)
			o := boot{platform: platform}.run(t)
			o.wants(t, "/etc/"+platform)
			if !strings.Contains(o.log, retryLine+"1") {
				t.Errorf("the agent has not waited for a second:\n%s", o.log)
			}
		})
	}
}

func TestMachinesWithoutUserDataBoot(t *testing.T) {
	for _, e := range emulations {
		for name, none := range map[string]answer{"as the vendor says": {status: e.None}, "200": {}, "204": {status: 204}} {
			t.Run(e.Platform+" "+name, func(t *testing.T) {
				cloud := &cloud{emulation: e, data: []answer{none}}
				cloud.start(t)
				o := boot{platform: e.Platform}.run(t)
				o.wants(t, "")
				if strings.Contains(o.log, retryLine) {
					t.Errorf("the agent has waited:\n%s", o.log)
				}
				if !strings.Contains(o.log, "there is no user config") {
					t.Error("the log does not say that there is no user config")
				}
			})
		}
	}
}

const wrongPlatform = "check that the kernel argument ignition.platform.id names the platform"

func TestServicesThatRefuse(t *testing.T) {
	for _, e := range emulations {
		t.Run(e.Platform, func(t *testing.T) {
			cloud := &cloud{emulation: e, data: []answer{{status: 403}}}
			cloud.start(t)
			o := boot{platform: e.Platform}.run(t)
			hint := wrongPlatform
			if e.Platform == "aws" {
				hint = "the metadata service is switched off for this instance"
			}
			o.wants(t, "", "getting the user config", "reading the user data of ", "the server answered 403 Forbidden", hint)
			if strings.Contains(o.log, retryLine) {
				t.Errorf("the agent has waited:\n%s", o.log)
			}
		})
	}
}

func TestStatusesWithAMeaning(t *testing.T) {
	const off = "the metadata service is switched off for this instance"
	for _, tc := range []struct {
		platform, name string
		tokens, data   []answer
		forgets        int
		mark           string
		box            []string
		requests       string
	}{
		{platform: "aws", name: "asks twice", mark: "/etc/aws", requests: "PUT /latest/api/token, GET /2019-10-01/user-data"},
		{platform: "aws", name: "knows no tokens", tokens: []answer{notFound}, mark: "/etc/aws"},
		{platform: "aws", name: "refuses PUT", tokens: []answer{{status: 405}}, mark: "/etc/aws"},
		{platform: "aws", name: "is switched off", tokens: []answer{{status: 403}}, box: []string{"/latest/api/token: the server answered 403 Forbidden", off}},
		{platform: "aws", name: "gets ready", tokens: []answer{{status: 503}, {}}, mark: "/etc/aws"},
		{platform: "aws", name: "forgets its token", forgets: 1, data: []answer{{status: 503}}, mark: "/etc/aws",
			requests: "PUT /latest/api/token, GET /2019-10-01/user-data, GET /2019-10-01/user-data, PUT /latest/api/token, GET /2019-10-01/user-data"},
		{platform: "akamai", name: "has no tokens", tokens: []answer{notFound}, box: []string{"/v1/token: the server answered 404 Not Found", "does not exist in each region"}},
		{platform: "akamai", name: "gives an empty token", tokens: []answer{{status: 204}}, box: []string{"/v1/token: the service gave an empty token", "start the machine again"}},
		{platform: "akamai", name: "has nothing", data: []answer{notFound}, box: []string{"/v1/user-data: the server answered 404 Not Found", "does not exist in each region"}},
		{platform: "akamai", name: "forgets its token", forgets: 1, data: []answer{{status: 503}}, mark: "/etc/akamai"},
		{platform: "aliyun", name: "asks twice", mark: "/etc/aliyun", requests: "PUT /latest/api/token, GET /latest/user-data"},
		{platform: "aliyun", name: "knows no tokens", tokens: []answer{notFound}, mark: "/etc/aliyun"},
		{platform: "aliyun", name: "forbids tokens", tokens: []answer{{status: 403}}, mark: "/etc/aliyun"},
		{platform: "azure", name: "does not know the machine yet", data: []answer{notFound, {status: 410}, {status: 429}}, mark: "/etc/azure"},
		{platform: "digitalocean", name: "has nothing", data: []answer{notFound}, box: []string{"404 Not Found", "DigitalOcean does not report missing user data by this status"}},
	} {
		t.Run(tc.platform+" "+tc.name, func(t *testing.T) {
			e := find(t, tc.platform)
			if tc.mark != "" {
				tc.data = append(tc.data, answerOf(e, config(tc.platform)))
			}
			cloud := &cloud{emulation: e, tokens: tc.tokens, data: tc.data, forgets: tc.forgets}
			cloud.start(t)
			boot{platform: tc.platform}.run(t).wants(t, tc.mark, tc.box...)
			if got := cloud.requests(); tc.requests != "" && got != tc.requests {
				t.Errorf("asked %s", got)
			}
		})
	}
}

func TestServicesThatNeverGetReady(t *testing.T) {
	for _, tc := range []struct {
		platform string
		data     answer
		box      []string
	}{
		{"azure", notFound, []string{"it took longer than 5s; the last error was: the server answered 404 Not Found", "give it more time with --fetch-timeout"}},
		{"gcp", answer{status: 503}, []string{"the last error was: the server answered 503 Service Unavailable", "the service is there but not ready"}},
		{"hetzner", answer{status: 429, after: "50"}, []string{"the server answered 429 Too Many Requests", "the service is there but not ready"}},
	} {
		t.Run(tc.platform, func(t *testing.T) {
			cloud := &cloud{emulation: find(t, tc.platform), data: []answer{tc.data}}
			cloud.start(t)
			o := boot{platform: tc.platform, patience: impatience}.run(t)
			o.wants(t, "", tc.box...)
		})
	}
}

func TestBase64(t *testing.T) {
	for _, platform := range []string{"akamai", "azure", "oraclecloud"} {
		text := encoded(config(platform))
		for name, tc := range map[string]struct {
			body, mark string
			box        []string
		}{
			"wrapped lines":       {text[:40] + "\n" + text[40:60] + "\r\n " + text[60:] + "\n", "/etc/" + platform, nil},
			"something else":      {text[:40] + "\n{secret}" + text[40:], "", []string{"it should be base64, but its byte 42 (line 2, column 1) is invalid", "base64 -w0 CONFIG"}},
			"cut off":             {strings.TrimRight(text, "=")[:41], "", []string{"it should be base64, but ends in the middle of a group after 41 bytes"}},
			"a config as it is":   {config("secret"), "", []string{"it should be base64, but its byte 1 (line 1, column 1) is invalid"}},
			"a page in its place": {"<html>secret</html>", "", []string{"it should be base64"}},
		} {
			t.Run(platform+" "+name, func(t *testing.T) {
				cloud := &cloud{emulation: find(t, platform), data: []answer{{body: tc.body}}}
				cloud.start(t)
				o := boot{platform: platform}.run(t)
				o.wants(t, tc.mark, tc.box...)
				if strings.Contains(o.box+o.log, "secret") {
					t.Error("the user data is shown")
				}
			})
		}
	}
}

func TestUserDataThatIsNoConfigIsNamed(t *testing.T) {
	for _, platform := range []string{"aws", "hetzner", "oraclecloud"} {
		t.Run(platform, func(t *testing.T) {
			e := find(t, platform)
			cloud := &cloud{emulation: e, data: []answer{answerOf(e, "<html>secret</html>")}}
			cloud.start(t)
			o := boot{platform: platform}.run(t)
			o.wants(t, "", "user config (user data of ")
			if strings.Contains(o.box+o.log, "secret") {
				t.Errorf("the user data is shown:\n%s\n%s", o.box, o.log)
			}
		})
	}
}

func TestAddressesThatAppearLate(t *testing.T) {
	for _, platform := range []string{"hetzner", "scaleway", "aws", "aliyun"} {
		t.Run(platform, func(t *testing.T) {
			e := find(t, platform)
			cloud := &cloud{emulation: e, data: []answer{answerOf(e, config(platform))}}
			cloud.start(t)
			var restore []func()
			for _, host := range e.Hosts {
				restore = append(restore, without(t, withPrefix(host)))
			}
			const waiting = "no link: this machine has no network interface"
			o := boot{platform: platform, on: map[string]func(){waiting: func() {
				for _, f := range restore {
					f()
				}
			}}}.run(t)
			o.wants(t, "/etc/"+platform)
		})
	}
}

// A switch may take longer to forward packets than the agent asks a service.
func TestTheTimeoutBeginsWithTheRoute(t *testing.T) {
	for _, platform := range []string{"vultr", "aws"} {
		t.Run(platform, func(t *testing.T) {
			e := find(t, platform)
			cloud := &cloud{emulation: e, data: []answer{answerOf(e, config(platform))}}
			cloud.start(t)
			for _, host := range e.Hosts {
				without(t, withPrefix(host))
			}
			up := func(args ...string) {
				if err := ip(args...); err != nil {
					t.Error(err)
				}
			}
			up("link", "add", "late0", "type", "veth", "peer", "name", "late1")
			t.Cleanup(func() { up("link", "del", "late0") })
			const waiting = ": waiting for a network route to 169.254.169.254: no link: late1, late0 are not switched on yet (for 1" // more than 10 s
			began := time.Now()
			o := boot{platform: platform, patience: impatience, on: map[string]func(){waiting: func() {
				up("address", "add", withPrefix("169.254.169.254"), "dev", "late0")
				up("link", "set", "late0", "up")
				up("link", "set", "late1", "up")
			}}}.run(t)
			o.wants(t, "/etc/"+platform)
			if lasted := time.Since(began); lasted < 2*impatience {
				t.Errorf("it took only %v:\n%s", lasted, o.log)
			}
		})
	}
}

func withPrefix(host string) string {
	if strings.Contains(host, ":") {
		return host + "/128"
	}
	return host + "/32"
}

func TestMachineWithoutNetworkSaysSo(t *testing.T) {
	without(t, everywhere+"/32")
	o := boot{platform: "vultr", patience: impatience, arguments: "firstlight.network_timeout=1"}.run(t)
	o.wants(t, "", "asking http://169.254.169.254/user-data/user-data: this machine had no network route for 5s; the last error was: no link", "give the virtual machine a network card")
}

func TestNobodyListens(t *testing.T) {
	o := boot{platform: "upcloud", patience: impatience}.run(t)
	o.wants(t, "", "TCP: the server at 169.254.169.254:80 refuses the connection", wrongPlatform)
}

func TestServicesAtTwoAddresses(t *testing.T) {
	for _, e := range emulations {
		if len(e.Hosts) < 2 {
			continue
		}
		first, second := answerOf(e, config("first")), answerOf(e, config("second"))
		for name, tc := range map[string]struct {
			data, second []answer
			away         int // index of a host, or -1
			mark         string
		}{
			"IPv6 only":               {[]answer{first}, []answer{second}, 0, "/etc/second"},
			"IPv4 only":               {[]answer{first}, []answer{second}, 1, "/etc/first"},
			"both":                    {[]answer{first}, []answer{second}, -1, "/etc/first"},
			"nothing at the first":    {[]answer{notFound}, []answer{second}, -1, "/etc/second"},
			"empty at the first":      {[]answer{{}}, []answer{second}, -1, "/etc/second"},
			"forbidden at the first":  {[]answer{{status: 403}}, []answer{second}, -1, "/etc/second"},
			"nothing, and no second":  {[]answer{{}}, []answer{second}, 1, ""},
			"first is never ready":    {[]answer{{status: 503}}, []answer{second}, -1, "/etc/second"},
			"second takes some tries": {[]answer{notFound}, []answer{{status: 503}, second}, -1, "/etc/second"},
		} {
			t.Run(e.Platform+" "+name, func(t *testing.T) {
				cloud := &cloud{emulation: e, data: tc.data, second: tc.second}
				cloud.start(t)
				if tc.away >= 0 {
					without(t, withPrefix(e.Hosts[tc.away]))
				}
				o := boot{platform: e.Platform}.run(t)
				o.wants(t, tc.mark)
			})
		}
	}
}

func TestOffline(t *testing.T) {
	for _, e := range emulations {
		t.Run(e.Platform, func(t *testing.T) {
			o := boot{platform: e.Platform, stage: "fetch-offline"}.run(t)
			if o.cached || !o.neednet {
				t.Errorf("a config is there: %v, and the network was asked for: %v\n%s", o.cached, o.neednet, o.log)
			}
			for mark, b := range map[string]boot{
				"image":  {image: config("image")},
				"kernel": {arguments: "ignition.config.url=data:;base64," + encoded(config("kernel"))},
			} {
				b.platform, b.stage = e.Platform, "fetch-offline"
				o := b.run(t)
				o.wants(t, "/etc/"+mark)
				if o.neednet {
					t.Errorf("the network was asked for although the config came from the %s", mark)
				}
			}
		})
	}
}
