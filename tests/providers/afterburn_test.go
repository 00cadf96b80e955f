package providers_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// Synthetic keys.
const (
	key1 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
	key2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
	key3 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"
)

// An instance is a metadata service that knows a machine: texts by their URIs.
type instance struct {
	says map[string]string
	// broken are answers before those, by method and URI, each once; the last for ever if
	// its time is "forever".
	broken map[string][]answer
	// header is what each request has to have, token what a GET needs after a PUT.
	header, tokenURI, tokenName string
	// forgets is after how many requests a token is not known any more, if not 0.
	forgets int

	mu    sync.Mutex
	asked []string
	sent  []string // bodies, with method and URI
}

func (i *instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked = append(i.asked, r.Method+" "+r.RequestURI)
	name, value, _ := strings.Cut(i.header, ": ")
	text, known := i.says[r.RequestURI]
	key := r.Method + " " + r.RequestURI
	switch queue := i.broken[key]; {
	case r.Header.Get(name) != value:
		http.Error(w, "a header is missing", http.StatusBadRequest)
	case len(queue) > 0:
		a := queue[0]
		if a.after == "forever" {
			a.after = ""
		} else {
			i.broken[key] = queue[1:]
		}
		a.write(w, "")
	case r.Method == http.MethodPut && r.RequestURI == i.tokenURI:
		io.WriteString(w, i.token())
	case r.Method != http.MethodGet:
		body, _ := io.ReadAll(r.Body)
		i.sent = append(i.sent, r.Method+" "+r.RequestURI+" "+r.Header.Get("Content-Type")+" "+string(body))
	case i.tokenURI != "" && r.Header.Get(i.tokenName) != i.token() && len(i.broken["PUT "+i.tokenURI]) == 0:
		w.WriteHeader(http.StatusUnauthorized)
	case !known:
		w.WriteHeader(http.StatusNotFound)
	default:
		io.WriteString(w, text)
	}
}

// token is the one of the moment.
func (i *instance) token() string {
	if i.forgets > 0 && len(i.asked) > i.forgets {
		return "tok2"
	}
	return "tok1"
}

// count is how often each request was made.
func (i *instance) count() map[string]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	count := map[string]int{}
	for _, a := range i.asked {
		count[a]++
	}
	return count
}

// texts are those below a path, from lines of NAME=TEXT.
func texts(below, lines string) map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(lines, "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			all[below+name] = strings.ReplaceAll(keys.Replace(value), `\n`, "\n")
		}
	}
	return all
}

// text is one, as it is but for keys.
func text(uri, text string) map[string]string { return map[string]string{uri: keys.Replace(text)} }

// keys are what stands for them.
var keys = strings.NewReplacer("K1", key1, "K2", key2, "K3", key3)

// A machine is one boot: several runs of the program leave things on it.
type machine struct{ dir, home string }

// newMachine has a user core, and /run of its own.
func newMachine(t *testing.T) machine {
	t.Helper()
	dir := t.TempDir()
	m := machine{dir, filepath.Join(dir, "home")}
	testkit.NoError(t, os.Mkdir(m.home, 0o755))
	id := 1000
	if err := os.Chown(m.home, id, id); err != nil { // in a user namespace there is but one
		id = os.Getuid()
	}
	// Directories of tests are of who runs them.
	for at := dir; at != "/"; at = filepath.Dir(at) {
		testkit.NoError(t, os.Chmod(at, 0o755|os.ModeSticky))
	}
	testkit.WriteFile(t, filepath.Join(dir, "passwd"), fmt.Sprintf("root:x:0:0::/root:/bin/sh\ncore:x:%d:%d::%s:/bin/sh\n", id, id, m.home))
	mount := func(source, at, kind string, flags uintptr) {
		testkit.NoError(t, unix.Mount(source, at, kind, flags, ""))
		t.Cleanup(func() { testkit.NoError(t, unix.Unmount(at, unix.MNT_DETACH)) })
	}
	mount(filepath.Join(dir, "passwd"), "/etc/passwd", "", unix.MS_BIND)
	mount("tmpfs", "/run", "tmpfs", 0)
	return m
}

func (m machine) in(name string) string { return filepath.Join(m.dir, name) }

// afterburn runs the program, and returns its exit status and what it has printed.
func (m machine) afterburn(t *testing.T, args ...string) (status int, printed string) {
	t.Helper()
	link := m.in("afterburn")
	if err := os.Symlink(sandbox.Agent(), link); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), link, args...)
	cmd.Env = append(os.Environ(), "IGNITION_KERNEL_CMDLINE_PATH="+m.in("cmdline"))
	if !fileExists(m.in("cmdline")) {
		testkit.WriteFile(t, m.in("cmdline"), "quiet")
	}
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if found := jargon.FindString(string(out)); found != "" {
		t.Errorf("%q is in:\n%s", found, out)
	}
	return cmd.ProcessState.ExitCode(), unframed(string(out))
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// all does all actions.
func (m machine) all(t *testing.T, platform string) {
	t.Helper()
	status, printed := m.afterburn(t, "multi", "--fetch-timeout=20s", "--provider="+platform, "--attributes="+m.in("attributes"), "--hostname="+m.in("hostname"), "--ssh-keys=core")
	if status != 0 {
		t.Fatalf("status %d: %s", status, printed)
	}
}

