// Package web has the tests of the page in a real browser.
package web

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// file is the page, which is built once.
var file = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "firstlight-web-")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("make", "-s", "-C", "../..", "web", "BIN="+dir, "WEB="+dir).CombinedOutput()
	if err != nil {
		err = errors.New(string(out) + err.Error())
	}
	return filepath.Join(dir, "index.html"), err
})

func TestMain(m *testing.M) {
	status := m.Run()
	if running != nil {
		running.stop()
	}
	if page, err := file(); err == nil {
		os.RemoveAll(filepath.Dir(page))
	}
	os.Exit(status)
}

// openPage opens the page from its file, as there is no server that it needs.
func openPage(t testing.TB, fragment string) *tab {
	t.Helper()
	page, err := file()
	testkit.NoError(t, err)
	p := theBrowser(t).open(t, "file://"+page+fragment)
	t.Cleanup(func() {
		if wrong := p.wrong(); wrong != "" {
			t.Errorf("the page had errors:\n%s", wrong)
		}
		if asked := p.asked(); len(asked) != 1 || !strings.HasPrefix(asked[0], "file://"+page) {
			t.Errorf("the page asked for %q", asked)
		}
	})
	return p
}

// paste has a text take the place of what is in the editor, and waits for the answer.
func (p *tab) paste(text string) {
	p.t.Helper()
	p.run(`document.querySelector("#source .cm-content").focus()`)
	p.key("a", 65, true)
	p.run(`{
		const data = new DataTransfer();
		data.setData("text/plain", ` + quote(text) + `);
		document.querySelector("#source .cm-content").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
	}`)
	p.checked()
}

func (p *tab) checked() {
	p.t.Helper()
	p.wait(`document.body.dataset.state === "checked"`)
}

// output copies the translation.
func (p *tab) output() string { return p.copied("output") }

// copied is the whole text of a pane.
func (p *tab) copied(pane string) string {
	p.t.Helper()
	content := `document.querySelector("#` + pane + ` .cm-content")`
	p.run(content + `.focus()`)
	p.key("a", 65, true)
	return p.run(`(() => {
		const data = new DataTransfer();
		` + content + `.dispatchEvent(new ClipboardEvent("copy", { clipboardData: data, bubbles: true, cancelable: true }));
		return data.getData("text/plain");
	})()`).(string)
}

const corpus = "../../config/butane/testdata/corpus/"

