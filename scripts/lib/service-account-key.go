// Writes NAME.key and NAME.pub: the key that signs service accounts' tokens.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log"
	"os"
)

func main() {
	name := os.Args[1]
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	check(err)
	write(name+".key", "PRIVATE KEY", private)
	write(name+".pub", "PUBLIC KEY", public)
}

func write(file, kind string, der []byte) {
	check(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
