package cli_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nermbulk/internal/sandbox"
)

var (
	chaosKills = flag.Int("chaos.kills", 25, "how often TestChaos kills nermbulk")
	chaosSeed  = flag.Uint64("chaos.seed", 0, "seed of TestChaos; 0 takes another one each time")
)

const chaosWorkers = 6

// chaosRows is the length of the sheet: enough that the last kill still cuts
// something off.
func chaosRows() int { return 24 * *chaosKills }

// chaosSheet makes a sheet of sessions that it adds to the tenant, by their ids or
// uids. Every third row runs its session.
func chaosSheet(t *testing.T, real *sandbox.Tenant, byUID bool) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(keyName(byUID) + ",status,attributes.badge,run\n")
	for i := range chaosRows() {
		fmt.Fprintf(&b, "%s,closed,B-%d,%v\n", addSession(t, real, i, byUID), i, i%3 == 0)
	}
	return b.String()
}

func keyName(byUID bool) string {
	if byUID {
		return "uid"
	}
	return "id"
}

// addSession adds a session to a tenant, and returns its id or uid.
func addSession(t *testing.T, real *sandbox.Tenant, i int, byUID bool) string {
	t.Helper()
	id := fmt.Sprintf("%08d-0000-4000-8000-%012d", i, i)
	if err := real.AddID(id); err != nil {
		t.Fatal(err)
	}
	if record, _ := real.Record(id); byUID {
		return record.Session.UID
	}
	return id
}

// flaky is a proxy of a tenant that spoils some exchanges in ways that the
// simulated tenant does not: it hangs, cuts answers short, and resets.
type flaky struct {
	tenant http.Handler
	mu     sync.Mutex
	random *rand.Rand
	calm   bool
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	dice := f.random.IntN(100)
	if f.calm {
		dice = 100
	}
	f.mu.Unlock()
	switch {
	case dice < 2: // nothing is applied, and no answer comes
		// A server sees its client leave only once the body is read.
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case dice < 4: // applied, and no answer comes
		f.tenant.ServeHTTP(discard{http.Header{}}, r)
		<-r.Context().Done()
	case dice < 7: // reset unread
		panic(http.ErrAbortHandler)
	case dice < 10: // applied, and the answer breaks off
		f.tenant.ServeHTTP(discard{http.Header{}}, r)
		w.Header().Set("Content-Length", "500")
		_, _ = w.Write([]byte(`{"workflow_session":{"id":`)) // the client is meant to suffer
		panic(http.ErrAbortHandler)
	case dice < 12:
		w.WriteHeader(http.StatusGatewayTimeout)
	case dice < 13: // turned away for a moment
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		f.tenant.ServeHTTP(w, r)
	}
}

func (f *flaky) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calm = true
}

// discard takes an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// answering serves h on loopback until the test ends, and returns the API's
// root.
func answering(t *testing.T, h http.Handler) (base string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections() // an answer that hangs must not hold up the end
		server.Close()
	})
	return server.URL + "/api"
}

// doomed runs nermbulk and kills it after a while. It reports whether the run
// came to its end before that.
func doomed(t *testing.T, dir string, life time.Duration, args ...string) (ended bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), life)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nermbulk", args...) // SIGKILL when ctx ends
	cmd.Dir = dir
	cmd.Env = []string{"GORACE=" + noPause, "HOME=" + dir, "PATH=" + os.Getenv("PATH"), "NERM_TOKEN=chaos"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return false
	case err == nil:
		return true
	case !errors.As(err, &exit):
		t.Fatal(err)
	}
	switch exit.ExitCode() {
	case 1:
		return true
	case 3, 4: // a guard, such as 20 rows of 5xx, or another process: the next session goes on
		return false
	}
	t.Fatalf("exit code %d:\n%s", exit.ExitCode(), stderr.String())
	return false
}

// TestChaos kills nermbulk over and over while its tenant hangs, drops, resets
// and errs, and then holds the results against the tenant's own record.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-chaos.seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	real := sandbox.New(sandbox.Options{Faults: sandbox.Faults{Fail: 0.03, Drop: 0.05, Latency: 2 * time.Millisecond}, Seed: seed})
	front := &flaky{tenant: real.Handler(), random: rand.New(rand.NewPCG(seed, 2))}
	base := answering(t, front)
	kills, dir := chaosRun(t, real, base, random)

	front.rest()
	real.SetFaults(sandbox.Faults{})
	settleChaos(t, dir, base)
	held := holdAgainst(t, real, filepath.Join(dir, "r", "results.csv"))
	t.Logf("%d kills; %v; %d changes applied for %d rows", kills, held, real.Applied(), chaosRows())
}

