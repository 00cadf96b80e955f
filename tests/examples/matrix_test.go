//go:build soak

package examples

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

const (
	homeserver = "matrix.example.com"
	alice      = "@alice:" + homeserver
	password   = "correct horse battery staple"
)

// makeAccount is what the page of the example has an administrator do. The account is
// there in later boots.
var makeAccount = []string{
	`/bin/sh -c "until podman exec dendrite create-account --config dendrite.yaml --username alice --password '` + password + `' 2>&1 | tee /dev/stderr | grep -E 'Created account|M_USER_IN_USE'; do sleep 5; done"`,
}

func TestHomeserverKeepsItsMessages(t *testing.T) {
	_, text := read(t, "matrix")
	h, img := containerHost(t)
	disk, err := vm.NewDisk(t.TempDir(), "data", 1024)
	testkit.NoError(t, err)
	port, federation := freePort(t), freePort(t)
	o := newMachine(t, img, h.config(text, setup{
		name: "matrix", after: "After=matrix-pod.service nginx.service\n", commands: makeAccount, others: []string{h.containers(t)},
	}), disk)
	o.Memory = 2048
	o.Forward = map[int]int{port: 443, federation: 8448}

	// Requests come from one machine at a time.
	var talk func(*client) error
	talked := false
	h.whenUp("matrix", func(context.Context) {
		talked = true
		c := &client{port: port, federation: federation}
		if err := c.logIn(); err != nil {
			t.Error(err)
		} else if err := talk(c); err != nil {
			t.Error(err)
		}
	})
	boot := func(step string) {
		t.Helper()
		talked = false
		if res := vm.Boot(t, o); res.Initramfs {
			t.Fatalf("%s was stopped:\n%s", step, res.Report)
		}
		if t.Failed() || !talked {
			t.Fatalf("%s: the client has failed, or the machine has not come up", step)
		}
	}

	var first client
	var room, event string
	talk = func(c *client) (err error) {
		first = *c
		room, event, err = c.say("hello")
		return err
	}
	boot("the first boot")
	talk = func(c *client) error {
		if c.signingKey != first.signingKey || c.certificate != first.certificate {
			t.Error("the homeserver has other keys than before")
		}
		got, err := c.read(room, event)
		testkit.Equal(t, "message", got, "hello")
		return err
	}
	o.Arguments = "ignition.platform.id=qemu" + patience
	boot("the second boot")

	// A new machine with the old disk.
	again := newMachine(t, img, o.Config, disk)
	o.Root, o.Arguments = again.Root, again.Arguments
	boot("the first boot of another machine")
}

// A client talks to the homeserver by the client API of Matrix.
type client struct {
	port        int
	federation  int // the port for other servers
	token       string
	signingKey  string
	certificate string
}

func (c *client) logIn() error {
	var key struct {
		ServerName string          `json:"server_name"`
		Keys       json.RawMessage `json:"verify_keys"`
	}
	other := &client{port: c.federation}
	if err := other.do("GET", "/_matrix/key/v2/server", nil, &key); err != nil {
		return err
	}
	if key.ServerName != homeserver {
		return fmt.Errorf("the homeserver calls itself %q", key.ServerName)
	}
	c.signingKey = string(key.Keys)
	var server map[string]string
	if err := c.do("GET", "/.well-known/matrix/server", nil, &server); err != nil {
		return err
	}
	if server["m.server"] != homeserver+":443" {
		return fmt.Errorf("other servers are told %v", server)
	}
	var found struct {
		Homeserver struct {
			URL string `json:"base_url"`
		} `json:"m.homeserver"`
	}
	if err := c.do("GET", "/.well-known/matrix/client", nil, &found); err != nil {
		return err
	}
	if found.Homeserver.URL != "https://"+homeserver {
		return fmt.Errorf("clients are told %v", found)
	}
	var session struct {
		Token string `json:"access_token"`
		User  string `json:"user_id"`
	}
	login := map[string]any{"type": "m.login.password", "password": password, "identifier": map[string]string{"type": "m.id.user", "user": "alice"}}
	if err := c.do("POST", "/_matrix/client/v3/login", login, &session); err != nil {
		return err
	}
	if session.User != alice {
		return fmt.Errorf("logged in as %q", session.User)
	}
	c.token = session.Token
	return nil
}

// say sends a message to a new room.
func (c *client) say(text string) (room, event string, err error) {
	var made struct {
		Room  string `json:"room_id"`
		Event string `json:"event_id"`
	}
	if err := c.do("POST", "/_matrix/client/v3/createRoom", map[string]string{"preset": "private_chat"}, &made); err != nil {
		return "", "", err
	}
	message := map[string]string{"msgtype": "m.text", "body": text}
	err = c.do("PUT", "/_matrix/client/v3/rooms/"+url.PathEscape(made.Room)+"/send/m.room.message/1", message, &made)
	return made.Room, made.Event, err
}

// read returns the text of a message.
func (c *client) read(room, event string) (string, error) {
	var message struct {
		Sender  string
		Content struct{ Body string }
	}
	err := c.do("GET", "/_matrix/client/v3/rooms/"+url.PathEscape(room)+"/event/"+url.PathEscape(event), nil, &message)
	if err == nil && message.Sender != alice {
		err = fmt.Errorf("the sender is %q", message.Sender)
	}
	return message.Content.Body, err
}

// do requests a path and decodes the answer.
func (c *client) do(method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, fmt.Sprintf("https://127.0.0.1:%d%s", c.port, path), bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	// The certificate is the machine's own.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	c.certificate = string(res.TLS.PeerCertificates[0].Raw)
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, got)
	}
	return json.Unmarshal(got, answer)
}
