package cli_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"nermbulk/internal/sandbox"
)

// tenant is a simulated tenant in the test's own process, so that its record
// can be held against what nermbulk claims.
type tenant struct {
	*sandbox.Tenant
	stop func()
}

func tenantCommands() map[string]command {
	return map[string]command{
		"tenant":   startTenant,
		"faults":   setFaults,
		"requests": countRequests,
		"applied":  appliedSheet,
		"holds":    holds,
	}
}

// tenantFlags reads a tenant's flags; what is left are the sheets it knows.
func tenantFlags(ts *testscript.TestScript, args []string) (o sandbox.Options, attributes, sheets []string) {
	f := flag.NewFlagSet("tenant", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Float64Var(&o.RateLimit, "rate-limit", 0, "")
	f.DurationVar(&o.Latency, "latency", 0, "")
	f.Float64Var(&o.Fail, "fail", 0, "")
	f.Float64Var(&o.Drop, "drop", 0, "")
	f.Uint64Var(&o.Seed, "seed", 1, "")
	f.StringVar(&o.Token, "token", "", "")
	has := f.String("has", "", "")
	ts.Check(f.Parse(args))
	return o, strings.FieldsFunc(*has, func(c rune) bool { return c == ',' }), f.Args()
}

// startTenant starts a tenant with the sessions and the attributes of some sheets,
// and those that it has besides, and puts its address into the variable of its name:
//
//	tenant ACME -latency 5ms -has end,kst sheet.csv
func startTenant(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 1, "tenant NAME [-latency D] [-fail 0.5] [-drop 0.5] [-rate-limit N] [-token T] [-has UID,...] SHEET...")
	options, attributes, sheets := tenantFlags(ts, args[1:])
	t := sandbox.New(options)
	for _, uid := range attributes {
		t.AddAttribute(uid)
	}
	for _, name := range sheets {
		sheet := readSheet(ts, name)
		for _, column := range sheet.header {
			if uid, ok := strings.CutPrefix(column, "attributes."); ok {
				t.AddAttribute(uid)
			}
		}
		for _, row := range sheet.rows {
			// What is no id is a part of the test.
			if _, hasID := row["id"]; hasID {
				_ = t.AddID(row["id"])
			} else {
				_ = t.AddUID(row["uid"])
			}
		}
	}
	l, err := sandbox.Listen("127.0.0.1:0")
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { _ = t.Serve(ctx, l) })
	stop := sync.OnceFunc(func() {
		cancel()
		served.Wait()
	})
	ts.Defer(stop)
	scriptOf(ts).tenants[args[0]] = &tenant{t, stop}
	ts.Setenv(args[0], "http://"+l.Addr().String()+"/api")
}

// setFaults changes how bad a tenant is, from now on.
func setFaults(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 1, "faults NAME [flags as of tenant]")
	o, _, _ := tenantFlags(ts, args[1:])
	scriptOf(ts).tenants[args[0]].SetFaults(sandbox.Faults{
		RateLimit: o.RateLimit, Latency: o.Latency, Fail: o.Fail, Drop: o.Drop,
	})
}

// countRequests compares a tenant's own counts; with a ">" it waits until they
// have grown so far:
//
//	requests ACME applied=24 runs=1 get=0
//	requests ACME patch=>50
func countRequests(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "requests NAME count=N|count=>N...")
	t := scriptOf(ts).tenants[args[0]]
	totals := func() (counts map[string]int) {
		text, err := json.Marshal(t.Totals())
		ts.Check(err)
		ts.Check(json.Unmarshal([]byte(strings.ToLower(string(text))), &counts))
		return counts
	}
	for _, pair := range pairs(ts, args[1:]) {
		text, atLeast := strings.CutPrefix(pair[1], ">")
		want, err := strconv.Atoi(text)
		ts.Check(err)
		if _, known := totals()[pair[0]]; !known {
			ts.Fatalf("tenants do not count %q", pair[0])
		}
		if atLeast {
			waitFor(ts, strings.Join(args, " "), func() bool { return totals()[pair[0]] > want })
		} else if got := totals()[pair[0]]; got != want {
			ts.Fatalf("%s: the tenant counts %s=%d, not %d", args[0], pair[0], got, want)
		}
	}
}

// appliedSheet holds the tenant's own record against a sheet: each row was
// applied, ran as often as it asks, and the session is as the row says. All
// sessions together may have been sent a few times more than once:
//
//	applied ACME sheet.csv repeats=8
func appliedSheet(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 2, "applied NAME SHEET [repeats=N]")
	t := scriptOf(ts).tenants[args[0]]
	most := 0
	for _, pair := range pairs(ts, args[2:]) {
		n, err := strconv.Atoi(pair[1])
		ts.Check(err)
		most = n
	}
	repeats := 0
	for _, row := range readSheet(ts, args[1]).rows {
		id := cmp.Or(row["id"], row["result.id"]) // which the results of a sheet of uids have
		r, known := t.Record(id)
		runs := 0
		if row["run"] == "true" {
			runs = 1
		}
		switch {
		case !known || r.Patches == 0:
			ts.Fatalf("%s was not applied", id)
		case r.Runs != runs:
			ts.Fatalf("%s ran %d times, not %d", row["id"], r.Runs, runs)
		case runs > 0 && r.Patches != 1:
			ts.Fatalf("%s runs its session and was applied %d times", row["id"], r.Patches)
		}
		repeats += r.Patches - 1
		if status := strings.ReplaceAll(strings.ToLower(row["status"]), " ", "_"); status != "" && runs == 0 && r.Session.Status != status {
			ts.Fatalf("%s: the status is %q, not %q", row["id"], r.Session.Status, status)
		}
		for name, cell := range row {
			uid, isAttribute := strings.CutPrefix(name, "attributes.")
			switch {
			case cell == "" || !isAttribute:
			case cell == "<clear>":
				if r.Session.Attributes[uid] != "" {
					ts.Fatalf("%s: %s was not emptied", row["id"], name)
				}
			case r.Session.Attributes[uid] != cell:
				ts.Fatalf("%s: %s is %q, not %q", row["id"], name, r.Session.Attributes[uid], cell)
			}
		}
	}
	if repeats > most {
		ts.Fatalf("%d rows were applied more than once, %d may be", repeats, most)
	}
}

// holds compares a session's status and attributes:
//
//	holds ACME 00000001-… badge=B-1 status=completed
func holds(ts *testscript.TestScript, neg bool, args []string) {
	requireArgs(ts, neg, args, 3, "holds NAME ID FIELD=VALUE...")
	r, known := scriptOf(ts).tenants[args[0]].Record(args[1])
	if !known {
		ts.Fatalf("%s does not know %s", args[0], args[1])
	}
	for _, pair := range pairs(ts, args[2:]) {
		got := r.Session.Attributes[pair[0]]
		if pair[0] == "status" {
			got = r.Session.Status
		}
		if got != pair[1] {
			ts.Fatalf("%s: %s is %q, not %q", args[1], pair[0], got, pair[1])
		}
	}
}

// readable reads a file of the script, or the output of its last program.
func readable(ts *testscript.TestScript, name string) string {
	if name == "stdout" || name == "stderr" {
		return ts.ReadFile(name)
	}
	data, err := os.ReadFile(globOne(ts, name))
	ts.Check(err)
	return string(data)
}