// TestKillsRepeatNoMoreThanWhatWasInFlight kills nermbulk over and over with a
// tenant that does everything right: only rows in flight can be sent again.
func TestKillsRepeatNoMoreThanWhatWasInFlight(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(rand.Uint64(), 1))
	real := sandbox.New(sandbox.Options{Faults: sandbox.Faults{Latency: 4 * time.Millisecond}})
	base := answering(t, real.Handler())
	kills, dir := chaosRun(t, real, base, random)
	settleChaos(t, dir, base)
	held := holdAgainst(t, real, filepath.Join(dir, "r", "results.csv"))
	if repeats := real.Applied() - chaosRows(); repeats < 0 || repeats > chaosWorkers*kills {
		t.Errorf("%d repeats after %d kills of %d workers", repeats, kills, chaosWorkers)
	}
	if held["updated"] != chaosRows() {
		t.Errorf("%v: a tenant without faults leaves no doubt", held)
	}
}

// chaosRun begins a run and kills it until it was killed often enough or has
// come to its end.
func chaosRun(t *testing.T, real *sandbox.Tenant, base string, random *rand.Rand) (kills int, dir string) {
	t.Helper()
	dir = t.TempDir()
	byUID := random.IntN(2) == 0
	t.Logf("by %s", keyName(byUID))
	write(t, filepath.Join(dir, "sheet.csv"), chaosSheet(t, real, byUID))
	for kills < *chaosKills {
		// Long enough to start and do a little, short enough to be cut off.
		life := time.Duration(150+random.IntN(250)) * time.Millisecond
		args := chaosArgs(base)
		if random.IntN(5) == 0 { // each resume begins with one, until it is right
			args = append(args, "--canary", "2")
		}
		if doomed(t, dir, life, args...) {
			break
		}
		kills++
	}
	return kills, dir
}

func chaosArgs(base string, more ...string) []string {
	return append([]string{"run", "sheet.csv", "--base-url", base, "--yes", "--resume", "--run-dir", "r", "--quiet",
		"--rate", "100", "--workers", fmt.Sprint(chaosWorkers), "--timeout", "300ms", "--max-failures", "0"}, more...)
}

// settleChaos lets the run come to its end, failed rows included.
func settleChaos(t *testing.T, dir, base string) {
	t.Helper()
	args := append(chaosArgs(base, "--retry-failed"), "--rate", "0", "--timeout", "30s")
	if s := nermbulk(t, dir, []string{"NERM_TOKEN=chaos"}, args...); s.code != 0 && s.code != 1 {
		t.Fatalf("exit code %d:\n%s", s.code, s.stderr)
	}
}

// holdAgainst holds every row's result against the tenant's own record, and
// returns how many rows ended in what.
func holdAgainst(t *testing.T, real *sandbox.Tenant, results string) map[string]int {
	t.Helper()
	rows, err := parseTable(read(t, results))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows.rows) != chaosRows() {
		t.Errorf("%d rows in the results, not %d", len(rows.rows), chaosRows())
	}
	held := map[string]int{}
	for _, row := range rows.rows {
		id, status := cmp.Or(row["id"], row["result.id"]), row["result.status"]
		held[status]++
		record, ok := real.Record(id)
		runs := row["run"] == "true"
		applied := record.Session.Status == "closed" && record.Session.Attributes["badge"] == row["attributes.badge"]
		switch {
		case !ok:
			t.Fatalf("the tenant does not know %s", id)
		case record.Runs > 1:
			t.Errorf("%s ran %d times", id, record.Runs)
		case !runs && record.Runs > 0:
			t.Errorf("%s ran, and was not asked to", id)
		case status == "updated" && !applied:
			t.Errorf("%s is reported as updated, and is lost", id)
		case status == "updated" && runs && record.Runs != 1:
			t.Errorf("%s is reported as updated, and did not run", id)
		case status == "unknown" && !runs:
			t.Errorf("%s is unknown: its values could have been sent again", id)
		case status != "updated" && status != "unknown":
			t.Errorf("%s is %q with a tenant that does everything right in the end", id, status)
		}
	}
	return held
}