// left is what runs have left.
func (m machine) left(t *testing.T) (attributes, hostname, keys string) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(text)
	}
	return read(m.in("attributes")), read(m.in("hostname")), read(filepath.Join(m.home, ".ssh/authorized_keys.d/afterburn"))
}

// An example is a machine on a platform, and what is to be known of it. Attributes are
// without AFTERBURN_.
type example struct {
	platform                   string
	instance                   *instance
	attributes, hostname, keys string
}

const azureFabricAddress = "168.63.129.16"

var goalState = `<GoalState><Incarnation>3</Incarnation><Container><ContainerId>c1</ContainerId><RoleInstanceList><RoleInstance><InstanceId>r1</InstanceId><Configuration><SharedConfig>http://` + azureFabricAddress + `/sc</SharedConfig></Configuration></RoleInstance></RoleInstanceList></Container></GoalState>`

func azureFabric(more map[string]string) *instance {
	says := map[string]string{
		"/?comp=versions":          "<Versions><Supported><Version>2011-08-31</Version><Version>2012-11-30</Version></Supported></Versions>",
		"/machine/?comp=goalstate": goalState,
		"/sc":                      `<SharedConfig><Incarnation number="3" instance="vm1"/><Instances><Instance id="vm0" address="10.0.0.9"/><Instance id="vm1" address="10.0.0.4"><InputEndpoints/></Instance></Instances></SharedConfig>`,
	}
	for uri, text := range more {
		says[uri] = text
	}
	return &instance{says: says}
}

