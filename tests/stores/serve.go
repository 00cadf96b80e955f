package stores

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Serve starts a store at hosts, to all of which a proxy leads that knows no other. It
// returns the URL of the proxy, and the certificate of the store in PEM form.
func Serve(t testing.TB, h http.Handler, hosts ...string) (proxy string, authority []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Store"}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	store := httptest.NewUnstartedServer(h)
	store.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}}
	store.StartTLS()
	t.Cleanup(store.Close)
	p := httptest.NewServer(tunnel(store.Listener.Addr().String()))
	t.Cleanup(p.Close)
	return p.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
}

// A tunnel is a proxy that leads every CONNECT to one address.
type tunnel string

func (to tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	Connect(w, string(to))
}

// Connect answers a CONNECT with what is at an address, whatever host was asked for.
func Connect(w http.ResponseWriter, to string) {
	server, err := net.Dial("tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	client, _, err := w.(http.Hijacker).Hijack() // first, as the server reads on once a client has its answer
	if err != nil {
		panic(err)
	}
	io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { io.Copy(server, client); server.Close() }()
	go func() { io.Copy(client, server); client.Close() }()
}
