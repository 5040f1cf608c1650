package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// binary is what was built for one system, and what Go noted in it.
type binary struct {
	target
	path string
	info *debug.BuildInfo
}

// build makes the binary in dir. Nothing of this machine gets into it: neither
// its paths nor flags from its environment.
func build(ctx context.Context, src, dir string, t target, env []string) (binary, error) {
	name := "nermbulk"
	if t.os == "windows" {
		name += ".exe"
	}
	path := filepath.Join(dir, t.os+"_"+t.arch, name)
	env = append([]string{
		"CGO_ENABLED=0", "GOOS=" + t.os, "GOARCH=" + t.arch, "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=",
		"GOAMD64=v1", "GOARM64=v8.0",
	}, env...)
	// The version comes from the commit and its tag; without them there is
	// nothing that could be named, so this fails where git does.
	err := command(ctx, src, env, "go", "build", "-mod=readonly", "-buildvcs=true", "-trimpath",
		"-ldflags", "-s -w -buildid=", "-o", path, ".")
	if err != nil {
		return binary{}, fmt.Errorf("build for %s: %w", t, err)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return binary{}, fmt.Errorf("read what was built for %s: %w", t, err)
	}
	return binary{t, path, info}, nil
}

func (b binary) version() string { return strings.TrimPrefix(b.info.Main.Version, "v") }

func (b binary) setting(key string) string {
	for _, s := range b.info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// committed is when the commit was made that it was built from.
func (b binary) committed() (time.Time, error) {
	at, err := time.Parse(time.RFC3339, b.setting("vcs.time"))
	if err != nil {
		return time.Time{}, fmt.Errorf("the binary for %s does not bear its commit's time: %w", b.target, err)
	}
	return at.UTC(), nil
}

// command runs a program in dir; what it said is in the error.
func command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	_, err := output(ctx, dir, env, name, args...)
	return err
}

func output(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
