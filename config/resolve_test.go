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
		Fetch: func(ref Resource) (*Config, int, error) {
			r.calls = append(r.calls, "get "+*ref.Source)
			if strings.HasSuffix(*ref.Source, "bad") {
				return nil, 0, errors.New("no such server")
			}
			return r.config(*ref.Source), 0, nil
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
	var cycle *ReferenceError
	if !errors.As(err, &cycle) {
		t.Fatal(err)
	}
	if want := []string{"http://a", "http://b", "http://a"}; !slices.Equal(cycle.Sources, want) || cycle.Origin.Source != "http://b" {
		t.Errorf("got %v at %s, want %v", cycle.Sources, cycle.Origin, want)
	}
}

func TestReferencesHaveLimits(t *testing.T) {
	merging := func(sources ...string) *Config {
		cfg := New(Newest)
		for _, s := range sources {
			cfg.Ignition.Config.Merge = append(cfg.Ignition.Config.Merge, Resource{Source: &s})
		}
		return cfg
	}
	n := 0
	next := func(count int) *Config { // each refers to others than all before
		var all []string
		for range count {
			n++
			all = append(all, fmt.Sprint("http://h/", n))
		}
		return merging(all...)
	}
	for name, c := range map[string]struct {
		children     func(ref string) *Config
		first        *Config
		size         int
		want         string
		fetched, way int
	}{
		"a chain": {func(string) *Config { return next(1) }, next(1), 1, "more than 50 deep", MaxDepth, MaxDepth + 1},
		"a tree":  {func(string) *Config { return next(10) }, next(1), 1, "more than 50 deep", MaxDepth, MaxDepth + 1},
		"a wide tree": {func(ref string) *Config {
			if strings.Contains(ref, "leaf") {
				return New(Newest)
			}
			var leaves []string
			for i := range 100 {
				leaves = append(leaves, fmt.Sprint(ref, "/leaf/", i))
			}
			return merging(leaves...)
		}, next(101), 1, "more than 10000 others", MaxReferences, 2},
		"many bytes":    {func(string) *Config { return New(Newest) }, next(3), MaxSize / 2, "more than 256 MiB together", 3, 1},
		"within limits": {func(string) *Config { return New(Newest) }, next(100), MaxSize / 100, "", 100, 0},
		"replaced by one": {func(string) *Config {
			c := next(1)
			c.Ignition.Config.Replace, c.Ignition.Config.Merge = c.Ignition.Config.Merge[0], nil
			return c
		}, next(1), 1, "more than 50 deep", MaxDepth, MaxDepth + 1},
	} {
		t.Run(name, func(t *testing.T) {
			fetched := 0
			r := Resolver{Fetch: func(ref Resource) (*Config, int, error) {
				if fetched++; fetched > 2*MaxReferences {
					t.Fatal("there is no end")
				}
				return c.children(*ref.Source), c.size, nil
			}}
			_, err := r.Resolve(c.first)
			var limit *ReferenceError
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
			} else if !errors.As(err, &limit) || !strings.Contains(limit.Problem, c.want) || len(limit.Sources) != c.way {
				t.Errorf("got %v, %+v, want %q and %d sources", err, limit, c.want, c.way)
			}
			if fetched != c.fetched {
				t.Errorf("got %d configs, want %d", fetched, c.fetched)
			}
		})
	}
}
