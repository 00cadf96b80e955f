package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// replies is a source that returns after a time.
func replies(name string, after time.Duration, text string, err error) source {
	return source{name, func(ctx context.Context) (*UserData, error) {
		select {
		case <-time.After(after):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		return &UserData{Text: []byte(text), Name: name}, nil
	}}
}

func TestResultsCountByRank(t *testing.T) {
	gone, broken := fmt.Errorf("nobody answers: %w", errNoSource), errors.New("the drive is broken")
	const s = time.Second
	for name, tc := range map[string]struct {
		sources []source
		later   source
		want    string // the name of the winner, or what the error says after "error: "
		took    time.Duration
		told    string
	}{
		"the first config wins at once":            {[]source{replies("a", 5*s, "x", nil), replies("b", 2*s, "x", nil)}, source{}, "b", 2 * s, ""},
		"a config within the grace beats nothing":  {[]source{replies("a", 0, "", nil), replies("b", 9*s, "x", nil)}, source{}, "b", 9 * s, "a: no config; waiting 10s more for: b"},
		"nothing stands when the grace is over":    {[]source{replies("a", 0, "", nil), replies("b", 11*s, "x", nil)}, source{}, "", 10 * s, "waiting 10s more for: b"},
		"nothing of all is nothing at once":        {[]source{replies("a", 1*s, "", nil), replies("b", 2*s, "", nil)}, source{}, "", 2 * s, ""},
		"who is not there does not beat nothing":   {[]source{replies("a", 3*s, "", gone), replies("b", 2*s, "", nil)}, source{}, "", 3 * s, ""},
		"an error does not beat a config":          {[]source{replies("a", 0, "", broken), replies("b", 60*s, "x", nil)}, source{}, "b", 60 * s, ""},
		"an error beats nothing":                   {[]source{replies("a", 2*s, "", broken), replies("b", 1*s, "", nil)}, source{}, "error: the drive is broken", 2 * s, ""},
		"an error beats who is not there":          {[]source{replies("a", 2*s, "", broken), replies("b", 1*s, "", gone)}, source{}, "error: the drive is broken", 2 * s, ""},
		"nobody there is an error":                 {[]source{replies("a", 2*s, "", gone), replies("b", 1*s, "", gone)}, source{}, "error: nobody answers: it is not there\nnobody answers: it is not there", 2 * s, ""},
		"a source that turns up later":             {[]source{replies("a", 30*s, "", gone)}, replies("c", 3*s, "x", nil), "c", 8 * s, ""},
		"a later source that has nothing":          {[]source{replies("a", 30*s, "", gone)}, replies("c", 1*s, "", nil), "", 16 * s, "c: no config; waiting 10s more for: a"},
		"a later source after nothing":             {[]source{replies("a", 0, "", nil), replies("b", 30*s, "", gone)}, replies("c", 4*s, "x", nil), "c", 9 * s, ""},
		"a config at the moment the others err":    {[]source{replies("a", 2*s, "", broken), replies("b", 2*s, "x", nil)}, source{}, "b", 2 * s, ""},
		"nothing begins the grace only once":       {[]source{replies("a", 0, "", nil), replies("b", 6*s, "", nil), replies("c", 14*s, "x", nil)}, source{}, "", 10 * s, ""},
		"an error within the grace is not dropped": {[]source{replies("a", 0, "", nil), replies("b", 6*s, "", broken), replies("c", 14*s, "x", nil)}, source{}, "error: the drive is broken", 10 * s, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			env, log := logged(t)
			begun := time.Now()
			later := func() (new []source) {
				if tc.later.fetch != nil && time.Since(begun) == 5*time.Second {
					new = append(new, tc.later)
				}
				return new
			}
			data, err := race(t.Context(), env, tc.sources, later)
			took := time.Since(begun)
			got := ""
			if data != nil {
				got = data.Name
			}
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != tc.want || took != tc.took || !strings.Contains(log(), tc.told) {
				t.Errorf("%s: %q after %v, want %q after %v; it says %q", name, got, took, tc.want, tc.took, log())
			}
			time.Sleep(time.Minute) // what was started ends
		})
	}
}

func TestSourceReturnsItsLastErrorWhenTheGraceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := source{"b", func(ctx context.Context) (*UserData, error) {
			<-ctx.Done()
			time.Sleep(scanTime) // for a last scan
			return nil, errors.New("the drive is broken")
		}}
		deaf := source{"c", func(context.Context) (*UserData, error) { time.Sleep(time.Minute); return nil, nil }}
		begun := time.Now()
		_, err := race(t.Context(), newEnv(t), []source{replies("a", 0, "", nil), broken, deaf}, nil)
		if err == nil || err.Error() != "the drive is broken" || time.Since(begun) != grace+cancelTime {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		time.Sleep(time.Hour)
	})
}

func TestRaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		_, err := race(ctx, newEnv(t), []source{replies("a", time.Hour, "", nil)}, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Minute {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}
