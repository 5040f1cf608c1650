package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// pinned returns a command that runs on one processor, where the system can do
// that.
func pinned(cpu int, name string, args ...string) *exec.Cmd {
	if taskset, err := exec.LookPath("taskset"); err == nil {
		return command(taskset, append([]string{"-c", fmt.Sprint(cpu), name}, args...)...)
	}
	return command(name, args...)
}

// usage is what one command used.
type usage struct {
	wall time.Duration
	cpu  time.Duration
	peak int64 // resident memory, KiB; 0 where the system does not report it
}

func measure(cmd *exec.Cmd) (usage, error) {
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return usage{}, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	state := cmd.ProcessState
	return usage{time.Since(start), state.UserTime() + state.SystemTime(), peakOf(state)}, nil
}

// oneCore limits the Go code of a command to one processor.
func oneCore(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "NERM_TOKEN=token")
	return cmd
}

// sendCommand returns a run of a sheet, with dir as its run directory.
func (b *bench) sendCommand(sheet, addr, dir string, more ...string) *exec.Cmd {
	args := append([]string{"run", sheet, "--base-url", "http://" + addr + "/api", "--rate", "0",
		"--workers", fmt.Sprint(b.workers), "--yes", "--quiet", "--run-dir", dir}, more...)
	return oneCore(pinned(0, b.nermbulk, args...))
}

