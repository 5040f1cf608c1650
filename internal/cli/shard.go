package cli

import (
	"strconv"
	"strings"

	"nermbulk/internal/text"
)

const (
	shardFlag = "shard"
	autoShard = "auto/"
)

// jobNumbers are the variables in which a cluster numbers the jobs of an array,
// and those that hold the number of the first job; without one, that is 0.
var jobNumbers = []struct{ variable, first string }{
	{variable: "JOB_COMPLETION_INDEX"},      // Kubernetes
	{variable: "AWS_BATCH_JOB_ARRAY_INDEX"}, // AWS Batch
	{variable: "SLURM_ARRAY_TASK_ID", first: "SLURM_ARRAY_TASK_MIN"},
}

// findShard replaces auto in --shard by the number of this job, so that what is
// kept and printed holds elsewhere too.
func (r *runner) findShard() error {
	all, auto := strings.CutPrefix(r.shard, autoShard)
	if !auto {
		return nil
	}
	parts, err := strconv.ParseUint(all, 10, 31)
	if err != nil || parts == 0 {
		return usage("--shard %q: use auto/N with a number of parts, such as auto/4", r.shard)
	}
	number, from, err := numberOfJob(r.Env)
	switch {
	case err != nil:
		return usage("--shard %s: %w", r.shard, err)
	case number > parts:
		return usage("--shard %s: this is job %d by %s, and there are only %d parts: the array must have as many jobs as there are parts", r.shard, number, from, parts)
	}
	// Not as if it were typed.
	return r.flags.Lookup(shardFlag).Value.Set(strconv.FormatUint(number, 10) + "/" + all)
}

// numberOfJob returns the number of this job of an array, from 1 on, and the
// variable that says so.
func numberOfJob(env func(string) string) (number uint64, from string, err error) {
	for _, job := range jobNumbers {
		if env(job.variable) == "" {
			continue
		}
		n, err := wholeNumber(env, job.variable)
		if err != nil {
			return 0, "", err
		}
		first := uint64(0)
		if job.first != "" {
			if first, err = wholeNumber(env, job.first); err != nil {
				return 0, "", err
			}
		}
		switch {
		case n < first:
			return 0, "", usage("%s=%d is below %s=%d", job.variable, n, job.first, first)
		case from != "" && number != n-first+1:
			return 0, "", usage("this is job %d by %s and job %d by %s: unset the one that is not meant", number, from, n-first+1, job.variable)
		}
		number, from = n-first+1, job.variable
	}
	if from == "" {
		return 0, "", usage("nothing says which job of an array this is: JOB_COMPLETION_INDEX (Kubernetes), AWS_BATCH_JOB_ARRAY_INDEX (AWS Batch) and SLURM_ARRAY_TASK_ID (Slurm) are not set; use --shard I/N")
	}
	return number, from, nil
}

// wholeNumber reads a variable, which must be set.
func wholeNumber(env func(string) string, variable string) (uint64, error) {
	n, err := strconv.ParseUint(env(variable), 10, 31)
	if err != nil {
		return 0, usage("%s=%s is not a whole number from 0 on", variable, text.ShellQuote(text.Line(env(variable), 0)))
	}
	return n, nil
}
