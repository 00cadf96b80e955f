//go:build soak

package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// The pages as Chromium draws them: with their own style, which the policy has to allow,
// in light and dark, and nothing that sticks out on a telephone. Chromium has over 100 MB,
// so that this is no part of the gate; tests/pictures runs it.
func TestPicturesOfReports(t *testing.T) {
	dir := os.Getenv("REPORT_PICTURES")
	if dir == "" {
		dir = t.TempDir()
	}
	light, dark := color.NRGBA{0xf3, 0xf5, 0xf7, 0xff}, color.NRGBA{0x0f, 0x13, 0x17, 0xff}
	failing := map[string]color.NRGBA{"light": {0xc9, 0x30, 0x2c, 0xff}, "dark": {0xff, 0x6b, 0x63, 0xff}}
	records := map[string]string{"large": largeRecord()}
	for _, name := range []string{"good", "failed"} {
		records[name] = testkit.ReadFile(t, "testdata/report/"+name+".json")
	}
	for name, record := range records {
		page := filepath.Join(dir, name+".html")
		testkit.WriteFile(t, page, runReportOn(t, record, "--format=html"))
		for scheme, background := range map[string]color.NRGBA{"light": light, "dark": dark} {
			shot := picture(t, page, fmt.Sprintf("%s/%s-%s.png", dir, name, scheme), scheme, 1100)
			if c := at(shot, 2, 2); c != background {
				t.Errorf("%s, %s: the background is %v, want %v", name, scheme, c, background)
			}
			if got, want := count(shot, failing[scheme]) > 0, name == "failed"; got != want {
				t.Errorf("%s, %s: a bar that has failed: %v, want %v", name, scheme, got, want)
			}
			checkEdges(t, name+", "+scheme, shot, 1100, background)
		}
		// Chromium's windows have more than 360 pixels; a frame in one may have less.
		frame := filepath.Join(dir, name+"-360.html")
		testkit.WriteFile(t, frame, fmt.Sprintf(`<body style="margin:0"><iframe style="border:0;width:360px;height:3000px" src="%s.html"></iframe>`, name))
		checkEdges(t, name+", 360 pixels", picture(t, frame, fmt.Sprintf("%s/%s-360.png", dir, name), "light", 600), 360, light)
	}
}

// picture draws a page with a window of that width.
func picture(t *testing.T, page, file, scheme string, width int) image.Image {
	t.Helper()
	preferred := map[string]string{"dark": "0", "light": "1"}[scheme]
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir="+t.TempDir(),
		"--blink-settings=preferredColorScheme="+preferred, fmt.Sprintf("--window-size=%d,3000", width), "--screenshot="+file, "file://"+page)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v (tests/pictures installs chromium)\n%s", err, out)
	}
	f, err := os.Open(file)
	testkit.NoError(t, err)
	defer f.Close()
	shot, err := png.Decode(f)
	testkit.NoError(t, err)
	return shot
}

func at(shot image.Image, x, y int) color.NRGBA {
	return color.NRGBAModel.Convert(shot.At(x, y)).(color.NRGBA)
}

func count(shot image.Image, c color.NRGBA) int {
	n := 0
	for y := range shot.Bounds().Dy() {
		for x := range shot.Bounds().Dx() {
			if at(shot, x, y) == c {
				n++
			}
		}
	}
	return n
}

// checkEdges checks that a page of that width has an empty margin on both sides: nothing
// in it is wider than it.
func checkEdges(t *testing.T, what string, shot image.Image, width int, background color.NRGBA) {
	t.Helper()
	for y := range shot.Bounds().Dy() {
		for _, x := range []int{3, width - 4} {
			if c := at(shot, x, y); c != background {
				t.Errorf("%s: there is %v at %d,%d", what, c, x, y)
				return
			}
		}
	}
}
