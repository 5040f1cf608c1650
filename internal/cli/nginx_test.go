package cli_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nermbulk/internal/sandbox"
)

var nginxSlow = flag.Bool("nginx.slow", false, "TestNginx tries limits of 10 requests a second and without a burst too, which takes 75 s")

// limited is a tenant behind an nginx that limits it.
type limited struct {
	name    string
	zone    string // of the limit
	limit   string
	status  int
	rate    float64 // requests per second that it grants
	slots   float64 // or requests at once
	burst   float64
	latency time.Duration // of the tenant
}

// nginxRows are sent in each case.
const nginxRows = 700

func nginxLimits() []limited {
	req := func(status, rate, burst int) limited {
		limit := fmt.Sprintf("limit_req_status %d; limit_req zone=z", status)
		if burst > 0 {
			limit += fmt.Sprintf(" burst=%d nodelay", burst)
		}
		return limited{
			name:  fmt.Sprintf("%d a second, burst %d, HTTP %d", rate, burst, status),
			zone:  fmt.Sprintf("limit_req_zone $binary_remote_addr zone=z:1m rate=%dr/s", rate),
			limit: limit, status: status, rate: float64(rate), burst: float64(burst + 1),
		}
	}
	conn := func(status int) limited {
		return limited{
			name: fmt.Sprintf("4 at once, HTTP %d", status), zone: "limit_conn_zone $binary_remote_addr zone=z:1m",
			limit: fmt.Sprintf("limit_conn z 4; limit_conn_status %d", status), status: status,
			slots: 4, latency: 50 * time.Millisecond,
		}
	}
	limits := []limited{req(503, 50, 49), req(429, 50, 49), conn(503), conn(429)}
	if *nginxSlow {
		limits = append(limits, req(503, 10, 9), req(429, 10, 9), req(503, 10, 0), req(503, 50, 0), req(429, 50, 0))
	}
	return limits
}

// TestNginx sends a sheet, with no ceiling, to a tenant behind a real nginx
// that limits it in its own ways. Every row is updated, most of what is granted
// is used, and little is refused.
func TestNginx(t *testing.T) {
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("nginx is not installed")
	}
	for _, l := range nginxLimits() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			tenant := sandbox.New(sandbox.Options{Faults: sandbox.Faults{Latency: l.latency}})
			var sheet strings.Builder
			sheet.WriteString("id,status\n")
			for i := range nginxRows {
				fmt.Fprintf(&sheet, "%s,closed\n", addSession(t, tenant, i, false))
			}
			base, log := l.start(t, answering(t, tenant.Handler()))
			results, _ := runSheet(t, 0, base, sheet.String(), []string{"NERM_TOKEN=a-token-of-a-test"})
			patched, granted, refused, took, each := readNginxLog(t, log, l.status)
			if l.slots > 0 {
				l.rate = l.slots / each.Seconds()
			}
			used := float64(granted) / (l.rate*took.Seconds() + l.burst)
			share := float64(refused) / float64(granted+refused)
			most := 0.05
			if l.status == http.StatusTooManyRequests {
				most = 0.015
			}
			t.Logf("%v, %.1f%% used, %d refused (%.2f%%)", took, 100*used, refused, 100*share)
			if patched != nginxRows {
				t.Errorf("%d changes were granted, want one for each of %d rows", patched, nginxRows)
			}
			for i, row := range results.rows {
				if row["result.status"] != "updated" {
					t.Errorf("row %d is %s: %s", i, row["result.status"], row["result.error"])
				}
			}
			if used < 0.9 || share > most {
				t.Errorf("%.1f%% used and %.2f%% refused, want at least 90%% and at most %.1f%%", 100*used, 100*share, 100*most)
			}
		})
	}
}

// start starts nginx in front of a tenant, until the test ends. It returns the
// API's root, and where each request is logged.
func (l limited) start(t *testing.T, upstream string) (base, log string) {
	t.Helper()
	dir := t.TempDir()
	to, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	log = filepath.Join(dir, "access.log")
	temp := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += fmt.Sprintf("%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	config := filepath.Join(dir, "nginx.conf")
	write(t, config, fmt.Sprintf(`daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr crit;
events {}
http {
	log_format times '$msec $status $request_time $request_method';
	access_log %[2]s times;
	%[3]s
	%[4]s;
	server {
		listen %[5]s;
		%[6]s;
		location / { proxy_pass http://%[7]s; }
	}
}
`, dir, log, temp, l.zone, address, l.limit, to.Host))
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "nginx", "-p", dir, "-e", "stderr", "-c", config)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was asked to end
	})
	for range 500 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return "http://" + address + "/api", log
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nginx does not answer")
	return "", ""
}

// readNginxLog counts what was granted, changes by themselves too, and refused. It
// returns how long it took from the first answer to the last, and each that was
// granted.
func readNginxLog(t *testing.T, path string, refusal int) (patched, granted, refused int, took, each time.Duration) {
	t.Helper()
	first, last, sum := 0.0, 0.0, 0.0
	number := func(s string) float64 {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("nginx logged %q", s)
		}
		return f
	}
	for line := range strings.Lines(read(t, path)) {
		f := strings.Fields(line)
		at := number(f[0])
		switch f[1] {
		case "200":
			if granted++; f[3] == http.MethodPatch {
				patched++
			}
			sum += number(f[2])
		case strconv.Itoa(refusal):
			refused++
		default:
			t.Errorf("nginx answered HTTP %s", f[1])
		}
		if first == 0 {
			first = at
		}
		last = at
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	return patched, granted, refused, seconds(last - first), seconds(sum / float64(max(granted, 1)))
}
