package drives

import (
	"math"
	"testing"
	"time"
)

// How long the fetch stage takes with a drive is told, and no condition: with the
// modules of filesystems still to be loaded, and with them loaded.
func TestTimeOfReadingADrive(t *testing.T) {
	for _, image := range []struct{ platform, file, config string }{{"nutanix", "iso", "of-the-iso"}, {"ibmcloud", "fat", "of-the-fat"}, {"ibmcloud", "udf", "of-the-udf"}} {
		t.Run(image.file, func(t *testing.T) {
			attach(t, "/share/"+image.file)
			first, again := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
			for range 12 {
				shell(t, "modprobe --remove --quiet isofs udf vfat || true")
				for _, best := range []*time.Duration{&first, &again} {
					begun := time.Now()
					b := start(t, image.platform, "")
					*best = min(*best, time.Since(begun))
					b.has(t, image.config)
				}
			}
			t.Logf("at best %v, and %v with the modules loaded", first.Round(time.Millisecond), again.Round(time.Millisecond))
		})
	}
}
