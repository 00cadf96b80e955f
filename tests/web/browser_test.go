package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A browser is Chromium without a window. It is driven by its DevTools protocol over two
// pipes: JSON messages that end with NUL.
type browser struct {
	to   io.Writer
	stop func()

	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
	tabs    map[string]*tab // by session
	gone    error
}

// A reply is any message of the browser: an answer, which has an ID, or an event.
type reply struct {
	ID      int
	Method  string
	Session string `json:"sessionId"`
	Params  json.RawMessage
	Result  json.RawMessage
	Error   *struct{ Message string }
}

// chromium returns the program, which Debian, Fedora and Google name differently.
func chromium() string {
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			return name
		}
	}
	return names[0]
}

// running is the browser of all tests, if one was started.
var running *browser

// theBrowser starts it. TestMain stops it.
func theBrowser(t testing.TB) *browser {
	t.Helper()
	if running == nil {
		var err error
		running, err = startBrowser()
		testkit.NoError(t, err)
	}
	return running
}

func startBrowser() (*browser, error) {
	dir, err := os.MkdirTemp("", "firstlight-browser-")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--disable-background-networking", "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
		"--disable-component-update", "--no-first-run", "--remote-debugging-pipe", "--user-data-dir="+dir)
	cmd.Dir = dir
	theirInput, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	from, theirOutput, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.ExtraFiles = []*os.File{theirInput, theirOutput}
	b := &browser{to: to, waiting: map[int]chan reply{}, tabs: map[string]*tab{}}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w (tests/prepare installs chromium)", err)
	}
	theirInput.Close()
	theirOutput.Close()
	go b.read(from)
	b.stop = func() {
		to.Close() // which ends it
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		os.RemoveAll(dir)
	}
	return b, nil
}

func (b *browser) read(from io.Reader) {
	r := bufio.NewReader(from)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			b.end(err)
			return
		}
		var m reply
		if err := json.Unmarshal(bytes.TrimRight(text, "\x00"), &m); err != nil {
			b.end(err)
			return
		}
		b.mu.Lock()
		waiting, tab := b.waiting[m.ID], b.tabs[m.Session]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		if waiting != nil {
			waiting <- m
		} else if tab != nil {
			tab.event(m)
		}
	}
}

func (b *browser) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = fmt.Errorf("the browser has ended: %w", err)
	for _, waiting := range b.waiting {
		close(waiting)
	}
	b.waiting = nil
}

// call calls a method of the protocol, and fills in result unless that is nil.
func (b *browser) call(session, method string, params, result any) error {
	waiting, err := b.send(session, method, params)
	if err != nil {
		return err
	}
	m, ok := <-waiting
	switch {
	case !ok:
		return b.gone
	case m.Error != nil:
		return fmt.Errorf("%s: %s", method, m.Error.Message)
	case result == nil:
		return nil
	}
	return json.Unmarshal(m.Result, result)
}

func (b *browser) send(session, method string, params any) (chan reply, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone != nil {
		return nil, b.gone
	}
	b.last++
	m := map[string]any{"id": b.last, "method": method, "params": params}
	if session != "" {
		m["sessionId"] = session
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	waiting := make(chan reply, 1)
	b.waiting[b.last] = waiting
	_, err = b.to.Write(append(text, 0))
	return waiting, err
}

type object = map[string]any

// A tab is a page in the browser. It keeps what the page, or a worker of it, asks servers
// for, and what goes wrong in it.
type tab struct {
	t       testing.TB
	browser *browser
	session string

	mu       sync.Mutex
	requests map[string]string // URLs by ID
	faults   []string
	// attacks reports whether a test has made the errors itself.
	attacks bool
}

// open shows our page in a tab.
func (b *browser) open(t testing.TB, url string) *tab {
	t.Helper()
	p := b.newTab(t)
	p.goTo(url)
	return p
}

func (b *browser) newTab(t testing.TB) *tab {
	t.Helper()
	var target struct{ TargetID string }
	testkit.NoError(t, b.call("", "Target.createTarget", object{"url": "about:blank"}, &target))
	var attached struct{ SessionID string }
	testkit.NoError(t, b.call("", "Target.attachToTarget", object{"targetId": target.TargetID, "flatten": true}, &attached))
	p := &tab{t: t, browser: b, session: attached.SessionID, requests: map[string]string{}}
	b.mu.Lock()
	b.tabs[p.session] = p
	b.mu.Unlock()
	p.do("Target.setAutoAttach", object{"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true})
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		p.do(domain+".enable", object{})
	}
	t.Cleanup(func() { _ = b.call("", "Target.closeTarget", object{"targetId": target.TargetID}, nil) })
	return p
}

func (p *tab) goTo(url string) {
	p.t.Helper()
	p.do("Page.navigate", object{"url": url})
	p.wait(`document.readyState === "complete" && document.body.dataset.state === "checked"`)
}

// event is called by the reader, which it must not have wait.
func (p *tab) event(m reply) {
	var e struct {
		SessionID        string
		RequestID        string
		BlockedReason    string
		Request          struct{ URL string }
		Entry            struct{ Level, Text string }
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	_ = json.Unmarshal(m.Params, &e)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.Method {
	case "Target.attachedToTarget": // a worker, which starts when it is watched
		p.browser.mu.Lock()
		p.browser.tabs[e.SessionID] = p
		p.browser.mu.Unlock()
		for _, method := range []string{"Network.enable", "Runtime.enable", "Runtime.runIfWaitingForDebugger"} {
			_, _ = p.browser.send(e.SessionID, method, object{})
		}
	case "Network.requestWillBeSent":
		p.requests[m.Session+e.RequestID] = e.Request.URL
	case "Network.loadingFailed":
		if e.BlockedReason == "csp" { // before it left
			delete(p.requests, m.Session+e.RequestID)
		}
	case "Runtime.exceptionThrown":
		p.faults = append(p.faults, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
	case "Log.entryAdded":
		if e.Entry.Level == "error" {
			p.faults = append(p.faults, e.Entry.Text)
		}
	}
}

// asked returns what servers, and files, were asked for.
func (p *tab) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, url := range p.requests {
		if !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") {
			all = append(all, url)
		}
	}
	return all
}

// wrong returns exceptions and errors of the page.
func (p *tab) wrong() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.attacks {
		return ""
	}
	return strings.Join(p.faults, "\n")
}

func (p *tab) do(method string, params any) {
	p.t.Helper()
	testkit.NoError(p.t, p.browser.call(p.session, method, params, nil))
}

// run runs JavaScript in the page, waits for its promise, and returns its value.
func (p *tab) run(script string) any {
	p.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	testkit.NoError(p.t, p.browser.call(p.session, "Runtime.evaluate", object{"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &r))
	if e := r.ExceptionDetails; e != nil {
		p.t.Fatalf("%s %s\n%s", e.Text, e.Exception.Description, script)
	}
	return r.Result.Value
}

// wait waits until an expression of JavaScript is true.
func (p *tab) wait(condition string) {
	p.t.Helper()
	p.run(`new Promise((done) => { const ask = () => (` + condition + `) ? done() : setTimeout(ask, 5); ask(); })`)
}

// key presses a key, with Ctrl if that is set.
func (p *tab) key(key string, code int, ctrl bool) {
	p.t.Helper()
	modifiers := 0
	if ctrl {
		modifiers = 2
	}
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		p.do("Input.dispatchKeyEvent", object{"type": kind, "key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers})
	}
}

// quote makes a literal of JavaScript.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // no string fails
	}
	return string(b)
}
