package report

import (
	"fmt"
	"strings"
	"time"
)

// progressLine tells the state in a sentence, for logs:
// "12,000 of 50,000 rows (24 %), 9.9/s, 3 failed, 1h04m left".
func progressLine(s State, total int, now time.Time) string {
	parts := []string{fmt.Sprintf("%s of %s rows (%s)", thousands(s.Done), thousands(total), percent(s.Done, total))}
	if s.Rate > 0 {
		parts = append(parts, rateNow(s))
	}
	parts = append(parts, troubles(s)...)
	if left := timeLeft(s); left != "" {
		parts = append(parts, left)
	}
	line := strings.Join(parts, ", ")
	if why := waiting(s, now); why != "" {
		line += "; " + why
	}
	return line
}

// rateNow tells the rate, and while the tenant throttles also what it grants.
func rateNow(s State) string {
	if s.Throttling && s.Ceiling > 0 {
		return rateOf(s)
	}
	return rate(s.Rate)
}

// rateOf tells the rate and what is allowed, or what the tenant grants.
func rateOf(s State) string {
	text := fmt.Sprintf("%s of %s", rate(s.Rate), rate(s.Ceiling))
	if s.Throttling {
		text += " granted"
	}
	return text
}

func troubles(s State) []string {
	var t []string
	if s.Failed > 0 {
		t = append(t, thousands(s.Failed)+" failed")
	}
	if s.Unknown > 0 {
		t = append(t, thousands(s.Unknown)+" unknown")
	}
	return t
}

// timeLeft is told only once there is a rate to tell it from.
func timeLeft(s State) string {
	if s.Rate <= 0 || s.Left <= 0 {
		return ""
	}
	seconds := float64(s.Left) / s.Rate
	if seconds > 1000*24*3600 {
		return "" // a rate of next to nothing foretells nothing
	}
	return span(time.Duration(seconds*float64(time.Second))) + " left"
}

// waiting tells why nothing is sent at the moment, or that it is slowed down.
func waiting(s State, now time.Time) string {
	wait := s.PausedUntil.Sub(now)
	switch {
	case s.Outage && wait > 0:
		return "the tenant cannot be reached: trying again in " + span(wait)
	case s.Outage:
		return "the tenant cannot be reached: trying again"
	case wait > 0:
		return "the tenant is throttling: waiting " + span(wait)
	case s.Throttling:
		return "the tenant is throttling"
	}
	return ""
}
