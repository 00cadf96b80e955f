package doc

import (
	"slices"
	"testing"
)

func TestVersionsAreInOrder(t *testing.T) {
	all := Versions()
	if len(all) != 8 || all[0].String() != "3.0.0" || Stable.String() != "3.6.0" || Newest.String() != "3.7.0-experimental" {
		t.Errorf("%v", all)
	}
	if !slices.IsSorted(append(Spec2(), all...)) || len(Spec2()) != 5 {
		t.Errorf("%v come before %v", Spec2(), all)
	}
}

func TestSinceTagsNameVersions(t *testing.T) {
	for tag, want := range map[string]Version{"2.1.0": V2_1, "3.0.0": V3_0, "3.5.0": V3_5, "3.7.0": V3_7Experimental} {
		if got := sinceVersion(tag); got != want {
			t.Errorf("%s is %s", tag, got)
		}
	}
}

func TestNormalVersion(t *testing.T) {
	for text, want := range map[string]string{
		"3.6.0": "3.6.0", "03.006.00": "3.6.0", "3.7.0-experimental": "3.7.0-experimental", "1.2.3-a.b+c": "1.2.3-a.b+c", "1.2.3-+": "1.2.3",
	} {
		if got, ok := NormalVersion(text); !ok || got != want {
			t.Errorf("%s becomes %s, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "3", "3.6", "3.6.0.0", "3.x.0", "3.6.0-a..b", "3.6.0-a_b", "3.6.0+é", "99999999999999999999.0.0"} {
		if got, ok := NormalVersion(text); ok {
			t.Errorf("%q is the version %s", text, got)
		}
	}
}
