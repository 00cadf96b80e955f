package page

import (
	"strings"
	"testing"
)

const firstlightHead = "variant: firstlight\nversion: 1.0.0\n"

func TestParametersAreShownWithTheirDefaults(t *testing.T) {
	const text = firstlightHead + "params:\n  role: {default: web}\nstorage:\n  links:\n    - path: /etc/role\n      target: ${param:role}-1\n"
	a := new(Page).Check([]byte(text), Options{})
	if a.Refused || len(a.Problems) > 0 {
		t.Fatal(a.Problems)
	}
	found := map[string]string{}
	for i := 0; i+3 < len(a.Origins); i += 4 {
		found[cut(a.Output, a.Origins[i], a.Origins[i+1])] = cut(text, a.Origins[i+2], a.Origins[i+3])
	}
	if found[`"web-1"`] != "${param:role}-1" {
		t.Errorf("the target comes from %q", found[`"web-1"`])
	}
}

func TestThePageCannotInclude(t *testing.T) {
	a := new(Page).Check([]byte(firstlightHead+"include:\n  - base.bu\n"), Options{})
	if !a.Refused || len(a.Problems) != 1 {
		t.Fatal(a.Problems)
	}
	p := a.Problems[0]
	if p.Rule != "local-files-dir" || p.Line != 4 || !strings.HasSuffix(p.Message, "nor a page in the browser: give them the translated config") {
		t.Errorf("%+v", p)
	}
}
