package metadata

import (
	"crypto/rand"
	"crypto/sha512"
	"fmt"
	"strings"
)

const (
	// cryptAlphabet is that of crypt(5), with a place for each six bits.
	cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	// cryptRounds is twice what is usual.
	cryptRounds = 10000
	saltLength  = 16
)

// hashPassword is what shadow(5) has of a password, by the method sha512crypt.
func hashPassword(password string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails
	for i := range salt {
		salt[i] = cryptAlphabet[salt[i]&63]
	}
	return fmt.Sprintf("$6$rounds=%d$%s$%s", cryptRounds, salt, sha512crypt([]byte(password), salt, cryptRounds))
}

// sha512crypt follows "Unix crypt using SHA-256 and SHA-512", which numbers these steps.
// https://www.akkadia.org/drepper/SHA-crypt.txt
func sha512crypt(key, salt []byte, rounds int) string {
	sum := func(parts ...[]byte) []byte {
		h := sha512.New()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	repeated := func(block []byte, n int) []byte { // 9, 10, 16, 20
		return []byte(strings.Repeat(string(block), n/len(block)+1)[:n])
	}
	b := sum(key, salt, key) // 4 to 8
	a := [][]byte{key, salt, repeated(b, len(key))}
	for n := len(key); n > 0; n >>= 1 { // 11
		if n&1 != 0 {
			a = append(a, b)
		} else {
			a = append(a, key)
		}
	}
	c := sum(a...)                                                                    // 12
	p := repeated(sum([]byte(strings.Repeat(string(key), len(key)))), len(key))       // 13 to 16
	s := repeated(sum([]byte(strings.Repeat(string(salt), 16+int(c[0])))), len(salt)) // 17 to 20
	for i := range rounds {                                                           // 21
		parts := [][]byte{c}
		if i%2 != 0 {
			parts = [][]byte{p}
		}
		if i%3 != 0 {
			parts = append(parts, s)
		}
		if i%7 != 0 {
			parts = append(parts, p)
		}
		if i%2 != 0 {
			parts = append(parts, c)
		} else {
			parts = append(parts, p)
		}
		c = sum(parts...)
	}
	return cryptText(c)
}

// cryptText is step 22: three bytes are four characters, and the last byte is two.
func cryptText(sum []byte) string {
	var out strings.Builder
	put := func(bits, characters int) {
		for range characters {
			out.WriteByte(cryptAlphabet[bits&63])
			bits >>= 6
		}
	}
	i, j, k := 0, 21, 42
	for range 21 {
		put(int(sum[i])<<16|int(sum[j])<<8|int(sum[k]), 4)
		i, j, k = j+1, k+1, i+1
	}
	put(int(sum[63]), 2)
	return out.String()
}
