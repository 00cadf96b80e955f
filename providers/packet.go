package providers

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Equinix Metal, formerly Packet. Provisioning reports its progress there.
var packet = &service{neverNotFound: true, request: imds.Request{
	URL:    packetService + "/userdata",
	Header: acceptAll,
}}

const packetService = "https://metadata.packet.net"

// acceptAll is for services that answer 406 to a request with preferences.
var acceptAll = []string{"Accept", "*/*"}

// notifyPacket adds an event to the machine's timeline. The metadata has the URL
// of the service that takes it.
func notifyPacket(ctx context.Context, env *Env, stage string, failure error) error {
	return tellStatus(ctx, env, func(a *Asker) error {
		home, err := a.value("#phone_home_url")
		if err != nil {
			return err
		}
		body, err := json.Marshal(newPacketEvent(stage, failure))
		if err != nil {
			return err
		}
		_, err = env.IMDS.Do(a.ctx, imds.Request{Method: http.MethodPost, URL: strings.TrimSuffix(home, "/phone-home") + "/events",
			Header: []string{"Content-Type", "application/json"}, Body: body})
		return err
	})
}

// A packetEvent is an entry of the timeline.
type packetEvent struct {
	State   string `json:"state"`
	Message string `json:"message"`
}

func newPacketEvent(stage string, failure error) packetEvent {
	if failure == nil {
		return packetEvent{"running", fmt.Sprintf("[%s] Ignition status: finished successfully", stage)}
	}
	return packetEvent{"failed", failureText(stage, failure)}
}

var packetInstance = &Instance{
	service: packet, url: packetService + "/metadata", required: true,
	moreAttributes: packetAddresses, moreFacts: []string{"private-ipv4", "private-ipv6", "public-ipv4", "public-ipv6"},
	attributes: []row{
		{"PACKET_HOSTNAME", "#hostname"},
		{"PACKET_PLAN", "#plan"},
		{"PACKET_PHONE_HOME_URL", "#phone_home_url"},
	},
	facts:    []factRow{{fact: "instance-id", at: "#id"}, {fact: "zone", at: "#facility"}},
	hostname: "#hostname",
	keys:     "#ssh_keys/*",
	network:  packetNetwork,
	checkIn: func(a *Asker) error {
		home, err := a.value("#phone_home_url")
		if err != nil {
			return err
		}
		return a.send(imds.Request{Method: http.MethodPost, URL: home, Header: []string{"Content-Type", "application/json"}})
	},
}

// packetNetwork has the name servers that this machine asks now: the metadata have none.
func packetNetwork(a *Asker) (*network.Config, error) {
	var servers []netip.Addr
	for _, file := range []struct{ name, key string }{{"/run/systemd/netif/state", "DNS="}, {"/etc/resolv.conf", "nameserver "}} {
		text, _ := system.ReadFile(filepath.Join(a.env.Root, file.name), system.SettingsText) // one of them is enough
		for line := range strings.Lines(string(text)) {
			values, found := strings.CutPrefix(line, file.key)
			for value := range strings.FieldsSeq(values) {
				if server, err := netip.ParseAddr(value); found && err == nil && len(servers) < maxServers {
					servers = append(servers, server)
				}
			}
		}
		if len(servers) > 0 {
			return a.network("", func(text []byte, name string) (*network.Config, error) {
				return network.ParsePacket(text, name, servers)
			})
		}
	}
	return nil, &report.Error{Err: errors.New("no name server is known to this machine, and Equinix Metal does not name any"),
		Hint: "this has to run when the network is up, with systemd-networkd or /etc/resolv.conf"}
}

// maxServers is more than anything asks.
const maxServers = 16

// packetAddresses are numbered by family, and by whether they are public.
func packetAddresses(a *Asker) ([]Attribute, error) {
	n, err := a.document("")
	var all []Attribute
	count := map[string]int{}
	for _, address := range children(n.Member("network").Member("addresses")) {
		kind := "PACKET_IPV" + scalar(address.Member("address_family"))
		if scalar(address.Member("public")) == "true" {
			kind += "_PUBLIC"
		} else {
			kind += "_PRIVATE"
		}
		number := "_" + strconv.Itoa(count[kind])
		count[kind]++
		for _, r := range []row{{kind + number, "address"}, {kind + "_GATEWAY" + number, "gateway"}} {
			ip, err := netip.ParseAddr(scalar(address.Member(r.at)))
			if err != nil {
				return nil, fmt.Errorf("%s of network.addresses is no IP address", r.at)
			}
			all = append(all, Attribute{r.name, ip.String()})
		}
	}
	return all, err
}
