// Command bench measures the whole nermbulk binary on this machine: its
// sending next to vegeta's, its memory as sheets grow, the speed of check, how
// soon a resumed run sends again, and what very wide rows cost. It sends only to
// its own server on loopback. It asserts nothing: it prints figures.
//
//	go run ./bench                 # everything up to 1,000,000 rows
//	go run ./bench -only send      # one part: send, check, memory, resume or wide
//	go run ./bench -most 10000000  # memory up to ten million rows
//	go run ./bench -profile FILE   # only a processor profile of sending 200,000 rows
//
// vegeta is used from PATH; without it, it is installed into the work folder.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

const vegeta = "github.com/tsenart/vegeta/v12@v12.13.0"

// bench is one execution of the program.
type bench struct {
	dir      string // for everything that it writes
	nermbulk string // the binary that is measured
	rows     int    // for each pair with vegeta
	pairs    int
	workers  int
	most     int // rows of the largest sheet
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		fmt.Fprintln(os.Stderr, serve(os.Args[2]))
		os.Exit(1)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	b := &bench{}
	only := flag.String("only", "", "send, check, memory, resume or wide (default: all)")
	flag.IntVar(&b.rows, "rows", 60_000, "rows that are sent next to vegeta")
	flag.IntVar(&b.pairs, "pairs", 5, "alternating pairs with vegeta")
	flag.IntVar(&b.workers, "workers", 32, "requests in flight")
	flag.IntVar(&b.most, "most", 1_000_000, "rows of the largest sheet")
	profile := flag.String("profile", "", "only write a processor profile of a run to this file")
	flag.Parse()
	type part struct {
		name    string
		measure func() error
	}
	parts := []part{{"send", b.send}, {"check", b.check}, {"memory", b.memory}, {"resume", b.resume}, {"wide", b.wide}}
	if *only != "" && !slices.ContainsFunc(parts, func(p part) bool { return p.name == *only }) {
		return fmt.Errorf("-only %s: use send, check, memory, resume or wide", *only)
	}
	if b.dir, err = os.MkdirTemp("", "nermbulk-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.nermbulk = filepath.Join(b.dir, "nermbulk")
	if *profile != "" {
		return b.profile(*profile)
	}
	if err := b.build("."); err != nil {
		return err
	}
	fmt.Printf("%s, %s/%s, %d processors, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly))
	for _, p := range parts {
		if *only == "" || *only == p.name {
			if err := p.measure(); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	return nil
}

func (b *bench) build(pkg string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-o", b.nermbulk}, flags...)
	if err := command("go", append(args, pkg)...).Run(); err != nil {
		return fmt.Errorf("build nermbulk (run this in the repository's root): %w", err)
	}
	return nil
}
