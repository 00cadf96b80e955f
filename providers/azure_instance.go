package providers

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/xmltext"
)

// Azure has two services that know a machine: the metadata service, and the fabric, also
// called the wire server, which wants to be told that the machine has booted.
// https://learn.microsoft.com/azure/virtual-machines/linux/no-agent
var azureInstanceMetadata = &Instance{
	service: azure, url: linkLocal + "/metadata/instance/compute/", required: true,
	attributes: []row{
		{"AZURE_VMSIZE", "vmSize?api-version=2017-08-01&format=text"},
	},
	moreAttributes: azureAddresses,
	facts: []factRow{
		{fact: "instance-id", at: azureDocument + "#compute/vmId"},
		{fact: "region", at: azureDocument + "#compute/location"},
		{fact: "zone", at: "?" + azureDocument + "#compute/zone"},
		{fact: "private-ipv4", at: azureAddress + "ipv4/ipAddress/*/privateIpAddress"},
		{fact: "private-ipv6", at: azureAddress + "ipv6/ipAddress/*/privateIpAddress"},
		{fact: "public-ipv4", at: azureAddress + "ipv4/ipAddress/*/publicIpAddress"},
	},
	hostname: "name?api-version=2017-08-01&format=text",
	keysBy:   azureKeys,
	checkIn:  azureCheckIn,
	admin:    azureAdmin,
}

// azureAddress begins the places of addresses.
const azureAddress = azureDocument + "#network/interface/*/"

// Azure Stack has no metadata service but for the name. Its SSH keys are in certificates
// that are encrypted for the machine, which is not supported.
var azurestackInstance = &Instance{
	service: azure, url: linkLocal + "/Microsoft.Compute/",
	required: true,
	hostname: "identity?api-version=2019-03-11#vmName",
	keysBy: func(a *Asker) ([]string, error) {
		state, err := a.goalState()
		if err == nil && strings.Contains(state, "<Certificates>") {
			err = &report.Error{Err: errors.New("they are in encrypted certificates, which this program does not read"), Hint: "give the machine its keys in its config"}
		}
		return nil, err
	},
	checkIn: azureCheckIn,
}

const (
	// azureFabric is the address of the fabric where DHCP says no other.
	azureFabric        = "168.63.129.16"
	azureFabricVersion = "2012-11-30"
	azureGoalState     = "/machine/?comp=goalstate"
)

// azureFabricRequest is what all requests to the fabric have in common.
var azureFabricRequest = imds.Request{Header: []string{"X-Ms-Agent-Name", "com.coreos.afterburn", "X-Ms-Version", azureFabricVersion}}

// azureKeys removes the line breaks that keys are folded by.
func azureKeys(a *Asker) ([]string, error) {
	values, err := a.values("publicKeys?api-version=2021-02-01#*/keyData")
	var keys []string
	for _, v := range values {
		keys = append(keys, strings.NewReplacer("\r", "", "\n", "").Replace(v.text))
	}
	return keys, err
}

// fabric returns the URL of the fabric, once it has said that it speaks our version.
func (a *Asker) fabric() (string, error) {
	address := azureFabric
	if found := leaseValues(a.env.Root, leaseFabric); len(found) > 0 {
		address = found[0]
	}
	url := "http://" + address
	text, err := a.fromFabric(url + "/?comp=versions")
	if err != nil {
		return "", err
	}
	versions, err := xmlTexts(text, "Version")
	if err == nil && !slices.Contains(versions, azureFabricVersion) {
		err = fmt.Errorf("the fabric at %s has not the version %s: it has %s", address, azureFabricVersion, fetch.Printable(strings.Join(versions, ", ")))
	}
	return url, err
}

// leaseFabric returns the address in DHCP option 245 of a lease: four bytes in
// hexadecimal.
func leaseFabric(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "OPTION_245=")
		b, err := hex.DecodeString(strings.ReplaceAll(value, ":", ""))
		if address, isIPv4 := netip.AddrFromSlice(b); ok && err == nil && isIPv4 && len(b) == 4 {
			return address.String()
		}
	}
	return ""
}

// fromFabric asks for a document of the fabric.
func (a *Asker) fromFabric(url string) (string, error) {
	r := azureFabricRequest
	r.URL = url
	text, there, err := a.request(r, isXML)
	if err == nil && !there {
		err = fmt.Errorf("the fabric has no %s", url)
	}
	return string(text), err
}

func isXML(text []byte) error {
	_, err := xmlTexts(string(text), "")
	return err
}

// goalState is what the fabric wants of this machine.
func (a *Asker) goalState() (string, error) {
	url, err := a.fabric()
	if err != nil {
		return "", err
	}
	return a.fromFabric(url + azureGoalState)
}

// azureAddresses are those of the role that this machine is in the fabric.
func azureAddresses(a *Asker) ([]Attribute, error) {
	state, err := a.goalState()
	if err != nil {
		return nil, err
	}
	urls, err := xmlTexts(state, "SharedConfig")
	if err != nil || len(urls) == 0 {
		return nil, errors.Join(err, a.noRole(len(urls)))
	}
	shared, err := a.fromFabric(strings.TrimSpace(urls[0]))
	if err != nil {
		return nil, err
	}
	dynamic, virtual, err := roleAddresses(shared)
	var all []Attribute
	if dynamic != "" {
		all = append(all, Attribute{"AZURE_IPV4_DYNAMIC", dynamic})
	}
	if virtual != "" {
		all = append(all, Attribute{"AZURE_IPV4_VIRTUAL", virtual})
	}
	return all, err
}

