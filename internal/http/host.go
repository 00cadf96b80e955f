package http

import (
	"strings"
	"unicode/utf8"
)

// withoutZone removes the network interface from an address: no server knows it.
func withoutZone(host string) string {
	address, rest, ok := strings.Cut(host, "]")
	if !ok || !strings.HasPrefix(host, "[") {
		return host
	}
	address, _, _ = strings.Cut(address, "%")
	return address + "]" + rest
}

// isHost reports whether a text can be a host with a port (RFC 9110, 7.2).
func isHost(text string) bool {
	for i := range len(text) {
		if !isLetterOrDigit(text[i]) && strings.IndexByte("!$%&'()*+,-.:;=[]_~", text[i]) < 0 {
			return false
		}
	}
	return text != ""
}

// asciiHost returns a host, perhaps with a port, as DNS has it, which knows ASCII only:
// labels with other letters are in Punycode, in lower case (RFC 5891, 4.4). Letters are
// taken as they are composed in the URL.
func asciiHost(host string) (string, error) {
	if isASCII(host) {
		return host, nil
	}
	if !utf8.ValidString(host) {
		return "", unsendable("the name of the host is not in UTF-8")
	}
	name, port, hasPort := strings.Cut(host, ":") // an address has none of these letters
	labels := strings.Split(strings.NewReplacer("。", ".", "．", ".", "｡", ".").Replace(strings.ToLower(name)), ".")
	for i, label := range labels {
		if !isASCII(label) {
			labels[i] = "xn--" + punycode([]rune(label))
		}
	}
	host = strings.Join(labels, ".")
	if hasPort {
		host += ":" + port
	}
	return host, nil
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// The parameters of Punycode for host names (RFC 3492, 5).
const (
	base, tMin, tMax  = 36, 1, 26
	skew, damp        = 38, 700
	firstBias, firstN = 72, 0x80
)

// punycode writes a label: its letters of ASCII, and then in which places the others
// are, from the smallest on, each as the distance from the one before (RFC 3492, 6.3).
func punycode(label []rune) string {
	var out []byte
	for _, c := range label {
		if c < utf8.RuneSelf {
			out = append(out, byte(c))
		}
	}
	plain := len(out)
	if plain > 0 {
		out = append(out, '-')
	}
	delta, bias, next := 0, firstBias, rune(firstN)
	for done := plain; done < len(label); {
		smallest := rune(utf8.MaxRune)
		for _, c := range label {
			if c >= next {
				smallest = min(smallest, c)
			}
		}
		delta += int(smallest-next) * (done + 1)
		next = smallest
		for _, c := range label {
			if c < next {
				delta++
			}
			if c == next {
				out = appendDistance(out, delta, bias)
				bias = adapt(delta, done+1, done == plain)
				delta, done = 0, done+1
			}
		}
		delta, next = delta+1, next+1
	}
	return string(out)
}

// appendDistance writes a number whose digits have the weights that bias gives them.
func appendDistance(out []byte, n, bias int) []byte {
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	for k := base; ; k += base {
		t := min(max(k-bias, tMin), tMax)
		if n < t {
			return append(out, digits[n])
		}
		out = append(out, digits[t+(n-t)%(base-t)])
		n = (n - t) / (base - t)
	}
}

func adapt(delta, length int, first bool) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / length
	k := 0
	for ; delta > (base-tMin)*tMax/2; k += base {
		delta /= base - tMin
	}
	return k + (base-tMin+1)*delta/(delta+skew)
}
