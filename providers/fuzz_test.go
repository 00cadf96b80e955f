package providers

import (
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/xmltext"
)

func FuzzLease(f *testing.F) {
	f.Add("SERVER_ADDRESS=10.0.0.1\n")
	f.Add("  option dhcp-server-identifier 10.1.1.8;\n")
	f.Add("dhcp_server_identifier=fe80::1\n")
	f.Fuzz(func(t *testing.T, text string) {
		// It becomes part of a URL.
		if strings.ContainsAny(leaseServer(text), "/@?#% \n") {
			t.Fatalf("the server is %q", leaseServer(text))
		}
	})
}

func FuzzOVF(f *testing.F) {
	f.Add(azureDescription("<ns1:CustomData>eA==</ns1:CustomData>"))
	f.Add("<CustomData a='b' >x</CustomData>")
	f.Fuzz(func(t *testing.T, text string) {
		content, err := xmltext.Element(text, "CustomData")
		if len(content) > len(text) || err != nil && content != "" {
			t.Fatalf("the element is %q, %v", content, err)
		}
	})
}
