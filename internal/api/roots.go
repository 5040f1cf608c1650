package api

import (
	"crypto/x509"
	"fmt"
	"os"
)

// ReadRoots returns the system's root certificates and those of a PEM file,
// for Options.RootCAs.
func ReadRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("certificate file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		// A system without a store of its own still trusts the file.
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("certificate file %s: it holds no certificate in PEM form (a block that begins with -----BEGIN CERTIFICATE-----)", printable(file))
	}
	return roots, nil
}