// examples are made up by us, in the form of each platform.
func examples() []example {
	const imds = "/metadata/instance/compute/"
	return []example{
		{"aws", &instance{tokenURI: "/latest/api/token", tokenName: "X-Aws-Ec2-Metadata-Token", says: texts("/2021-01-03/", `
			meta-data/instance-id=i-0abc
			meta-data/instance-type=m7.tiny
			meta-data/local-ipv4=10.9.0.4
			meta-data/placement/availability-zone=xx-east-1a
			meta-data/placement/availability-zone-id=xxe1-az1
			meta-data/hostname=ip-10-9-0-4.xx.internal
			meta-data/public-hostname=
			meta-data/public-keys=0=alice
			meta-data/public-keys/0/openssh-key=K1 alice\n
			dynamic/instance-identity/document={"region":"xx-east-1","x":1}`)},
			"AWS_INSTANCE_ID=i-0abc AWS_INSTANCE_TYPE=m7.tiny AWS_IPV4_LOCAL=10.9.0.4 AWS_AVAILABILITY_ZONE=xx-east-1a AWS_AVAILABILITY_ZONE_ID=xxe1-az1 AWS_HOSTNAME=ip-10-9-0-4.xx.internal AWS_PUBLIC_HOSTNAME= AWS_REGION=xx-east-1",
			"ip-10-9-0-4.xx.internal", "K1 alice|"},
		{"akamai", &instance{tokenURI: "/v1/token", tokenName: "Metadata-Token", says: texts("/v1/", `
			instance={"id":77,"host_uuid":"hu","label":"box","region":"zz-1","type":"n-1","tags":["a","b"],"specs":{"vcpus":1,"memory":1024,"disk":25600,"transfer":1000,"gpus":0},"backups":{"enabled":false,"status":null}}
			network={"interfaces":[],"ipv4":{"public":["203.0.113.7/32"],"private":[],"shared":[]},"ipv6":{"slaac":"2001:db8::7/128","link_local":"fe80::7/128","ranges":["2001:db8:9::/64"],"shared_ranges":[]}}
			ssh-keys={"users":{"root":["K1 a"]}}`)},
			"AKAMAI_INSTANCE_ID=77 AKAMAI_INSTANCE_HOST_UUID=hu AKAMAI_INSTANCE_LABEL=box AKAMAI_INSTANCE_REGION=zz-1 AKAMAI_INSTANCE_TYPE=n-1 AKAMAI_INSTANCE_TAGS=a:b AKAMAI_PUBLIC_IPV4_0=203.0.113.7/32 AKAMAI_IPV6_SLAAC=2001:db8::7/128 AKAMAI_IPV6_LINK_LOCAL=fe80::7/128 AKAMAI_IPV6_RANGE_0=2001:db8:9::/64",
			"", "K1 a|"},
		{"aliyun", &instance{tokenURI: "/latest/api/token", tokenName: "X-Aliyun-Ecs-Metadata-Token", says: texts("/latest/meta-data/", `
			instance-id=i-z1
			region-id=yy-1
			hostname=ali1
			eipv4=
			public-keys/=0/\n1/\n2/
			public-keys/0/openssh-key=K2 b
			public-keys/1/openssh-key=K1 a
			public-keys/2/openssh-key=K2 b`)},
			"ALIYUN_HOSTNAME=ali1 ALIYUN_INSTANCE_ID=i-z1 ALIYUN_REGION_ID=yy-1", "ali1", "K1 a|K2 b|"},
		{"azure", azureFabric(texts(imds, "name?api-version=2017-08-01&format=text=vm1")), "", "", ""},
		{"azurestack", azureFabric(map[string]string{"/Microsoft.Compute/identity?api-version=2019-03-11": `{"vmName":"st1","subscriptionId":"s"}`}), "", "st1", ""},
		{"cloudstack-metadata", &instance{says: texts("/latest/meta-data/", `
			instance-id=ci
			local-ipv4=10.1.1.1
			public-keys=# c\n\nK3\n`)}, "CLOUDSTACK_INSTANCE_ID=ci CLOUDSTACK_IPV4_LOCAL=10.1.1.1", "", "K3 |"},
		{"exoscale", &instance{says: texts("/1.0/meta-data/", `
			instance-id=ei
			local-hostname=exo1
			public-hostname=p
			availability-zone=ch
			public-ipv4=192.0.2.1
			local-ipv4=192.0.2.2
			service-offering=Tiny machine
			cloud-identifier=CloudStack-{1}
			vm-id=v
			public-keys=K1 a\n#\nK2`)},
			`EXOSCALE_INSTANCE_ID=ei EXOSCALE_LOCAL_HOSTNAME=exo1 EXOSCALE_PUBLIC_HOSTNAME=p EXOSCALE_AVAILABILITY_ZONE=ch EXOSCALE_PUBLIC_IPV4=192.0.2.1 EXOSCALE_LOCAL_IPV4=192.0.2.2 EXOSCALE_SERVICE_OFFERING="Tiny_machine" EXOSCALE_CLOUD_IDENTIFIER="CloudStack-{1}" EXOSCALE_VM_ID=v`,
			"exo1", "K1 a|K2 |"},
		{"digitalocean", &instance{says: texts("/metadata/", `v1.json={"hostname":"web1","region":"qq9","public_keys":["K1 a"],"dns":{"nameservers":["198.51.100.53"]},"interfaces":{"public":[{"mac":"04:01:0a:0b:0c:0d","type":"public","ipv4":{"ip_address":"203.0.113.10","netmask":"255.255.240.0","gateway":"203.0.112.1"},"anchor_ipv4":{"ip_address":"10.17.0.5","netmask":"255.255.0.0","gateway":"10.17.0.1"}}]}}`)},
			"DIGITALOCEAN_HOSTNAME=web1 DIGITALOCEAN_REGION=qq9 DIGITALOCEAN_IPV4_PUBLIC_0=203.0.113.10 DIGITALOCEAN_IPV4_ANCHOR_0=10.17.0.5", "web1", "K1 a|"},
		{"gcp", &instance{header: "Metadata-Flavor: Google", says: texts("/computeMetadata/v1/", `
			instance/hostname=g1.c.p.internal
			instance/network-interfaces/0/ip=10.2.0.3
			instance/network-interfaces/0/access-configs/0/external-ip=
			instance/machine-type=projects/1/machineTypes/t1
			instance/attributes/ssh-keys=bob:K1 bob\n\neve:K2
			project/attributes/ssh-keys=ann:K3 ann`)},
			"GCP_HOSTNAME=g1.c.p.internal GCP_IP_LOCAL_0=10.2.0.3 GCP_MACHINE_TYPE=projects/1/machineTypes/t1", "g1.c.p.internal", "K1 bob|K2 |K3 ann|"},
		{"hetzner", &instance{says: texts("/hetzner/v1/metadata", `
			=hostname: h1\ninstance-id: 42\npublic-ipv4: 192.0.2.9\nregion: rr\navailability-zone: rr-1\nnetwork-config:\n  config:\n  - {type: physical, name: eth0, mac_address: "96:00:00:aa:bb:cc", subnets: [{type: dhcp, ipv4: true}, {type: static, ipv6: true, address: "2001:db8:5::1/64", gateway: "fe80::1", dns_nameservers: ["2001:db8::53"]}]}
			/private-networks=- ip: 10.0.0.2
			/hostname=h1
			/public-keys=["K1 a"]`)},
			"HETZNER_AVAILABILITY_ZONE=rr-1 HETZNER_HOSTNAME=h1 HETZNER_INSTANCE_ID=42 HETZNER_PUBLIC_IPV4=192.0.2.9 HETZNER_REGION=rr HETZNER_PRIVATE_IPV4_0=10.0.0.2 HETZNER_PUBLIC_IPV6=2001:db8:5::1", "h1", "K1 a|"},
		{"openstack-metadata", &instance{says: texts("/", `
			openstack/2012-08-10/meta_data.json={"uuid":"u-1"}
			latest/meta-data/hostname=os1.local
			latest/meta-data/instance-id=i-1
			latest/meta-data/public-ipv4=
			latest/meta-data/public-keys=0=k
			latest/meta-data/public-keys/0/openssh-key=K2 k`)},
			"OPENSTACK_HOSTNAME=os1.local OPENSTACK_INSTANCE_ID=i-1 OPENSTACK_INSTANCE_UUID=u-1 OPENSTACK_IPV4_PUBLIC=", "os1.local", "K2 k|"},
		{"oraclecloud", &instance{header: "Authorization: Bearer Oracle", says: text("/opc/v2/instance", `{"availabilityDomain":"ad","faultDomain":"fd","compartmentId":"c","canonicalRegionName":"r-1","hostname":"o1","id":"oid","shape":"s1","metadata":{"ssh_authorized_keys":"K1 a\nK2 b\n","compute_management":{"x":"y"}}}`)},
			"ORACLECLOUD_AVAILABILITY_DOMAIN=ad ORACLECLOUD_COMPARTMENT_ID=c ORACLECLOUD_FAULT_DOMAIN=fd ORACLECLOUD_HOSTNAME=o1 ORACLECLOUD_INSTANCE_ID=oid ORACLECLOUD_INSTANCE_SHAPE=s1 ORACLECLOUD_REGION_ID=r-1", "o1", "K1 a|K2 b|"},
		{"scaleway", &instance{says: text("/conf?format=json", `{"commercial_type":"T1","hostname":"s1","id":"sid","location":{"zone_id":"z1"},"private_ip":null,"public_ip":{"address":"198.51.100.4"},"ssh_public_keys":[{"key":"K1 a"}]}`)},
			"SCALEWAY_HOSTNAME=s1 SCALEWAY_INSTANCE_ID=sid SCALEWAY_INSTANCE_TYPE=T1 SCALEWAY_ZONE_ID=z1 SCALEWAY_IPV4_PUBLIC=198.51.100.4", "s1", "K1 a|"},
		{"upcloud", &instance{says: texts("/metadata/v1/", `
			hostname=up1
			instance_id=00ab
			region=
			public_keys=K1 a\nbroken\nK2 b`)}, "UPCLOUD_HOSTNAME=up1 UPCLOUD_INSTANCE_ID=00ab", "up1", "K1 a|K2 b|"},
		{"vultr", &instance{says: texts("/v1/", `
			hostname=up1
			instanceid=00ab
			region/regioncode=EX
			public-keys=K1 a\nbroken\nK2 b`)}, "VULTR_HOSTNAME=up1 VULTR_INSTANCE_ID=00ab VULTR_REGION_CODE=EX", "up1", "K1 a|K2 b|"},
	}
}

