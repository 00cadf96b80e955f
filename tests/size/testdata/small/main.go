// Command small is a program whose bytes are known.
package main

import "os"

type shown struct{ table [5000]int32 }

func (s *shown) write(text string) {
	s.table[len(text)%len(s.table)]++
	os.Stdout.WriteString(text)
}

// numbers are 20,000 bytes of data.
var numbers = shown{[5000]int32{0: 1, 4999: 2}}

func main() {
	var kept any = &numbers
	kept.(interface{ write(string) }).write(text)
}
