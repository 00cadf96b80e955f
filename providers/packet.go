package providers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Platform packet: Equinix Metal, which was Packet. It also wants to hear how
// provisioning goes.
// https://deploy.equinix.com/developers/docs/metal/server-metadata/metadata/
var packet = &service{platform: "Equinix Metal", neverNotFound: true, userData: imds.Request{
	URL:    packetService + "/userdata",
	Header: acceptAll,
}}

const packetService = "https://metadata.packet.net"

// acceptAll is for services that answer 406 to those who prefer anything.
var acceptAll = []string{"Accept", "*/*"}

// packetStatusTime bounds the telling of a status: nobody's boot should wait
// for it.
const packetStatusTime = 5 * time.Second

// notifyPacket adds an event to the machine's timeline. There is one service that
// says where, and another one that takes it.
func notifyPacket(ctx context.Context, env *Env, stage string, failure error) error {
	if env.Fetch.Offline {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, packetStatusTime)
	defer cancel()
	err := sendPacketEvent(ctx, env, packetEvent(stage, failure))
	if err != nil {
		return &report.Error{Doing: "telling Equinix Metal how the stage has ended", Err: err}
	}
	return nil
}

func sendPacketEvent(ctx context.Context, env *Env, event string) error {
	text, err := env.IMDS.Do(ctx, imds.Request{URL: packetService + "/metadata", Header: acceptAll, MaxBytes: 16 << 20})
	if err != nil {
		return err
	}
	home := json.Text(text, "phone_home_url")
	if home == "" {
		return errors.New("the machine's metadata has no phone_home_url")
	}
	_, err = env.IMDS.Do(ctx, imds.Request{Method: http.MethodPost, URL: strings.TrimSuffix(home, "/phone-home") + "/events",
		Header: []string{"Content-Type", "application/json"}, Body: []byte(event)})
	return err
}

// packetEvent is the JSON of an event. A failure is told as the report tells it.
func packetEvent(stage string, failure error) string {
	if failure == nil {
		return fmt.Sprintf(`{"state":"running","message":"[%s] Ignition status: finished successfully"}`, stage)
	}
	var problems []string
	for _, p := range report.Explain(failure) {
		problems = append(problems, p.String())
	}
	return fmt.Sprintf(`{"state":"failed","message":"[%s] Ignition error: %s"}`, stage, escapeJSON(strings.Join(problems, "; ")))
}

// escapeJSON makes a text fit to stand between the quotes of a JSON string.
func escapeJSON(text string) string {
	clean := strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(clean)
}
