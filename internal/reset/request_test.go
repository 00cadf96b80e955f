package reset

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

const someID = "0123456789abcdef0123456789abcdef"

// full is a request with all that there is.
func full() Request {
	return Request{
		Version: version, ID: someID, Created: time.Date(2026, 11, 29, 23, 0, 0, 0, time.UTC),
		Config: "{\"ignition\": {\"version\": \"3.5.0\"}}\n", Name: "new.bu",
		Keep: []string{"/var/lib/data", "/home"}, MachineID: strings.Repeat("a", 32),
		Root: []string{"8d0e6d40-6d0c-4d5b-9c0c-7d1d8c1d2f11", "5e5e:1"},
	}
}

func TestRequestIsReadAsItWasWritten(t *testing.T) {
	least := full()
	least.Keep, least.MachineID = nil, ""
	for name, want := range map[string]Request{"full": full(), "least": least} {
		text, err := want.Text()
		testkit.NoError(t, err)
		got, err := Parse(text)
		testkit.NoError(t, err)
		testkit.Equal(t, name, got, want)
	}
}

func TestTextIsNotMadeOfARequestThatCouldNotBeRead(t *testing.T) {
	r := full()
	r.Keep = []string{"home"}
	_, err := r.Text()
	testkit.ErrorContains(t, "a relative path", err, `"home" cannot be kept: it is not absolute`)
}

// Each change to a good request is an error that says what is wrong.
func TestOtherRequestsAreRefused(t *testing.T) {
	text, err := full().Text()
	testkit.NoError(t, err)
	for name, c := range map[string]struct{ old, new, want string }{
		"cut off":            {"\n}\n", "", "not JSON, or it is cut off"},
		"more after the end": {"\n}\n", "\n}\n{}", "not JSON, or it is cut off"},
		"no object":          {string(text), "[]", "the document is a list and not an object"},
		"newer":              {`"version": 1`, `"version": 2, "more": 1`, `of version "2", and this program reads version 1`},
		"version in quotes":  {`"version": 1`, `"version": [1]`, "and this program reads version 1"},
		"no version":         {`"version": 1,`, "", "the request has no version"},
		"unknown member":     {`"keep"`, `"keeps"`, `the request has "keeps", which is unknown`},
		"repeated member":    {`"version": 1`, `"keep": [], "version": 1`, `the request has "keep" twice`},
		"other kind":         {`"keep": [`, `"keep": [1,`, "keep[0] is a number and not a string"},
		"short ID":           {someID, someID[1:], "should be 32 hexadecimal digits"},
		"ID of other digits": {someID, strings.ToUpper(someID), "should be 32 hexadecimal digits"},
		"no time":            {`"created": "2026-11-29T23:00:00Z",`, "", "does not say when it was created"},
		"no config":          {`"config": "`, `"config": "", "name": "n", "x": "`, `"x", which is unknown`},
		"no name":            {`"name": "new.bu"`, `"name": ""`, "what its config is called"},
		"machine ID":         {strings.Repeat("a", 32), "uninitialized", `the machine ID of the request is "uninitialized"`},
		"no root":            {`"5e5e:1"`, `""`, "an empty UUID"},
		"relative path":      {`"/home"`, `"home"`, `"home" cannot be kept: it is not absolute`},
	} {
		changed := strings.Replace(string(text), c.old, c.new, 1)
		if changed == string(text) {
			t.Fatalf("%s: nothing was changed in\n%s", name, text)
		}
		_, err := Parse([]byte(changed))
		testkit.ErrorContains(t, name, err, c.want)
	}
	for name, c := range map[string]struct {
		change func(*Request)
		want   string
	}{
		"empty config": {func(r *Request) { r.Config = "" }, "the request has no config"},
		"no root":      {func(r *Request) { r.Root = nil }, "what the root filesystem consists of"},
	} {
		r := full()
		c.change(&r)
		_, err := r.Text()
		testkit.ErrorContains(t, name, err, c.want)
	}
	_, err = Parse(make([]byte, MaxSize+1))
	testkit.ErrorContains(t, "too large", err, fmt.Sprint(MaxSize))
}

// The members that Parse knows are those that Text writes.
func TestAllMembersAreKnown(t *testing.T) {
	var got []string
	for f := range reflect.TypeFor[Request]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Request]().Field(f).Tag.Get("json"), ",")
		got = append(got, name)
	}
	testkit.Equal(t, "members", got, members)
}

func TestConfigIsNotInMessages(t *testing.T) {
	r := full()
	r.Config = "canary"
	text, err := r.Text()
	testkit.NoError(t, err)
	for cut := range text {
		if _, err := Parse(text[:cut]); err != nil && strings.Contains(err.Error(), "canary") {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}

func TestIDsDiffer(t *testing.T) {
	a, b := NewID(), NewID()
	if a == b || !isID(a) || !isID(b) {
		t.Errorf("got %q and %q", a, b)
	}
	testkit.Equal(t, "argument", Request{ID: someID}.KernelArgument(), "firstlight.reset="+someID)
}

func TestPathsThatCannotBeKept(t *testing.T) {
	for _, c := range []struct {
		keep []string
		want []string // empty is that they can
	}{
		{nil, nil},
		{[]string{"/home", "/var/lib/x", "/var/lib/xy", "/homes", "/a b/\n"}, nil},
		{[]string{""}, []string{`"" cannot be kept: it is not absolute`}},
		{[]string{"/"}, []string{"it is the root itself"}},
		{[]string{"/a/"}, []string{"its shortest form is /a"}},
		{[]string{"/a/../b"}, []string{"its shortest form is /b"}},
		{[]string{"/a\xff"}, []string{"it is not valid UTF-8"}},
		{[]string{"/a\x00"}, []string{"it has a NUL"}},
		{[]string{"/" + strings.Repeat("a", 255)}, nil},
		{[]string{"/a/" + strings.Repeat("a", 256)}, []string{"a name of more than 255 bytes"}},
		{[]string{"/a", "/b", "/a"}, []string{`"/a" is to be kept twice`}},
		{[]string{"/a", "/a/b"}, []string{`"/a/b" is inside of "/a"`}},
		{[]string{"/a/b/c", "/a"}, []string{`"/a/b/c" is inside of "/a"`}},
		{[]string{"a", "/b", "/b", "/"}, []string{`"a" cannot`, `"/b" is to be kept twice`, "the root itself"}},
	} {
		err := Check(c.keep)
		if len(c.want) == 0 {
			testkit.NoError(t, err)
			continue
		}
		testkit.ErrorContains(t, fmt.Sprint(c.keep), err, c.want...)
	}
}

// What is read can be written, and is then the same.
func FuzzParse(f *testing.F) {
	text, err := full().Text()
	testkit.NoError(f, err)
	f.Add(text)
	f.Add([]byte(`{"version": 1, "id": "` + someID + `", "created": "2026-11-29T23:00:00.5+01:00", "config": "c", "name": "n", "keep": null, "root": ["u"]}`))
	f.Add([]byte(`{"version": 1, "version": 1}`))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		again, err := r.Text()
		testkit.NoError(t, err)
		same, err := Parse(again)
		testkit.NoError(t, err)
		if !same.Created.Equal(r.Created) {
			t.Errorf("got %v, want %v", same.Created, r.Created)
		}
		same.Created = r.Created
		if len(same.Keep)+len(r.Keep) == 0 {
			same.Keep = r.Keep
		}
		testkit.Equal(t, "the request", same, r)
	})
}
