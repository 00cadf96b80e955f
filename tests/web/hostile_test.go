package web

import (
	"strings"
	"testing"
)

// Whatever is pasted is a text: none of it runs, and the page goes on.
func TestHostileTextsNeitherRunNorHang(t *testing.T) {
	header := "variant: fcos\nversion: 1.5.0\n"
	attack := `</script><script>document.title = "ran"</script><img src=x onerror='document.title = "ran"'><svg onload='document.title = "ran"'>`
	p := openPage(t, "")
	p.click("#tab-disks")
	for name, text := range map[string]string{
		"tags as keys":       header + "\"" + strings.ReplaceAll(attack, `"`, `\"`) + "\": 1\n",
		"tags as contents":   header + "storage:\n  files:\n    - path: /a\n      contents:\n        inline: |\n          " + attack + "\n",
		"tags as devices":    header + "storage:\n  disks:\n    - device: |-\n        /dev/" + attack + "\n      partitions: [{label: \"<b onclick=x>\"}]\n",
		"tags alone":         attack,
		"control characters": header + "\x00\x01\x1b[31m\u202e\u2028\ufeff\ufffd: \"\\e\\0\"\n",
		"deep YAML":          header + "storage: " + strings.Repeat("[", 100_000) + "\n",
		"deeper YAML":        header + "storage:\n" + strings.Repeat("- ", 20_000) + "a\n",
		"deep JSON":          `{"ignition": {"version": "3.4.0"}, "storage": ` + strings.Repeat(`{"files":`, 100_000),
		"many aliases":       header + "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nstorage: *e\n",
		"10 MB in one line":  `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "contents": {"source": "data:,` + strings.Repeat("a", 10<<20) + `"}}]}}`,
		"10 MB of lines":     header + "storage:\n  files:\n" + strings.Repeat("    # nothing here\n", 10<<20/19) + "    - path: /a\n",
		"many problems":      header + strings.Repeat("- : [\n", 1000) + "a: 1\n",
		"half a surrogate":   header + "a\ud7ff: 1\n",
	} {
		p.paste(text)
		if title := p.run(`document.title`); title != "Firstlight: check a config" {
			t.Fatalf("%s: it ran: the title is %v", name, title)
		}
		if n := p.run(`document.querySelectorAll("img:not(.cm-widgetBuffer), svg, b, script:not([type])").length`); n != 1.0 { // our own script
			t.Errorf("%s: it made %v elements", name, n)
		}
	}
	p.paste(header)
	if got := p.text("#summary"); got != "No problems" {
		t.Errorf("after all that: %q", got)
	}
}

// If something ran it could send nothing: each way to ask a server is refused.
func TestThePolicyRefusesRequests(t *testing.T) {
	p := openPage(t, "")
	p.attacks = true // Chromium logs what it refuses
	for name, attempt := range map[string]string{
		"fetch":     `fetch("http://127.0.0.1:9/")`,
		"image":     `document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/" }))`,
		"script":    `document.body.append(Object.assign(document.createElement("script"), { src: "http://127.0.0.1:9/" }))`,
		"style":     `document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "http://127.0.0.1:9/" }))`,
		"frame":     `document.body.append(Object.assign(document.createElement("iframe"), { src: "http://127.0.0.1:9/" }))`,
		"beacon":    `navigator.sendBeacon("http://127.0.0.1:9/", "x")`,
		"socket":    `new WebSocket("ws://127.0.0.1:9/")`,
		"inlined":   `document.body.append(Object.assign(document.createElement("script"), { textContent: "document.title = 'ran'" }))`,
		"evaluated": `new Function("document.title = 'ran'")()`,
		"form":      `(() => { const f = Object.assign(document.createElement("form"), { action: "http://127.0.0.1:9/" }); document.body.append(f); f.submit(); })()`,
	} {
		refused := p.run(`new Promise((done) => {
			addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective), { once: true });
			setTimeout(() => { try { Promise.resolve(` + attempt + `).catch(() => {}) } catch {} });
		})`)
		if directive, ok := refused.(string); !ok || directive == "" {
			t.Errorf("%s: %v", name, refused)
		}
	}
	if title := p.run(`document.title`); title == "ran" {
		t.Error("an inlined script ran")
	}
}