// exampleOf is the one of a platform.
func exampleOf(t *testing.T, platform string) example {
	t.Helper()
	all := examples()
	i := slices.IndexFunc(all, func(e example) bool { return e.platform == platform })
	if i < 0 {
		t.Fatalf("there is no example of %s", platform)
	}
	e := all[i]
	if platform == "azure" {
		for uri, text := range map[string]string{"name?api-version=2017-08-01&format=text": "vm1", "vmSize?api-version=2017-08-01&format=text": "S_1",
			"publicKeys?api-version=2021-02-01": `[{"keyData":"` + key1 + ` \r\naz\n","path":"/home/u"}]`} {
			e.instance.says["/metadata/instance/compute/"+uri] = text
		}
		e.attributes, e.hostname, e.keys = "AZURE_VMSIZE=S_1 AZURE_IPV4_DYNAMIC=10.0.0.4", "vm1", "K1 az|"
	}
	return e
}

// wants compares what a run has left.
func (e example) wants(t *testing.T, m machine) {
	t.Helper()
	attributes, hostname, keyFile := m.left(t)
	want := ""
	for a := range strings.FieldsSeq(e.attributes) {
		want += "AFTERBURN_" + strings.NewReplacer("Tiny_machine", "Tiny machine", "·", " ", "¶", "\n").Replace(a) + "\n"
	}
	testkit.Equal(t, "attributes", attributes, want)
	if e.hostname != "" {
		e.hostname += "\n"
	}
	testkit.Equal(t, "hostname", hostname, e.hostname)
	testkit.Equal(t, "keys", keyFile, strings.ReplaceAll(keys.Replace(e.keys), "|", "\n"))
}

// atLease has the machine know its DHCP server.
func atLease(t *testing.T, text string) {
	t.Helper()
	testkit.WriteFile(t, "/run/systemd/netif/leases/2", text)
}

