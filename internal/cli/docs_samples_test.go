package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"nermbulk/internal/text"
)

// The samples for a nightly job are run unchanged, against the simulated tenant
// of the documents, in a directory in the place of the job's own.

// nightly is the directory of a job: its sheet, its token, and a place for the
// secrets that systemd or Kubernetes would mount.
func nightly(t *testing.T) string {
	t.Helper()
	needShell(t)
	dir := shellDir(t)
	sheet, err := os.ReadFile(filepath.Join(dir, "samples", "sessions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"nightly.csv": sheet, "token": []byte("any\n"), "nightly-prod.csv": sheet, "token-prod": []byte("any\n"), // those of cron's profile
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readSample(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{repository, "samples"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// night runs the commands of a sample on two nights and holds the outcome
// against what the sample promises.
func night(t *testing.T, dir, script string) {
	t.Helper()
	host := acme(t)
	if settings, err := os.ReadFile(filepath.Join(dir, "nermbulk.yaml")); err == nil {
		text := strings.ReplaceAll(string(settings), "tenant: acme,", `base-url: "http://`+host+`/api",`)
		if err := os.WriteFile(filepath.Join(dir, "nermbulk.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		out, code := shell(t, dir, host, script, "NERMBULK_RATE=0", "NERM_TOKEN=")
		if code != 0 {
			t.Fatalf("exit code %d:\n%s", code, out)
		}
		if out != "" {
			t.Errorf("a good night prints nothing, for cron's sake; this was printed:\n%s", out)
		}
	}
	runs, err := filepath.Glob(filepath.Join(dir, "runs", "*", "results.csv"))
	if err != nil || len(runs) != 2 {
		t.Errorf("two nights left %d runs (%v)", len(runs), err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "nermbulk*.prom"))
	if err != nil || len(files) != 1 {
		t.Fatalf("metrics are in %v (%v)", files, err)
	}
	metrics, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(metrics), "nermbulk_last_run_success") {
		t.Errorf("no metrics were written (%v): %s", err, metrics)
	}
}

func TestSampleCron(t *testing.T) {
	t.Parallel()
	dir := nightly(t)
	var jobs []string
	for _, line := range strings.Split(readSample(t, "cron", "nermbulk.cron"), "\n") {
		if line == "" || strings.HasPrefix(line, "#") || regexp.MustCompile(`^[A-Z_]+=`).MatchString(line) {
			continue
		}
		jobs = append(jobs, line)
	}
	if len(jobs) != 1 {
		t.Fatalf("%d jobs, not one: %q", len(jobs), jobs)
	}
	parts := regexp.MustCompile(`^((?:[0-9*/,-]+ ){5}) *nermbulk +(.*)$`).FindStringSubmatch(jobs[0])
	if parts == nil {
		t.Fatalf("not five times, a user and a command: %q", jobs[0])
	}
	wrapper, err := filepath.Abs(filepath.Join(repository, "samples", "cron", "nermbulk-nightly"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(wrapper); err != nil || info.Mode()&0o111 == 0 && runtime.GOOS != "windows" {
		t.Errorf("the wrapper is not executable (%v)", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "nermbulk.yaml"), []byte(readSample(t, "cron", "nermbulk.yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	command := strings.NewReplacer("nermbulk-nightly", "sh '"+wrapper+"'", "/var/lib/nermbulk", dir).Replace(parts[2])
	night(t, dir, command)
}

func TestSampleSystemd(t *testing.T) {
	t.Parallel()
	dir := nightly(t)
	service := readSample(t, "systemd", "nermbulk.service")
	var lines []string
	for _, key := range []string{"ExecStart", "ExecStopPost"} {
		line := regexp.MustCompile(`(?m)^` + key + `=(.*)$`).FindStringSubmatch(service)
		if line == nil {
			t.Fatalf("no %s", key)
		}
		lines = append(lines, strings.NewReplacer(
			"/usr/local/bin/nermbulk", "nermbulk", "%d", dir, "%S/nermbulk", dir).Replace(line[1]))
	}
	// What prune prints goes to systemd's journal.
	night(t, dir, lines[0]+" && "+lines[1]+" 2>/dev/null")
	for _, must := range []string{"DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "LoadCredential=token:"} {
		if !strings.Contains(service, "\n"+must) {
			t.Errorf("the service lacks %s", must)
		}
	}
}

func TestSystemdAccepts(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: the units are not verified")
	}
	binary, err := exec.LookPath("nermbulk")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"verify"}
	for _, name := range []string{"nermbulk.service", "nermbulk.timer"} {
		path := filepath.Join(dir, name)
		text := strings.ReplaceAll(readSample(t, "systemd", name), "/usr/local/bin/nermbulk", binary)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestSampleKubernetes(t *testing.T) {
	t.Parallel()
	dir := nightly(t)
	documents := readYAML(t, readSample(t, "kubernetes", "cronjob.yaml"))
	if len(documents) != 3 {
		t.Fatalf("%d documents, not a claim, a secret and a job", len(documents))
	}
	claim, secret, job := documents[0], documents[1], documents[2]
	spec := dig(t, job, "spec")
	if got := dig(t, spec, "concurrencyPolicy"); got != "Forbid" {
		t.Errorf("concurrencyPolicy is %v", got)
	}
	pod := dig(t, spec, "jobTemplate", "spec", "template", "spec")
	if got := dig(t, pod, "securityContext", "runAsNonRoot"); got != "true" {
		t.Errorf("runAsNonRoot is %v", got)
	}
	volumes := dig(t, pod, "volumes")
	if dig(t, volumes, 0, "persistentVolumeClaim", "claimName") != dig(t, claim, "metadata", "name") ||
		dig(t, volumes, 1, "secret", "secretName") != dig(t, secret, "metadata", "name") {
		t.Error("the volumes are not those of the claim and the secret")
	}
	dig(t, secret, "stringData", "token")

	var commands []string
	for _, list := range []string{"initContainers", "containers"} {
		container := dig(t, pod, list, 0)
		if got := dig(t, container, "securityContext", "readOnlyRootFilesystem"); got != "true" {
			t.Errorf("readOnlyRootFilesystem of %s is %v", list, got)
		}
		dig(t, container, "resources", "limits", "memory")
		words := []string{"nermbulk"}
		for _, word := range dig(t, container, "args").([]any) {
			words = append(words, text.ShellWord(word.(string)))
		}
		commands = append(commands, strings.ReplaceAll(strings.Join(words, " "), "/secrets/token", "token"))
	}
	night(t, dir, commands[0]+" 2>/dev/null && "+commands[1])
}

// TestSampleIndexedJob runs the pods of the job and what joins their parts.
func TestSampleIndexedJob(t *testing.T) {
	t.Parallel()
	dir := nightly(t)
	documents := readYAML(t, readSample(t, "kubernetes", "indexed-job.yaml"))
	const parts = 4
	if len(documents) != parts+3 {
		t.Fatalf("%d documents, not a claim, a secret for each part and two jobs", len(documents))
	}
	claim, run, join := documents[0], documents[parts+1], documents[parts+2]
	for _, key := range []string{"completions", "parallelism"} {
		if got := dig(t, run, "spec", key); got != fmt.Sprint(parts) {
			t.Errorf("%s is %v", key, got)
		}
	}
	if got := dig(t, run, "spec", "completionMode"); got != "Indexed" {
		t.Errorf("completionMode is %v", got)
	}
	mount := dig(t, run, "spec", "template", "spec", "containers", 0, "volumeMounts", 1)
	if dig(t, mount, "mountPath") != "/secrets" || dig(t, mount, "subPathExpr") != "$(JOB_COMPLETION_INDEX)" {
		t.Errorf("a pod does not see the secret of its own part alone: %v", mount)
	}
	sources := dig(t, run, "spec", "template", "spec", "volumes", 1, "projected", "sources")
	for i := range parts {
		secret, source := documents[1+i], dig(t, sources, i, "secret")
		if dig(t, source, "name") != dig(t, secret, "metadata", "name") {
			t.Errorf("source %d is not secret %d", i, i)
		}
		for n, key := range []string{"id", "secret"} {
			dig(t, secret, "stringData", key)
			item := dig(t, source, "items", n)
			if dig(t, item, "key") != key || dig(t, item, "path") != fmt.Sprintf("%d/%s", i, key) {
				t.Errorf("secret %d is not where its pod looks for it: %v", i, item)
			}
		}
	}

	var script strings.Builder
	for i := range parts {
		command := containerCommand(t, dig(t, run, "spec", "template"), claim)
		command = strings.NewReplacer("$(JOB_COMPLETION_INDEX)", fmt.Sprint(i), "'", "", "sheet.csv", "nightly.csv",
			"--client-id-file /secrets/id --client-secret-file /secrets/secret", "--token-file token").Replace(command)
		fmt.Fprintf(&script, "JOB_COMPLETION_INDEX=%d %s || exit $?\n", i, command)
	}
	script.WriteString(containerCommand(t, dig(t, join, "spec", "template"), claim) + "\n")
	if out, code := shell(t, dir, acme(t), script.String(), "NERMBULK_RATE=0", "NERM_TOKEN="); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	results, err := os.ReadFile(filepath.Join(dir, "joined", "results.csv"))
	if err != nil || strings.Count(string(results), ",updated,") != 24 {
		t.Errorf("not every row of the sheet is in the joined results (%v):\n%s", err, results)
	}
}

// containerCommand is what a pod's only container runs, which must be hardened
// and have the claim's volume as /data.
func containerCommand(t *testing.T, template, claim any) string {
	t.Helper()
	pod := dig(t, template, "spec")
	if got := dig(t, pod, "securityContext", "runAsNonRoot"); got != "true" {
		t.Errorf("runAsNonRoot is %v", got)
	}
	container := dig(t, pod, "containers", 0)
	if got := dig(t, container, "securityContext", "readOnlyRootFilesystem"); got != "true" {
		t.Errorf("readOnlyRootFilesystem is %v", got)
	}
	dig(t, container, "resources", "limits", "memory")
	if dig(t, pod, "volumes", 0, "persistentVolumeClaim", "claimName") != dig(t, claim, "metadata", "name") ||
		dig(t, container, "volumeMounts", 0, "mountPath") != dig(t, container, "workingDir") {
		t.Error("the pod does not work on the claim's volume")
	}
	words := []string{"nermbulk"}
	for _, word := range dig(t, container, "args").([]any) {
		words = append(words, text.ShellWord(word.(string)))
	}
	return strings.Join(words, " ")
}

func TestSampleGitHubActions(t *testing.T) {
	t.Parallel()
	dir := nightly(t)
	documents := readYAML(t, readSample(t, "github-actions.yml"))
	if len(documents) != 1 {
		t.Fatalf("%d documents", len(documents))
	}
	if got := dig(t, documents[0], "concurrency", "cancel-in-progress"); got != "false" {
		t.Errorf("a run would be cancelled by the next: %v", got)
	}
	job := dig(t, documents[0], "jobs", "nightly")
	if got := dig(t, job, "env", "NERM_TOKEN"); got != "${{ secrets.NERM_TOKEN }}" {
		t.Errorf("the token is %v", got)
	}
	script := "export NERM_TOKEN=any\n"
	commands := 0
	for _, step := range dig(t, job, "steps").([]any) {
		run, ok := step.(map[string]any)["run"].(string)
		if !ok || !strings.HasPrefix(run, "nermbulk ") {
			continue
		}
		commands++
		if strings.HasPrefix(run, "nermbulk prune") {
			run = strings.TrimSpace(run) + " 2>/dev/null\n"
		}
		script += "{ " + strings.TrimSpace(run) + "; } || exit $?\n"
	}
	if commands != 2 {
		t.Errorf("%d steps use nermbulk, not a run and a prune", commands)
	}
	night(t, dir, script)
}
