package report

import (
	"testing"
	"time"
)

func TestText(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"clean: escape sequence", clean("\x1b[2Jred\x07"), "[2Jred"},
		{"clean: C1 control", clean("a\u009bb"), "ab"},
		{"clean: line breaks", clean(" a\r\nb\tc\u2028d "), "a b c d"},
		{"clean: direction", clean("a\u202etxt.exe\u2066"), "atxt.exe"},
		{"clean: bad UTF-8", clean("a\xffb"), "a\uFFFDb"},
		{"clean: plain", clean("a b"), "a b"},
		{"clean: spaces", clean(" a  b "), "a b"},
		{"clean: nothing", clean(" "), ""},
		{"head: whole characters", head("aäö", 4), "aä"},
		{"head: short", head("ab", 4), "ab"},
		{"cut: short", cut("äöü", 3), "äöü"},
		{"cut: long", cut("äöüß", 3), "äö…"},
		{"thousands: small", thousands(999), "999"},
		{"thousands: edge", thousands(1000), "1,000"},
		{"thousands: large", thousands(1234567), "1,234,567"},
		{"thousands: negative", thousands(-1234), "-1,234"},
		{"thousands: negative edge", thousands(-123), "-123"},
		{"rows: one", rows(1), "1 row"},
		{"rows: many", rows(12000), "12,000 rows"},
		{"rate: slow", rate(9.94), "9.9/s"},
		{"rate: fast", rate(12345.6), "12,346/s"},
		{"percent: nearly all", percent(99999, 100000), "99 %"},
		{"percent: of none", percent(0, 0), "0 %"},
		{"share: rounded up", share(2, 3), "67\u00a0%"},
		{"share: rounded down", share(1, 3), "33\u00a0%"},
		{"share: next to none", share(1, 1000), "<\u00a01\u00a0%"},
		{"share: nearly all", share(999, 1000), ">\u00a099\u00a0%"},
		{"share: all", share(1000, 1000), "100\u00a0%"},
		{"share: of none", share(0, 0), "0\u00a0%"},
		{"span: none", span(0), "0 s"},
		{"span: past", span(-time.Minute), "0 s"},
		{"span: begun seconds count", span(11100 * time.Millisecond), "12 s"},
		{"span: minutes", span(250 * time.Second), "4m10s"},
		{"span: hours", span(64 * time.Minute), "1h04m"},
		{"span: days", span(50 * time.Hour), "2d02h"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, not %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestLatency(t *testing.T) {
	tests := []struct {
		name    string
		buckets map[int]int
		want    Latency
	}{
		{"none", nil, Latency{}},
		{"one", map[int]int{120: 1}, Latency{120, 120, 120, 120}},
		{"a hundred", map[int]int{10: 50, 20: 40, 50: 9, 1000: 1}, Latency{10, 20, 50, 1000}},
		{"a rare slow one", map[int]int{10: 999, 5000: 1}, Latency{10, 10, 10, 5000}},
		{"empty buckets", map[int]int{10: 0, 20: 3, 99: 0}, Latency{20, 20, 20, 20}},
	}
	for _, tt := range tests {
		if got := latencyOf(tt.buckets); got != tt.want {
			t.Errorf("%s: got %+v, not %+v", tt.name, got, tt.want)
		}
	}
}
