package config

import (
	"strings"
	"testing"
)

func TestSizeCountsValuesOutsideOfStrings(t *testing.T) {
	for text, values := range map[string]int{
		"":                        1,
		"{}":                      1,
		`{"a":1}`:                 2,
		`{"a":1,"b":[1,2]}`:       6,
		"[[[":                     4,
		`{"a,:[":"\\",b:","}`:     4,
		`"a\"b,"`:                 1,
		`"a\\",`:                  2,
		`"no end,,,,`:             1,
		strings.Repeat(",", 1000): 1001,
	} {
		if got, want := Size([]byte(text)), len(text)+values*ValueSize; got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}

func TestProblemsHaveALimit(t *testing.T) {
	list := func(item string) []byte {
		return document(V3_6, `"storage":{"files":[`+strings.TrimSuffix(strings.Repeat(item+",", 2*maxProblems), ",")+`]}`)
	}
	_, problems, err := Parse(list("{}"), "test")
	if err == nil || len(problems) > 2*maxProblems+2 || !strings.Contains(problems[maxProblems].Message, "there are more problems than these: a path is missing") {
		t.Errorf("got %d problems, %v", len(problems), problems[maxProblems])
	}
	var some Problems
	for i := range 3 * maxProblems {
		some.Add(NewProblem(RuleKeyUnknown, Warning, Origin{}, "%d", i))
	}
	some.Add(NewProblem(RuleValueType, Error, Origin{}, "an error"))
	if len(some) != maxProblems+1 || !some.HasErrors() {
		t.Errorf("got %d problems, the last is %v", len(some), some[len(some)-1])
	}
}
