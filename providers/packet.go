package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Equinix Metal, formerly Packet. Provisioning reports its progress there.
var packet = &service{neverNotFound: true, request: imds.Request{
	URL:    packetService + "/userdata",
	Header: acceptAll,
}}

const packetService = "https://metadata.packet.net"

// acceptAll is for services that answer 406 to a request with preferences.
var acceptAll = []string{"Accept", "*/*"}

// packetStatusTime limits the report of a status: no boot should wait for it.
const packetStatusTime = 5 * time.Second

// notifyPacket adds an event to the machine's timeline. The metadata has the URL
// of the service that takes it.
func notifyPacket(ctx context.Context, env *Env, stage string, failure error) error {
	if env.Fetch.Offline {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, packetStatusTime)
	defer cancel()
	if err := sendPacketEvent(ctx, env, newPacketEvent(stage, failure)); err != nil {
		return &report.Error{Doing: "reporting to Equinix Metal how the stage has ended", Err: err}
	}
	return nil
}

func sendPacketEvent(ctx context.Context, env *Env, event packetEvent) error {
	text, err := env.IMDS.Do(ctx, imds.Request{URL: packetService + "/metadata", Header: acceptAll, MaxBytes: 16 << 20})
	if err != nil {
		return err
	}
	home := json.Text(text, "phone_home_url")
	if home == "" {
		return errors.New("the machine's metadata has no phone_home_url")
	}
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	_, err = env.IMDS.Do(ctx, imds.Request{Method: http.MethodPost, URL: strings.TrimSuffix(home, "/phone-home") + "/events",
		Header: []string{"Content-Type", "application/json"}, Body: body})
	return err
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
	var problems []string
	for _, p := range report.Explain(failure) {
		problems = append(problems, p.String())
	}
	return packetEvent{"failed", fmt.Sprintf("[%s] Ignition error: %s", stage, strings.Join(problems, "; "))}
}
