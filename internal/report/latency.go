package report

import (
	"maps"
	"slices"
)

// Latency tells how long answers took, in milliseconds. The figures are upper
// bounds of the journal's buckets, so they err on the slow side.
type Latency struct {
	P50 int `json:"p50"`
	P90 int `json:"p90"`
	P99 int `json:"p99"`
	Max int `json:"max"`
}

// latencyOf reads percentiles off a histogram: the answers by the upper bound
// of their bucket. Without answers all are 0.
func latencyOf(buckets map[int]int) Latency {
	return Latency{
		P50: percentile(buckets, 50), P90: percentile(buckets, 90),
		P99: percentile(buckets, 99), Max: percentile(buckets, 100),
	}
}

// percentile returns the least bound that at least p of 100 answers keep.
func percentile(buckets map[int]int, p int) int {
	total := 0
	for _, n := range buckets {
		total += n
	}
	need := (total*p + 99) / 100
	seen := 0
	for _, bound := range slices.Sorted(maps.Keys(buckets)) {
		seen += buckets[bound]
		if buckets[bound] > 0 && seen >= need {
			return bound
		}
	}
	return 0
}