// Byte for byte, what the page says of each document is what the program says.
func TestThePageGivesWhatTheProgramGives(t *testing.T) {
	documents, err := filepath.Glob(corpus + "*.bu")
	if err != nil || len(documents) < 80 {
		t.Fatalf("%d documents: %v", len(documents), err)
	}
	ctl := filepath.Join(t.TempDir(), "firstlightctl")
	if out, err := exec.Command("go", "build", "-o", ctl, "../../cmd/firstlightctl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	validated, _ := exec.Command(ctl, append([]string{"validate"}, documents...)...).Output() // some are refused
	p := openPage(t, "")
	for _, document := range documents {
		text := testkit.ReadFile(t, document)
		p.paste(text)
		translation, _ := exec.Command(ctl, "translate", "--pretty", document).Output() // refusals have none
		if got := p.output(); got != string(translation) {
			t.Errorf("%s: the translation is\n%s\nwant\n%s", document, got, translation)
		}
		var want strings.Builder
		for line := range strings.Lines(string(validated)) {
			if problem, ok := strings.CutPrefix(line, document+":"); ok {
				want.WriteString(strings.TrimSpace(problem) + "\n")
			}
		}
		if got := p.run(`[...document.querySelectorAll("#problems li")].map((e) => e.textContent.trim() + "\n").join("")`); got != want.String() {
			t.Errorf("%s: the page has the problems\n%s\nwant\n%s", document, got, &want)
		}
	}
}

func TestWhatBelongsTogetherIsMarked(t *testing.T) {
	p := openPage(t, "")
	p.paste("variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n      contents: {inline: hello}\n")
	marked := func(pane string) any {
		return p.run(`[...document.querySelectorAll("#` + pane + ` .cm-origin")].map((e) => e.textContent).join(" ")`)
	}
	for _, c := range []struct{ pane, point, other, want string }{
		{"output", "420", "source", "0644"},
		{"output", `"/etc/motd"`, "source", "/etc/motd"},
		{"source", "0644", "output", "420"},
		{"source", "mode", "output", "420"},
		{"source", "hello", "output", `"data:,hello" ""`},
	} {
		p.pointTo(c.pane, c.point)
		if got := marked(c.other); got != c.want {
			t.Errorf("with the pointer at %s of the %s: %q is marked, want %q", c.point, c.pane, got, c.want)
		}
	}
	// And without a pointer.
	p.run(`document.querySelector("#source .cm-content").focus()`)
	p.key("Home", 36, true)
	for range 5 {
		p.key("ArrowDown", 40, false)
	}
	if got := marked("output"); got != "420" {
		t.Errorf("with the cursor in the line of the mode: %q is marked", got)
	}
}

// pointTo moves the pointer to a word of a pane.
func (p *tab) pointTo(pane, word string) {
	p.t.Helper()
	at := p.run(`(() => {
		const walker = document.createTreeWalker(document.querySelector("#` + pane + ` .cm-content"), NodeFilter.SHOW_TEXT);
		for (let node; (node = walker.nextNode());) {
			const i = node.data.indexOf(` + quote(word) + `);
			if (i < 0) continue;
			const range = document.createRange();
			range.setStart(node, i);
			range.setEnd(node, i + ` + strconv.Itoa(len(word)) + `);
			const box = range.getBoundingClientRect();
			return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
		}
	})()`)
	point, ok := at.([]any)
	if !ok {
		p.t.Fatalf("%q is not in the %s", word, pane)
	}
	p.do("Input.dispatchMouseEvent", object{"type": "mouseMoved", "x": point[0], "y": point[1]})
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.run(`document.querySelector(` + quote(selector) + `).click()`)
	p.checked()
}

func (p *tab) choose(selector, value string) {
	p.t.Helper()
	p.run(`{ const e = document.querySelector(` + quote(selector) + `); e.value = ` + quote(value) + `; e.dispatchEvent(new Event("change")); }`)
	p.checked()
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	return p.run(`document.querySelector(` + quote(selector) + `).innerText`).(string)
}

func TestStrictRefusesWarnings(t *testing.T) {
	p := openPage(t, "")
	p.paste("variant: fcos\nversion: 1.5.0\nunknown: 1\n")
	if got := p.text("#summary"); got != "1 warning" || p.output() == "" {
		t.Errorf("%q", got)
	}
	p.click("#strict")
	if got := p.text("#summary"); got != "1 warning, refused as strict" || p.output() != "" {
		t.Errorf("%q", got)
	}
}

func TestSizesAndDisksAreShown(t *testing.T) {
	p := openPage(t, "")
	p.click("#tab-sizes")
	if got := p.text("#sizes"); !strings.Contains(got, "virtualbox\t1,024\tfits\tfits") {
		t.Errorf("the sizes are\n%s", got)
	}
	p.run(`document.querySelector("#tab-sizes").focus()`)
	p.key("ArrowRight", 39, false)
	p.checked()
	if got := p.text("#disks"); !strings.Contains(got, "1\tdata\t1 MiB\t8 GiB\text4\n\tfree\t8 GiB\t12 GiB") {
		t.Errorf("the disks are\n%s", got)
	}
	// A smaller one.
	p.run(`(() => { const i = document.querySelector("#disks input"); i.focus(); i.select(); })()`)
	p.do("Input.insertText", object{"text": "4"})
	p.checked()
	if got := p.text("#disks"); !strings.Contains(got, `line 12: partition 1 "data" on /dev/vdb needs 8192 MiB`) {
		t.Errorf("the disks are\n%s", got)
	}
}

func TestALinkRestoresWhatItWasMadeOf(t *testing.T) {
	p := openPage(t, "")
	text := "variant: fcos\nversion: 1.5.0\nunknown: \"\u00fc\U0001f98a\"\n"
	p.paste(text)
	p.click("#strict")
	p.choose("#to", "3.6.0")
	p.run(`document.querySelector("#share").click()`)
	p.wait(`location.hash !== "" && document.querySelector("#shared").textContent !== ""`)
	hash := p.run(`location.hash`).(string)
	other := openPage(t, hash)
	other.checked()
	if got := other.copied("source"); got != text {
		t.Errorf("the text is %q, want %q", got, text)
	}
	if got := other.text("#summary"); got != "1 warning, refused as strict" {
		t.Errorf("%q", got)
	}
	if got := other.run(`document.querySelector("#to").value`); got != "3.6.0" {
		t.Errorf("the version is %v", got)
	}
	broken := openPage(t, hash[:len(hash)-9])
	if got := broken.text("#shared"); !strings.HasPrefix(got, "The link is damaged: ") {
		t.Errorf("a link that was cut off: %q", got)
	}
}

func TestAnotherVersionOfTheSpecIsChosen(t *testing.T) {
	p := openPage(t, "")
	p.paste("variant: fcos\nversion: 1.5.0\nkernel_arguments: {should_exist: [quiet]}\n")
	p.choose("#to", "3.6.0")
	if got := p.output(); !strings.Contains(got, `"version": "3.6.0"`) {
		t.Errorf("the output is\n%s", got)
	}
	p.choose("#to", "3.1.0")
	if got := p.text("#problems"); p.output() != "" || !strings.HasPrefix(got, "3:19: error: translated to version 3.1.0: ") {
		t.Errorf("%s", got)
	}
}