func TestExamplesOfInstances(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.platform, func(t *testing.T) {
			e := exampleOf(t, e.platform)
			m := newMachine(t)
			atLease(t, "ADDRESS=192.0.2.9\nSERVER_ADDRESS=127.0.0.1\n")
			serve(t, e.instance)
			m.all(t, e.platform)
			e.wants(t, m)
		})
	}
}

// What several programs of one boot want to know is asked once.
func TestEachPathIsAskedOnceInABoot(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.platform, func(t *testing.T) {
			e := exampleOf(t, e.platform)
			m := newMachine(t)
			atLease(t, "SERVER_ADDRESS=127.0.0.1\n")
			serve(t, e.instance)
			// A host that is slow would have the other one asked as well.
			if i := slices.IndexFunc(emulations, func(other emulation) bool { return other.Platform == e.platform }); i >= 0 && len(emulations[i].Hosts) > 1 {
				without(t, withPrefix(emulations[i].Hosts[1]))
			}
			var runs sync.WaitGroup
			for _, flag := range []string{"--attributes=" + m.in("attributes"), "--hostname=" + m.in("hostname"), "--ssh-keys=core"} {
				runs.Go(func() {
					if status, printed := m.afterburn(t, "multi", "--fetch-timeout=20s", "--provider="+e.platform, flag); status != 0 {
						t.Errorf("%s: status %d: %s", flag, status, printed)
					}
				})
			}
			runs.Wait()
			e.wants(t, m)
			for request, count := range e.instance.count() {
				if most := 1 + 2*strings.Count(request[:3], "PUT"); count > most { // a token for each process
					t.Errorf("%s was asked %d times", request, count)
				}
			}
		})
	}
}

// forever is an answer that a service repeats.
func forever(status int) []answer { return []answer{{status: status, after: "forever"}} }

// A fault is something wrong with a service, and what comes of it.
func TestFaultsOfInstances(t *testing.T) {
	const md = "/2021-01-03/meta-data/"
	for name, tc := range map[string]struct {
		platform string
		broken   map[string][]answer
		says     map[string]string
		change   func(e *example)
		printed  []string // of a run that fails
	}{
		"a token that is refused": {platform: "aws", broken: map[string][]answer{"PUT /latest/api/token": forever(403)}},
		"a list of keys with a line that is none": {platform: "aws", says: map[string]string{md + "public-keys": "0=a=b"},
			printed: []string{`writing the SSH keys of user "core"`, `the list of SSH keys has the line "0=a=b", and not INDEX=NAME`, "this is an error of the platform"}},
		"a value that cannot be had": {platform: "aws", broken: map[string][]answer{"GET " + md + "instance-id": forever(503)},
			printed: []string{"reading the attribute AWS_INSTANCE_ID", "the server answered 503", "--fetch-timeout"}},
		"a value that is not there yet": {platform: "exoscale", broken: map[string][]answer{"GET /1.0/meta-data/instance-id": {{status: 404}, {status: 429, after: "1"}}}},
		"a value that never comes": {platform: "exoscale", broken: map[string][]answer{"GET /1.0/meta-data/vm-id": forever(404)},
			printed: []string{"reading the attribute EXOSCALE_VM_ID", "404", "give it more time with --fetch-timeout"}},
		"garbage first": {platform: "oraclecloud", broken: map[string][]answer{"GET /opc/v2/instance": {{body: "<html>"}, {body: `{"id": `}}}},
		"garbage for ever": {platform: "digitalocean", broken: map[string][]answer{"GET /metadata/v1.json": {{body: "<html>"}}}, says: map[string]string{"/metadata/v1.json": "<html>"},
			printed: []string{"the answer makes no sense"}},
		"a member that is missing": {platform: "digitalocean", says: map[string]string{"/metadata/v1.json": `{"hostname": "x"}`},
			printed: []string{"reading the attribute DIGITALOCEAN_REGION: the metadata of DigitalOcean has no region"}},
		"a hostname in unicode": {platform: "vultr", says: map[string]string{"/v1/hostname": "héros"},
			printed: []string{`"héros" is no hostname`, "xn--", "give the machine another name at Vultr"}},
		"a hostname that is hostile": {platform: "vultr", says: map[string]string{"/v1/hostname": "x\n127.0.0.1 bank"},
			printed: []string{`"x?127.0.0.1 bank" is no hostname`}},
		"an over-long hostname": {platform: "vultr", says: map[string]string{"/v1/hostname": strings.Repeat("a", 60) + ".example.com"},
			change: func(e *example) {
				e.hostname = strings.Repeat("a", 60)
				e.attributes = strings.Replace(e.attributes, "up1", strings.Repeat("a", 60)+".example.com", 1)
			}},
		"a key with a line break": {platform: "hetzner", says: map[string]string{"/hetzner/v1/metadata/public-keys": `["` + key1 + ` a\nroot"]`},
			printed: []string{"key 1 of 1", "it has a line break", "remove this key from the machine at Hetzner Cloud"}},
		"a key with options": {platform: "hetzner", says: map[string]string{"/hetzner/v1/metadata/public-keys": `["command=\"echo \\\"a b\\\"\",no-pty  ` + key1 + `   a  b "]`},
			change: func(e *example) { e.keys = `command="echo \"a b\"",no-pty K1 a  b|` }},
		"no keys at all": {platform: "aws", says: map[string]string{md + "public-keys": ""}, change: func(e *example) { e.keys = "" }},
		"a value with what a shell would read": {platform: "upcloud", says: map[string]string{"/metadata/v1/region": "a \"b\" \\ $HOME `id`\nc'"},
			change: func(e *example) {
				e.attributes += ` UPCLOUD_REGION="a·\"b\"·\\·\$HOME·` + "\\`id\\`¶c'\""
			}},
	} {
		t.Run(name, func(t *testing.T) {
			e := exampleOf(t, tc.platform)
			e.instance.broken = tc.broken
			for uri, text := range tc.says {
				e.instance.says[uri] = text
			}
			m := newMachine(t)
			serve(t, e.instance)
			status, printed := m.afterburn(t, "multi", "--fetch-timeout=5s", "--provider="+tc.platform, "--attributes="+m.in("attributes"), "--ssh-keys=core", "--hostname="+m.in("hostname"))
			if len(tc.printed) > 0 {
				testkit.Equal(t, "status", status, 1)
				testkit.Contains(t, "what is printed", printed, tc.printed...)
				return
			}
			if status != 0 {
				t.Fatalf("status %d: %s", status, printed)
			}
			if tc.change != nil {
				tc.change(&e)
			}
			e.wants(t, m)
		})
	}
}

