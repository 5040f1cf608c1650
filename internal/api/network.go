package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"nermbulk/internal/text"
)

// netReason says in plain words why a connection could not be made or broke.
// It holds no secret.
func netReason(err error, secrets *redactor) string {
	if reason := certReason(err); reason != "" {
		return reason
	}
	through := ""
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		through = "the proxy: "
	}
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return through + fmt.Sprintf("the host name %s is not known", text.Line(dns.Name, maxTyped))
	case errors.As(err, &dns):
		return through + fmt.Sprintf("the host name %s could not be looked up", text.Line(dns.Name, maxTyped))
	case errors.Is(err, syscall.ECONNREFUSED):
		return through + "connection refused"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return through + "there is no route to the host"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return through + "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return through + "connection closed by the other side"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return through + "no answer in time"
	}
	reason := err.Error()
	for _, prefix := range []string{"net/http: ", "http: ", "HTTP/1.x transport connection broken: "} {
		reason = strings.TrimPrefix(reason, prefix)
	}
	return secrets.text(text.Line(secrets.text(reason), maxMessage))
}

// certReason names what is wrong with a certificate and what to do; "" for
// any other error. Nothing was sent, so a wrong certificate is treated like a
// fault that passes.
func certReason(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		roots   x509.SystemRootsError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unknown), errors.As(err, &roots):
		return "its certificate is signed by an unknown authority; if that is your organisation's own, name its root certificate with --ca-file"
	case errors.As(err, &host):
		return "its certificate is for another host; check the address"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired or is not valid yet; check this machine's clock too"
	case errors.As(err, &invalid), errors.As(err, &verify):
		return "its certificate cannot be verified; if a private authority signed it, name its root certificate with --ca-file"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "it does not speak TLS at this address; check the address and port"
	}
	return ""
}
