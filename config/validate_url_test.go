package config

import (
	"strings"
	"testing"
)

// What no server can be asked for is an error where it stands, before anything is sent.
func TestURLsThatNobodyCanAnswer(t *testing.T) {
	label := strings.Repeat("a", 63)
	name := strings.Join([]string{label, label, label, label[:61]}, ".") // 253 bytes
	for source, want := range map[string]string{
		"http://x:0/":                       "",
		"http://x:/":                        "", // the default one
		"http://x:00080/":                   "",
		"http://x:65535/":                   "",
		"http://x:65536/":                   "ports are from 0 to 65535",
		"tftp://x:99999/y":                  "ports are from 0 to 65535",
		"http://x:99999999999999999999999/": "ports are from 0 to 65535",
		"http://x:-1/":                      "invalid port",

		"http:":               "names no host",
		"http:/x":             "names no host",
		"http:x":              "names no host",
		"https:///x":          "names no host",
		"http://:80/x":        "names no host",
		"http://user:pw@/x":   "names no host",
		"tftp:///x":           "names no host",
		"http://a_b/":         "",
		"http://a-.example./": "",
		"http://1234/":        "",
		"http://bücher/":      "",
		"http://a..b/":        "nothing between two dots",
		"http://.a/":          "nothing between two dots",
		"http://*/":           "letters, digits",
		"http://a=b/":         "letters, digits",
		"http://$HOST/":       "letters, digits",
		"http://a%20b/":       "a % in the host's name",
		"http://a%2b/":        "a % in the host's name",
		"http://a%zz/":        "without two hexadecimal digits",
		"http://a/%zz":        "without two hexadecimal digits",

		"http://" + label + ".example/":        "",
		"http://" + label + "a.example/":       "64 bytes long, at most 63",
		"http://" + name + "/":                 "",
		"http://" + name + "./":                "",
		"http://" + name + "a/":                "254 bytes long, at most 253",
		"http://[::1]:80/":                     "",
		"http://[::ffff:192.0.2.1]/":           "",
		"http://[fe80::1%25eth0]/":             "",
		"http://[fe80::1%252]:80/":             "",
		"http://[fe80::1%25" + label + "]/":    "cannot be the name of a network interface",
		"http://[fe80::1%25a%2fb]/":            "cannot be the name of a network interface",
		"http://[fe80::1%25]/":                 "not an address of IPv6",
		"http://[fe80::1%eth0]/":               "is written %25",
		"http://[fe80::1]/":                    "write the interface after it",
		"http://[::1::2]/":                     "not an address of IPv6",
		"http://[host]/":                       "not an address of IPv6",
		"http://[]/":                           "not an address of IPv6",
		"tftp://h":                             "names no file",
		"tftp://h/":                            "names no file",
		"tftp://h/a%00b":                       "NUL",
		"tftp://h/" + strings.Repeat("a", 4e3): "",
		"tftp://h/" + strings.Repeat("a", 5e3): "5001 bytes long",

		"s3://b/k":                              "",
		"s3:///k":                               "does not name an object",
		"s3://b/":                               "does not name an object",
		"s3://b:80/k":                           "does not name an object",
		"s3://u@b/k":                            "does not name an object",
		"gs://":                                 "does not name an object",
		"gs://b/":                               "does not name an object",
		"gs:///o":                               "does not name an object",
		"arn:aws:s3:::b/k":                      "",
		"arn:aws:s3:::b/":                       "does not name an object",
		"arn:aws:s3:::/k":                       "does not name an object",
		"arn:aws:s3:r:1:accesspoint/n/object/k": "",
		"arn:aws:s3:r:1:accesspoint/n/object/":  "does not name an object",
		"arn:aws:s3:r:1:accesspoint//object/k":  "does not name an object",
		"arn:aws:s3:r:1:accesspoint/n/k":        "does not name an object",
		"arn:aws:s3:::accesspoint/n/object/k":   "no region or no account",
		"https://user:secret@x:77777/y?sig=secret":         "ports are from 0 to 65535",
		"https://user:secret@[secret%eth0]/y?sig=secret":   "is written %25",
		"https://user:secret@x y/secret?sig=secret":        "character in the host's name",
		"https://user:secret@[::1::2]:secret/y?sig=secret": "not a URL",
		"https://user:secret@" + label + "b/y?sig=secret":  "at most 63",
		"https://user:secret%zz@host/y?sig=secret":         "without two hexadecimal digits",
	} {
		err := CheckURL(source)
		if got := text(err); (want == "") != (err == nil) || !strings.Contains(got, want) || strings.Contains(got, "secret") || strings.Contains(got, "ParseAddr") {
			t.Errorf("%s: got %v, want %q", source, err, want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestHostsOfProxies(t *testing.T) {
	proxy := func(url string) string { return `"ignition":{$V,"proxy":{"httpProxy":"` + url + `"}}` }
	const at = "E ignition.proxy.httpProxy "
	testRules(t, []rule{
		{"port", "3.1+", proxy("http://p:80800"), []string{at + `the port "80800"`}},
		{"no host", "3.1+", proxy("http://"), []string{at + "names no host"}},
		{"a zone", "3.1+", proxy("http://[fe80::1%25eth0]:3128"), nil},
	})
}

// Headers are those that package http sends.
func TestHeadersThatCannotBeSent(t *testing.T) {
	header := func(name, value string) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"http://x","httpHeaders":[{"name":"` + name + `","value":"` + value + `"}]}}]}`
	}
	const at = "E storage.files[0].contents.httpHeaders[0]"
	testRules(t, []rule{
		{"all characters of tokens", "3.1+", header("!#$%&'*+-.^_`|~0aZ", "v"), nil},
		{"blank", "3.1+", header("X Token", "v"), []string{at + `.name "X Token" cannot be the name`}},
		{"colon", "3.1+", header("Host:", "v"), []string{at + ".name cannot be the name"}},
		{"letter that is not ASCII", "3.1+", header("é", "v"), []string{at + ".name cannot be the name"}},
		{"line end in a name", "3.1+", header(`a\nb`, "v"), []string{at + ".name cannot be the name"}},
		{"line end", "3.1+", header("Authorization", `Bearer abc\n`), []string{at + ".value a line end or another control character in the value of the HTTP header \"Authorization\""}},
		{"carriage return", "3.1+", header("a", `a\rb`), []string{at + ".value a line end"}},
		{"DEL", "3.1+", header("a", `a\u007f`), []string{at + ".value a line end"}},
		{"tab, blanks and other letters", "3.1+", header("a", ` a\tb é `), nil},
	})
}

func TestHeaderWithoutValueInTheWhole(t *testing.T) {
	c := parsed(t, Newest, `"storage":{"files":[{"path":"/a","contents":{"source":"http://x","httpHeaders":[{"name":"h"}]}}]}`)
	expectProblems(t, "whole", c.ValidateMerged(), []string{"E storage.files[0].contents.httpHeaders[0] the HTTP header \"h\" has no value"})
}
