// Package alerts holds the alert rules of samples/prometheus against the figures
// of real nights, with Prometheus's own parser and engine. It is a module of its
// own, so that those are no dependency of the program.
package alerts