// noRole says that a machine is not in the fabric yet, which has no addresses of it.
func (a *Asker) noRole(found int) error {
	if found == 0 {
		a.env.Log.Warn("the fabric of Azure has no role for this machine, and no addresses")
	}
	return nil
}

// roleAddresses finds the instance that the document is for: its own address, and the
// last one that load is balanced to it from.
func roleAddresses(shared string) (dynamic, virtual string, err error) {
	own, inOwn := "", false
	err = eachToken(shared, func(t xmltext.Token) {
		switch {
		case t.Kind == xmltext.Start && t.Name == "Incarnation":
			own = t.Attributes["instance"]
		case t.Kind == xmltext.Start && t.Name == "Instance":
			if inOwn = own != "" && t.Attributes["id"] == own; inOwn {
				dynamic = t.Attributes["address"]
			}
		case t.Kind == xmltext.End && t.Name == "Instance":
			inOwn = false
		case t.Kind == xmltext.Start && t.Name == "Endpoint" && inOwn:
			if at, err := netip.ParseAddrPort(t.Attributes["loadBalancedPublicAddress"]); err == nil {
				virtual = at.Addr().String()
			}
		}
	})
	if _, invalid := netip.ParseAddr(dynamic); err == nil && dynamic != "" && invalid != nil {
		err = errors.New("the fabric's address of this machine is no IP address")
	}
	return dynamic, virtual, err
}

// eachToken visits what a document consists of.
func eachToken(document string, visit func(xmltext.Token)) error {
	d := xmltext.NewDecoder(document)
	for {
		t, err := d.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		visit(t)
	}
}

// xmlTexts are the texts of all elements of a name that have no others in them.
func xmlTexts(document, name string) ([]string, error) {
	var texts []string
	text, inside := "", false
	err := eachToken(document, func(t xmltext.Token) {
		switch t.Kind {
		case xmltext.Start:
			text, inside = "", t.Name == name
		case xmltext.Text:
			text += t.Text
		case xmltext.End:
			if inside && t.Name == name {
				texts = append(texts, strings.TrimSpace(text))
			}
			inside = false
		}
	})
	return texts, err
}

const (
	checkInTries = 6
	checkInPause = 5 * time.Second
)

// azureCheckIn tells the fabric that the machine is ready.
func azureCheckIn(a *Asker) error { return a.tellHealth("<State>Ready</State>") }

// maxAzureDescription is how much of a description Azure shows, in characters.
const maxAzureDescription = 512

// notifyAzure tells the fabric why the machine will not be ready, so that nobody has to wait
// until Azure gives it up. A stage that has ended well is no news.
func notifyAzure(ctx context.Context, env *Env, stage string, failure error) error {
	if failure == nil {
		return nil
	}
	why := []rune(failureText(stage, failure))
	if len(why) > maxAzureDescription {
		why = append(why[:maxAzureDescription-3], []rune("...")...)
	}
	return tellStatus(ctx, env, func(a *Asker) error {
		return a.tellHealth("<State>NotReady</State><Details><SubStatus>ProvisioningFailed</SubStatus><Description>" + xmlEscapes.Replace(string(why)) + "</Description></Details>")
	})
}

// tellHealth tells the fabric how the machine is. That has to name the incarnation of the
// goal state: when that has changed meanwhile, the answer is 410.
func (a *Asker) tellHealth(health string) error {
	var err error
	for try := range checkInTries {
		if try > 0 {
			if pauseErr := a.env.Fetch.Clock.Sleep(a.ctx, checkInPause); pauseErr != nil {
				return err
			}
		}
		if err = a.postHealth(health); err == nil {
			return nil
		}
		var status *fetch.StatusError
		if !errors.As(err, &status) || status.Code != http.StatusGone {
			return err
		}
	}
	return err
}

func (a *Asker) postHealth(health string) error {
	url, err := a.fabric()
	if err != nil {
		return err
	}
	ctx, cancel := a.env.withTimeout(a.ctx)
	defer cancel()
	state, err := a.fresh(ctx, url+azureGoalState)
	if err != nil {
		return err
	}
	var values []any
	for _, name := range []string{"Incarnation", "ContainerId", "InstanceId"} {
		found, err := xmlTexts(state, name)
		if err != nil || len(found) == 0 {
			return errors.Join(err, fmt.Errorf("the goal state of the fabric has no %s", name))
		}
		values = append(values, xmlEscapes.Replace(found[0]))
	}
	r := azureFabricRequest
	r.Method, r.URL, r.Body = http.MethodPost, url+"/machine/?comp=health", fmt.Appendf(nil, azureHealth, append(values, health)...)
	r.Header = append(slices.Clone(r.Header), "Content-Type", "text/xml; charset=utf-8")
	_, err = a.env.IMDS.Do(ctx, r)
	return err
}

// fresh asks the fabric whatever it has said before.
func (a *Asker) fresh(ctx context.Context, url string) (string, error) {
	r := azureFabricRequest
	r.URL, r.Check = url, isXML
	text, err := a.env.IMDS.Do(ctx, r)
	return string(text), err
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// azureHealth is the report, with the incarnation, the container, the role's instance and
// how that is.
const azureHealth = `<?xml version="1.0" encoding="utf-8"?>
<Health><GoalStateIncarnation>%s</GoalStateIncarnation><Container><ContainerId>%s</ContainerId><RoleInstanceList><Role><InstanceId>%s</InstanceId><Health>%s</Health></Role></RoleInstanceList></Container></Health>
`
