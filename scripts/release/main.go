// Command release makes what is handed out: for each system a stripped static
// binary in an archive with its documents and manual pages, a bill of
// materials beside it, and the SHA-256 sums of all. The same commit and the
// same Go give the same bytes, wherever and whenever they are made: -check
// proves it. It needs Go and git and no other tool, and never uploads anything.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

const everySystem = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, says io.Writer) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(says)
	out := flags.String("o", "dist", "the `directory` to write into; it must be empty or not there")
	list := flags.String("targets", everySystem, "systems, as `os/arch` separated by commas")
	check := flags.Bool("check", false, "make it all again from a clone with an empty build cache, and compare")
	if err := flags.Parse(args); err != nil {
		return err
	}
	targets, err := parseTargets(*list)
	if err != nil {
		return err
	}
	if err := empty(*out); err != nil {
		return err
	}
	r, err := newRelease(ctx, ".", *out, targets, says)
	if err != nil {
		return err
	}
	if r.dirty {
		fmt.Fprintln(says, "the work tree has changes that are not committed: try this one, but do not hand it out")
	}
	if !*check {
		return nil
	}
	if r.dirty {
		return errors.New("a clone has no uncommitted changes, so it cannot be compared: commit or stash them")
	}
	return checkAgain(ctx, *out, targets, says)
}

// empty makes sure that nothing of an earlier release gets into the sums.
func empty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	found, err := os.ReadDir(dir)
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("%s is not empty: remove what is in it", dir)
	}
	return err
}

type target struct{ os, arch string }

func (t target) String() string { return t.os + "/" + t.arch }

func parseTargets(list string) ([]target, error) {
	var targets []target
	for _, name := range strings.Split(list, ",") {
		goos, arch, ok := strings.Cut(name, "/")
		if !ok || goos == "" || arch == "" {
			return nil, fmt.Errorf("%q is not os/arch", name)
		}
		t := target{goos, arch}
		if slices.Contains(targets, t) {
			return nil, fmt.Errorf("%s stands twice", t)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// checkAgain makes the release from a clone elsewhere with nothing cached, and
// compares the sums.
func checkAgain(ctx context.Context, out string, targets []target, says io.Writer) error {
	scratch, err := os.MkdirTemp("", "nermbulk-release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }() // what stays is the system's to clear away
	clone, again := filepath.Join(scratch, "clone"), filepath.Join(scratch, "dist")
	if err := command(ctx, ".", nil, "git", "clone", "--quiet", ".", clone); err != nil {
		return fmt.Errorf("clone the repository: %w", err)
	}
	fmt.Fprintln(says, "again, from a clone and with an empty build cache:")
	if _, err := newRelease(ctx, clone, again, targets, says, "GOCACHE="+filepath.Join(scratch, "cache")); err != nil {
		return err
	}
	first, err := os.ReadFile(filepath.Join(out, sumsName))
	if err != nil {
		return err
	}
	second, err := os.ReadFile(filepath.Join(again, sumsName))
	if err != nil {
		return err
	}
	if string(first) != string(second) {
		return fmt.Errorf("the two differ:\n%s\n%s", first, second)
	}
	fmt.Fprintln(says, "the two are equal to the byte")
	return nil
}