func TestTokenThatExpires(t *testing.T) {
	for _, platform := range []string{"aws", "akamai", "aliyun"} {
		t.Run(platform, func(t *testing.T) {
			e := exampleOf(t, platform)
			e.instance.forgets = 3
			m := newMachine(t)
			serve(t, e.instance)
			if hosts := find(t, platform).Hosts; len(hosts) > 1 { // a slow one would have the other asked as well
				without(t, withPrefix(hosts[1]))
			}
			m.all(t, platform)
			e.wants(t, m)
			testkit.Equal(t, "tokens", e.instance.count()["PUT "+e.instance.tokenURI], 2)
		})
	}
}

func TestInstanceWithALateNetwork(t *testing.T) {
	e := exampleOf(t, "hetzner")
	m := newMachine(t)
	serve(t, e.instance)
	restore := without(t, everywhere+"/32")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !fileExists("/run/ignition/metadata") { // it is at work
			time.Sleep(10 * time.Millisecond)
		}
		restore()
	}()
	m.all(t, "hetzner")
	<-done
	e.wants(t, m)
}

// A run that fails leaves what earlier ones have written.
func TestFailureLeavesTheFilesOfBefore(t *testing.T) {
	e := exampleOf(t, "hetzner")
	m := newMachine(t)
	serve(t, e.instance)
	m.all(t, "hetzner")
	e.instance.mu.Lock()
	e.instance.says["/hetzner/v1/metadata/public-keys"] = `["no key"]`
	e.instance.mu.Unlock()
	status, printed := m.afterburn(t, "multi", "--provider=hetzner", "--attributes="+m.in("attributes"), "--hostname="+m.in("hostname"), "--ssh-keys=core")
	testkit.Equal(t, "status", status, 1)
	testkit.Contains(t, "what is printed", printed, `key 1 of 1 ("no key")`)
	e.wants(t, m)
}

