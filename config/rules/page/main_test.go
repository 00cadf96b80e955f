package main

import (
	"os"
	"testing"
)

func TestThePageIsUpToDate(t *testing.T) {
	got, err := os.ReadFile("../../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != page() {
		t.Error("docs/rules.md is not that of the table: go generate ./config/rules")
	}
}
