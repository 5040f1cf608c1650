package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestClaim has many claim one thing over and over: never two at once have it,
// and nothing is left of it.
func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	path := filepath.Join(dir, ".lock-x")
	var holders, claims atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for claims.Load() < 200 {
				release, err := Claim(path, "sending s.csv")
				if _, locked := errors.AsType[*LockedError](err); locked {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if holders.Add(1) > 1 {
					t.Error("two have it")
				}
				claims.Add(1)
				holders.Add(-1)
				if err := release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("something is left: %v", entries)
	}
}

func TestClaimInAFile(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "runs", "text")
	if _, err := Claim(filepath.Join(dir, "runs", ".lock-x"), "sending s.csv"); err == nil || !strings.Contains(err.Error(), "is not a directory") {
		t.Errorf("got %v", err)
	}
}