// Where a failure stops the boot, the emergency shell shows it.
func TestFailureInTheInitramfsIsLeftForItsShell(t *testing.T) {
	e := exampleOf(t, "vultr")
	e.instance.says["/v1/hostname"] = "two words"
	m := newMachine(t)
	serve(t, e.instance)
	testkit.NoError(t, errors.Join(os.Mkdir("/run/upper", 0o755), os.Mkdir("/run/work", 0o755)))
	testkit.NoError(t, unix.Mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir=/run/upper,workdir=/run/work"))
	t.Cleanup(func() { testkit.NoError(t, unix.Unmount("/etc", unix.MNT_DETACH)) })
	testkit.WriteFile(t, "/etc/initrd-release", "")
	status, printed := m.afterburn(t, "multi", "--provider=vultr", "--hostname="+m.in("hostname"))
	testkit.Equal(t, "status", status, 1)
	for where, text := range map[string]string{"standard error": printed, "the report": unframed(testkit.ReadFile(t, "/run/ignition/report.txt"))} {
		testkit.Contains(t, where, text, "operation writing the hostname of this machine", `"two words" is no hostname`, "give the machine another name at Vultr")
	}
}

func TestKeysThatAreGoneAreRemoved(t *testing.T) {
	e := exampleOf(t, "hetzner")
	m := newMachine(t)
	serve(t, e.instance)
	m.all(t, "hetzner")
	e.instance.mu.Lock()
	e.instance.says["/hetzner/v1/metadata/public-keys"] = `[]`
	e.instance.mu.Unlock()
	m.all(t, "hetzner") // somebody wants to know what has changed
	e.keys = ""
	e.wants(t, m)
}

// A platform without keys must not take those away that a machine has.
func TestKeysStayWherePlatformHasNone(t *testing.T) {
	e := exampleOf(t, "hetzner")
	m := newMachine(t)
	serve(t, e.instance)
	m.all(t, "hetzner")
	status, printed := m.afterburn(t, "multi", "--provider=kubevirt", "--ssh-keys=core", "--hostname="+m.in("hostname"))
	if status != 0 {
		t.Errorf("status %d: %s", status, printed)
	}
	e.wants(t, m)
}

func TestKeysAreTheUsers(t *testing.T) {
	e := exampleOf(t, "hetzner")
	m := newMachine(t)
	serve(t, e.instance)
	m.all(t, "hetzner")
	var home, stat unix.Stat_t
	testkit.NoError(t, unix.Stat(m.home, &home))
	for name, mode := range map[string]uint32{".ssh/authorized_keys.d/afterburn": 0o100600, ".ssh/authorized_keys.d": 0o040755, ".ssh": 0o040755} {
		testkit.NoError(t, unix.Lstat(filepath.Join(m.home, name), &stat))
		testkit.Equal(t, name, fmt.Sprintf("%o %d %d", stat.Mode, stat.Uid, stat.Gid), fmt.Sprintf("%o %d %d", mode, home.Uid, home.Gid))
	}
}

// Links of a user lead root nowhere.
func TestKeysDoNotLeaveWhatIsTheUsers(t *testing.T) {
	e := exampleOf(t, "hetzner")
	m := newMachine(t)
	var home unix.Stat_t
	testkit.NoError(t, unix.Stat(m.home, &home))
	if home.Uid == 0 {
		t.Log("there is only one user in this namespace, who may write everywhere")
		return
	}
	testkit.NoError(t, os.Mkdir(m.in("roots"), 0o755))
	testkit.NoError(t, os.Symlink(m.in("roots"), filepath.Join(m.home, ".ssh")))
	serve(t, e.instance)
	status, printed := m.afterburn(t, "multi", "--provider=hetzner", "--ssh-keys=core")
	testkit.Equal(t, "status", status, 1)
	testkit.Contains(t, "what is printed", printed, `writing the SSH keys of user "core"`, "permission denied", "keys go only where their user may write")
	entries, err := os.ReadDir(m.in("roots"))
	testkit.NoError(t, err)
	testkit.Equal(t, "entries", len(entries), 0)
}

// Of a machine of Vagrant's the attributes are what the machine sees, when it has its
// private network.
func TestVagrantsMachine(t *testing.T) {
	m := newMachine(t)
	hostname, err := os.Hostname()
	testkit.NoError(t, err)
	testkit.NoError(t, ip("link", "add", "eth1", "type", "veth", "peer", "name", "peer1"))
	t.Cleanup(func() { testkit.NoError(t, ip("link", "del", "eth1")) })
	done := make(chan error)
	go func() {
		for !fileExists("/run/ignition/metadata") { // it is at work
			time.Sleep(10 * time.Millisecond)
		}
		done <- ip("address", "add", "192.0.2.33/24", "dev", "eth1")
	}()
	m.all(t, "vagrant-virtualbox")
	testkit.NoError(t, <-done)
	attributes, _, _ := m.left(t)
	testkit.Equal(t, "attributes", attributes, "AFTERBURN_VAGRANT_VIRTUALBOX_HOSTNAME="+hostname+"\nAFTERBURN_VAGRANT_VIRTUALBOX_PRIVATE_IPV4=192.0.2.33\n")
}

func TestCheckIns(t *testing.T) {
	const health = "POST /machine/?comp=health text/xml; charset=utf-8 " + `<?xml version="1.0" encoding="utf-8"?>
<Health><GoalStateIncarnation>3</GoalStateIncarnation><Container><ContainerId>c1</ContainerId><RoleInstanceList><Role><InstanceId>r1</InstanceId><Health><State>Ready</State></Health></Role></RoleInstanceList></Container></Health>
`
	for platform, want := range map[string]string{
		"scaleway":   `PATCH /state application/json {"state_detail":"booted"}`,
		"azure":      health,
		"azurestack": health,
	} {
		t.Run(platform, func(t *testing.T) {
			e := exampleOf(t, platform)
			m := newMachine(t)
			serve(t, e.instance)
			status, printed := m.afterburn(t, "multi", "--fetch-timeout=20s", "--provider="+platform, "--check-in")
			if status != 0 {
				t.Errorf("status %d: %s", status, printed)
			}
			testkit.Equal(t, "what was sent", strings.Join(e.instance.sent, "\n"), want)
		})
	}
}

// The goal state may change while the machine boots: 410 says so.
func TestAzureCheckInWithTheIncarnationOfTheMoment(t *testing.T) {
	e := exampleOf(t, "azure")
	m := newMachine(t)
	serve(t, e.instance)
	m.all(t, "azure")
	e.instance.mu.Lock()
	e.instance.says["/machine/?comp=goalstate"] = strings.Replace(goalState, "<Incarnation>3<", "<Incarnation>4<", 1)
	e.instance.broken = map[string][]answer{"POST /machine/?comp=health": {{status: 410}}}
	e.instance.mu.Unlock()
	status, printed := m.afterburn(t, "multi", "--fetch-timeout=20s", "--provider=azure", "--check-in")
	if status != 0 || len(e.instance.sent) != 1 || !strings.Contains(e.instance.sent[0], "<GoalStateIncarnation>4<") {
		t.Errorf("status %d: %s; sent %q", status, printed, e.instance.sent)
	}
}

func TestCalls(t *testing.T) {
	m := newMachine(t)
	serve(t, exampleOf(t, "vultr").instance)
	for name, tc := range map[string]struct {
		cmdline string
		args    []string
		status  int
		printed string
	}{
		"as it was called before":   {"ignition.platform.id=vultr", []string{"--cmdline", "-hostname=" + m.in("h1")}, 0, ""},
		"with one dash":             {"ignition.platform.id=vultr", []string{"-cmdline", "-hostname", m.in("h2")}, 0, ""},
		"nothing":                   {"", nil, 1, "exactly one of --provider and --cmdline"},
		"no platform":               {"", []string{"multi", "--hostname=h"}, 1, "exactly one of --provider and --cmdline"},
		"two platforms":             {"ignition.platform.id=vultr", []string{"multi", "--cmdline", "--provider=aws"}, 1, "exactly one of"},
		"no platform on the kernel": {"ignition.platform.id=", []string{"multi", "--cmdline"}, 1, "the kernel command line has no ignition.platform.id=ID"},
		"an unknown platform":       {"", []string{"multi", "--provider=qemu", "--hostname=h"}, 1, `the platform "qemu" knows nothing of its machines`},
		"an unknown flag":           {"", []string{"multi", "--provider=aws", "--bogus"}, 1, "bogus"},
		"an unknown command":        {"", []string{"single"}, 1, `there is no command "single"`},
		"an argument too many":      {"", []string{"multi", "--provider=aws", "x"}, 1, `unexpected argument "x"`},
		"no action":                 {"", []string{"multi", "--provider=vultr"}, 0, ""},
		"help":                      {"", []string{"help"}, 0, "-check-in"},
		"--help":                    {"", []string{"--help"}, 0, "-ssh-keys"},
		"--version":                 {"", []string{"--version"}, 0, "afterburn 5.10.0 (Firstlight"},
		"an unknown user":           {"", []string{"multi", "--provider=vultr", "--ssh-keys=nobody-else"}, 1, "this machine has no such user"},
		"arguments of a person":     {"ip=x ignition.platform.id=vmware", []string{"exp", "rd-network-kargs", "--cmdline", "--default-value", "ip=auto"}, 0, ""},
		"no default":                {"", []string{"exp", "rd-network-kargs", "--provider=aws"}, 1, "--default-value is needed; it may be empty"},
		"an unknown experiment":     {"", []string{"exp", "other"}, 1, `there is no command "exp other"`},
		"only the word experiment":  {"", []string{"exp"}, 1, `there is no command "exp"`},
		"what it does not want":     {"", []string{"multi", "--provider=vultr", "--check-in"}, 0, ""},
	} {
		testkit.WriteFile(t, m.in("cmdline"), tc.cmdline)
		status, printed := m.afterburn(t, tc.args...)
		if status != tc.status || !strings.Contains(printed, tc.printed) {
			t.Errorf("%s: status %d: %s", name, status, printed)
		}
	}
	testkit.WriteFile(t, m.in("cmdline"), "ignition.platform.id=qemu coreos.oem.id=gce flatcar.oem.id=ec2")
	testkit.NoError(t, os.Symlink(sandbox.Agent(), m.in("coreos-metadata")))
	flatcar := exec.CommandContext(t.Context(), m.in("coreos-metadata"), "--cmdline", "--network-units="+m.in("units"))
	flatcar.Env = append(os.Environ(), "IGNITION_KERNEL_CMDLINE_PATH="+m.in("cmdline"))
	if out, err := flatcar.CombinedOutput(); err != nil {
		t.Errorf("coreos-metadata: %v\n%s", err, out)
	}
	for _, name := range []string{"h1", "h2"} {
		testkit.Equal(t, name, testkit.ReadFile(t, m.in(name)), "up1\n")
	}
}
