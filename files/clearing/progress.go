package clearing

import (
	"fmt"
	"time"
)

// What takes long says how far it is, from then on in this pace.
const progressPause = 10 * time.Second

// progress says from time to time how far something is, until it is stopped.
func (l *looker) progress(doing string, state func() string) (stop func()) {
	began := time.Now()
	ticker, done := time.NewTicker(progressPause), make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				l.Log.Warn(fmt.Sprintf("%s: %s (%v so far)", doing, state(), time.Since(began).Round(time.Second)))
			case <-done:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
	}
}