// send compares the time to send a sheet with vegeta's for the same requests.
func (b *bench) send() error {
	s, err := startServer()
	if err != nil {
		return err
	}
	defer s.kill()
	sheet, targets, err := b.sheet(b.rows, s.addr)
	if err != nil {
		return err
	}
	vegetaPath, err := b.vegeta()
	if err != nil {
		return err
	}
	fmt.Printf("\nsending %d rows, %d workers, one processor, whole process\n", b.rows, b.workers)
	var ratios []float64
	for i := range b.pairs {
		dir := filepath.Join(b.dir, "run")
		ours, err := measure(b.sendCommand(sheet, s.addr, dir))
		if err != nil {
			return err
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		theirs, err := measure(oneCore(pinned(0, vegetaPath, "attack", "-format=json", "-lazy", "-targets="+targets,
			"-rate=0", fmt.Sprintf("-workers=%d", b.workers), fmt.Sprintf("-max-workers=%d", b.workers),
			fmt.Sprintf("-connections=%d", b.workers), "-redirects=-1", "-output="+filepath.Join(b.dir, "vegeta.bin"))))
		if err != nil {
			return err
		}
		ratio := theirs.wall.Seconds() / ours.wall.Seconds()
		ratios = append(ratios, ratio)
		fmt.Printf("  pair %d: nermbulk %7.0f rows/s (%.2f s cpu), vegeta %7.0f (%.2f s cpu), ratio %.2f\n", i+1,
			float64(b.rows)/ours.wall.Seconds(), ours.cpu.Seconds(), float64(b.rows)/theirs.wall.Seconds(), theirs.cpu.Seconds(), ratio)
	}
	slices.Sort(ratios)
	fmt.Printf("  median ratio %.2f (%.2f to %.2f)\n", ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
	return nil
}

// profile writes a processor profile of a whole run to path. The binary is built
// without an earlier profile, so that functions that were inlined because of it
// show up in the new one.
func (b *bench) profile(path string) error {
	if err := b.build("./bench/profiled", "-pgo=off"); err != nil {
		return err
	}
	s, err := startServer()
	if err != nil {
		return err
	}
	defer s.kill()
	sheet, _, err := b.sheet(200_000, "")
	if err != nil {
		return err
	}
	cmd := b.sendCommand(sheet, s.addr, filepath.Join(b.dir, "run"))
	cmd.Args = slices.Insert(cmd.Args, slices.Index(cmd.Args, "run"), path)
	_, err = measure(cmd)
	return err
}

// vegeta returns the path of the vegeta binary.
func (b *bench) vegeta() (string, error) {
	if path, err := exec.LookPath("vegeta"); err == nil {
		return path, nil
	}
	cmd := command("go", "install", vegeta)
	cmd.Env = append(os.Environ(), "GOBIN="+b.dir)
	return filepath.Join(b.dir, "vegeta"), cmd.Run()
}

func (b *bench) checkSheet(sheet string) (usage, error) {
	return measure(oneCore(pinned(0, b.nermbulk, "check", "--quiet", sheet)))
}

// checkAndSend measures a check and a whole run of one sheet.
func (b *bench) checkAndSend(sheet, addr, dir string) (checked, sent usage, err error) {
	if checked, err = b.checkSheet(sheet); err != nil {
		return checked, sent, err
	}
	sent, err = measure(b.sendCommand(sheet, addr, dir))
	return checked, sent, err
}

// check measures the check of a sheet of a million rows.
func (b *bench) check() error {
	rows := min(b.most, 1_000_000)
	sheet, _, err := b.sheet(rows, "")
	if err != nil {
		return err
	}
	fmt.Printf("\ncheck of %d rows of 12 columns, one processor\n", rows)
	for range 3 {
		t, err := b.checkSheet(sheet)
		if err != nil {
			return err
		}
		fmt.Printf("  %7.0f rows/s, peak %d MiB\n", float64(rows)/t.wall.Seconds(), t.peak>>10)
	}
	return nil
}

// memory measures the peak of check and run as sheets grow.
func (b *bench) memory() error {
	s, err := startServer()
	if err != nil {
		return err
	}
	defer s.kill()
	fmt.Println("\npeak memory")
	for rows := 100_000; rows <= b.most; rows *= 10 {
		sheet, _, err := b.sheet(rows, "")
		if err != nil {
			return err
		}
		dir := filepath.Join(b.dir, "run")
		checked, sent, err := b.checkAndSend(sheet, s.addr, dir)
		if err != nil {
			return err
		}
		resumed, err := measure(b.sendCommand(sheet, s.addr, dir, "--resume"))
		if err != nil {
			return err
		}
		fmt.Printf("  %8d rows: check %d MiB in %.1f s, run %d MiB in %.1f s, resume with nothing left %d MiB in %.1f s\n", rows,
			checked.peak>>10, checked.wall.Seconds(), sent.peak>>10, sent.wall.Seconds(), resumed.peak>>10, resumed.wall.Seconds())
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.Remove(sheet); err != nil {
			return err
		}
	}
	return nil
}

// resume measures the time from the start of a resume to its first request,
// after a run that sent all rows but the last.
func (b *bench) resume() error {
	rows := min(b.most, 1_000_000)
	sheet, _, err := b.sheet(rows, "")
	if err != nil {
		return err
	}
	s, err := startServer()
	if err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "run")
	firstRun := b.sendCommand(sheet, s.addr, dir, "--limit", fmt.Sprint(rows-1))
	firstRun.Stderr = nil
	_ = firstRun.Run() // stopping at the limit is exit code 3
	addr := s.addr
	if err := s.stop(); err != nil {
		return err
	}
	if s, err = startServerAt(addr); err != nil {
		return err
	}
	defer s.kill()
	start := time.Now()
	if _, err := measure(b.sendCommand(sheet, addr, dir, "--resume")); err != nil {
		return err
	}
	first, err := s.firstRequest()
	if err != nil {
		return err
	}
	fmt.Printf("\nresume after %d rows: first request after %.2f s\n", rows-1, first.Sub(start).Seconds())
	return os.RemoveAll(dir)
}

// wide measures rows that are far wider than usual, 120 MB of each shape.
func (b *bench) wide() error {
	s, err := startServer()
	if err != nil {
		return err
	}
	defer s.kill()
	fmt.Println("\nwide rows, 120 MB of each kind")
	for _, shape := range []struct {
		name                   string
		rows, attributes, size int
	}{
		{"300 attributes of 20 bytes", 19_000, 300, 20},
		{"5,000 attributes of 10 bytes", 2_200, 5000, 10},
		{"one attribute of 200 KB", 600, 1, 200_000},
	} {
		sheet, err := b.wideSheet(shape.rows, shape.attributes, shape.size)
		if err != nil {
			return err
		}
		info, err := os.Stat(sheet)
		if err != nil {
			return err
		}
		dir := filepath.Join(b.dir, "run")
		checked, sent, err := b.checkAndSend(sheet, s.addr, dir)
		if err != nil {
			return err
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		mb := float64(info.Size()) / 1e6
		fmt.Printf("  %-28s  check %6.0f rows/s, %3.0f MB/s, peak %3d MiB; run %6.0f rows/s, %3.0f MB/s, peak %3d MiB\n", shape.name,
			float64(shape.rows)/checked.wall.Seconds(), mb/checked.wall.Seconds(), checked.peak>>10,
			float64(shape.rows)/sent.wall.Seconds(), mb/sent.wall.Seconds(), sent.peak>>10)
	}
	return nil
}
