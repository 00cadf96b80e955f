package testkit

import (
	"strings"
	"sync"
)

// Output collects what a program prints: it is for exec.Cmd.Stdout and Stderr.
// Each of the functions is called once, in a goroutine of its own, when its text
// has been printed, so that tests wait for events instead of sleeping.
type Output struct {
	On map[string]func()

	mu   sync.Mutex
	text strings.Builder
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	for text, call := range o.On {
		if strings.Contains(o.text.String(), text) {
			delete(o.On, text)
			go call()
		}
	}
	return len(p), nil
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
