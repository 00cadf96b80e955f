package header

import (
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestNamesAndValues(t *testing.T) {
	for text, want := range map[string]struct{ name, value bool }{
		"!#$%&'*+-.^_`|~09azAZ": {true, true},
		"":                      {false, true},
		"a b":                   {false, true},
		"a:":                    {false, true},
		"a\tb":                  {false, true},
		"é\x80\xff":             {false, true},
		"a\rb":                  {false, false},
		"a\nb":                  {false, false},
		"a\x00b":                {false, false},
		"a\x7fb":                {false, false},
	} {
		testkit.Equal(t, text+" is a name", IsName(text), want.name)
		testkit.Equal(t, text+" is a value", IsValue(text), want.value)
	}
}
