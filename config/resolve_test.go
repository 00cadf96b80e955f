package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A referenceTree has configs by their sources. Each says in passwd which it is.
type referenceTree struct {
	t     *testing.T
	texts map[string]string // what is in ignition.config
	calls []string
}

func (r *referenceTree) config(source string) *Config {
	r.t.Helper()
	text, ok := r.texts[source]
	if !ok {
		return nil
	}
	return parsedAs(r.t, source, Newest, fmt.Sprintf(`"ignition":{$V,"proxy":{"noProxy":[%q]},"config":{%s}},"passwd":{"users":[{"name":%q,"shouldExist":false}]}`, source, text, source))
}

func (r *referenceTree) resolve() (*Config, error) {
	resolver := Resolver{
		Fetch: func(ref Resource) (*Config, error) {
			r.calls = append(r.calls, "get "+*ref.Source)
			if strings.HasSuffix(*ref.Source, "bad") {
				return nil, errors.New("no such server")
			}
			return r.config(*ref.Source), nil
		},
		Configure: func(i Ignition) error {
			r.calls = append(r.calls, strings.Join(i.Proxy.NoProxy, "+"))
			return nil
		},
	}
	return resolver.Resolve(r.config("root"))
}

func sources(names ...string) string {
	return `"merge":[{"source":"` + strings.Join(names, `"},{"source":"`) + `"}]`
}

func TestResolving(t *testing.T) {
	for _, c := range []struct {
		name        string
		texts       map[string]string
		users       string
		calls, fail string
	}{
		{"nothing", map[string]string{"root": ``}, "root", "root, root", ""},
		{"depth first", map[string]string{"root": sources("http://a", "http://b"), "http://a": sources("http://c"), "http://b": ``, "http://c": ``},
			"root http://a http://c http://b",
			"root, get http://a, root+http://a, get http://c, http://a+http://c, get http://b, root+http://a+http://c+http://b, root+http://a+http://c+http://b", ""},
		{"replaced", map[string]string{"root": `"replace":{"source":"http://a"},` + sources("http://c"), "http://a": sources("http://b"), "http://b": ``},
			"http://a http://b", "root, get http://a, http://a, get http://b, http://a+http://b, http://a+http://b", ""},
		{"ignored", map[string]string{"root": sources("http://x", "http://a"), "http://a": `"replace":{"source":"http://x"}`},
			"root http://a", "root, get http://x, get http://a, root+http://a, get http://x, root+http://a", ""},
		{"twice, but not in a cycle", map[string]string{"root": sources("http://a", "http://b"), "http://a": sources("http://b"), "http://b": ``}, "root http://a http://b", "", ""},
		{"itself", map[string]string{"root": sources("http://a"), "http://a": sources("http://a")}, "", "", "in a circle"},
		{"a cycle of two", map[string]string{"root": sources("http://a"), "http://a": `"replace":{"source":"http://b"}`, "http://b": sources("http://a")}, "", "", "in a circle"},
		{"not fetched", map[string]string{"root": sources("http://bad")}, "", "", "no such server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &referenceTree{t: t, texts: c.texts}
			cfg, err := r.resolve()
			if c.fail != "" {
				if err == nil || !strings.Contains(err.Error(), c.fail) {
					t.Errorf("got %v, want %q", err, c.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var users []string
			for _, u := range cfg.Passwd.Users {
				users = append(users, u.Name)
			}
			if got := strings.Join(users, " "); got != c.users {
				t.Errorf("got users %s, want %s", got, c.users)
			}
			if got := strings.Join(r.calls, ", "); c.calls != "" && got != c.calls {
				t.Errorf("got calls %s\nwant %s", got, c.calls)
			}
		})
	}
}

func TestCyclesNameTheirSources(t *testing.T) {
	r := &referenceTree{t: t, texts: map[string]string{"root": sources("http://a"), "http://a": sources("http://b"), "http://b": sources("http://a")}}
	_, err := r.resolve()
	var cycle *CycleError
	if !errors.As(err, &cycle) {
		t.Fatal(err)
	}
	if want := []string{"http://a", "http://b", "http://a"}; !slices.Equal(cycle.Sources, want) || cycle.Origin.Source != "http://b" {
		t.Errorf("got %v at %s, want %v", cycle.Sources, cycle.Origin, want)
	}
}
