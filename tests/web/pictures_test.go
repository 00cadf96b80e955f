package web

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// look gives the page a size and a colour scheme.
func (p *tab) look(scheme string, width, height int) {
	p.t.Helper()
	p.do("Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": scheme}}})
	p.do("Emulation.setDeviceMetricsOverride", object{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}

// picture saves what can be seen. WEB_PICTURES is where pictures are kept.
func (p *tab) picture(name string) {
	p.t.Helper()
	dir := os.Getenv("WEB_PICTURES")
	if dir == "" {
		dir = p.t.TempDir()
	}
	testkit.NoError(p.t, os.MkdirAll(dir, 0o755))
	var shot struct{ Data string }
	testkit.NoError(p.t, p.browser.call(p.session, "Page.captureScreenshot", object{"format": "png"}, &shot))
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	testkit.NoError(p.t, err)
	testkit.NoError(p.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// Four states that the page can be in, each of which has to fit its window.
func TestPictures(t *testing.T) {
	wrong := "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: etc/motd\n      mode: 644\n      contents:\n        inlin: hello\n"
	for _, c := range []struct {
		name, scheme  string
		width, height int
		prepare       func(p *tab)
	}{
		{"good-light", "light", 1280, 800, func(p *tab) { p.pointTo("source", "with_mount_unit") }},
		{"problems-dark", "dark", 1280, 800, func(p *tab) { p.paste(wrong) }},
		{"disks-light", "light", 1280, 800, func(p *tab) { p.click("#tab-disks") }},
		{"sizes-360", "dark", 360, 1400, func(p *tab) { p.paste(wrong); p.paste(wrong[:29]); p.click("#tab-sizes") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := openPage(t, "")
			p.look(c.scheme, c.width, c.height)
			c.prepare(p)
			p.picture(c.name)
			if wide := p.run(`document.documentElement.scrollWidth`).(float64); int(wide) > c.width {
				t.Errorf("the page is %g pixels wide, its window %d", wide, c.width)
			}
		})
	}
}

// axe-core knows the rules of WCAG 2.
func TestThePageIsAccessible(t *testing.T) {
	p := openPage(t, "") // which has npm install axe
	p.run(testkit.ReadFile(t, "../../web/node_modules/axe-core/axe.min.js"))
	for _, scheme := range []string{"light", "dark"} {
		p.look(scheme, 1280, 800)
		for _, state := range []struct {
			name string
			set  func()
		}{
			{"example", func() { p.click("#tab-output") }},
			{"sizes", func() { p.click("#tab-sizes") }},
			{"disks", func() { p.click("#tab-disks") }},
			{"problems", func() { p.paste("variant: fcos\nversion: 1.5.0\nunknown: 1\nstorage: [1]\n") }},
		} {
			state.set()
			found := p.run(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations
				.filter((v) => v.impact === "serious" || v.impact === "critical")
				.map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html.slice(0, 200) + " " + n.failureSummary).join("; ")).join("\n"))`)
			if found != "" {
				t.Errorf("%s, %s:\n%s", scheme, state.name, found)
			}
		}
	}
}
