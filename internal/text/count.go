package text

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Number returns n with a comma between thousands: 12,000.
func Number(n int) string {
	s := strconv.Itoa(n)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Count returns n with its noun, whose plural ends in s: "1 row", "12,000 rows".
func Count(n int, noun string) string { return CountOf(n, noun, noun+"s") }

// CountOf is Count for a phrase that is not made plural by an s:
// "1 session has", "2 sessions have".
func CountOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Rate returns requests or rows per second: "9.9/s", "12,346/s".
func Rate(perSecond float64) string {
	if perSecond >= 100 {
		return Number(int(perSecond+0.5)) + "/s"
	}
	return strconv.FormatFloat(perSecond, 'f', 1, 64) + "/s"
}

// Percent returns n of total, rounded down so that only all of it is 100 %.
func Percent(n, total int) string {
	if total <= 0 {
		return "0 %"
	}
	return strconv.Itoa(int(int64(n)*100/int64(total))) + " %"
}

// Span returns a duration in its two largest units, rounded up to whole
// seconds: "12 s", "4m10s", "1h04m", "2d02h".
func Span(d time.Duration) string {
	s := int((d + time.Second - 1) / time.Second)
	switch {
	case s < 0:
		return "0 s"
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s%86400/3600)
}

// Minute returns a time in UTC as people are shown it, to the minute.
func Minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// AppendTime appends a time in UTC as RFC 3339 has it, with milliseconds.
func AppendTime(b []byte, t time.Time) []byte {
	// Package time has a fast way for RFC3339Nano alone: nine digits, with the
	// last one not 0, of which three are kept. A layout takes three times as long.
	b = t.UTC().Truncate(time.Millisecond).Add(1).AppendFormat(slices.Grow(b, len(time.RFC3339Nano)), time.RFC3339Nano)
	return append(b[:len(b)-len("000001Z")], 'Z')
}
