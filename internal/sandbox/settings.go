package sandbox

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// faultForm is the page's form as typed, so that a refused one is shown again
// with what was wrong in it.
type faultForm struct {
	Rate    string // requests a second
	Window  string // seconds
	Latency string // milliseconds
	Fail    string // per cent
	Drop    string // per cent
	Names   bool
	Spaced  bool
}

func formOf(f Faults) faultForm {
	number := func(v float64) string {
		return strconv.FormatFloat(math.Round(v*1e9)/1e9, 'f', -1, 64) // 0.07 × 100 is no 7.000000000000001
	}
	return faultForm{
		Rate:    number(f.RateLimit),
		Window:  number(f.Window.Seconds()),
		Latency: number(float64(f.Latency) / float64(time.Millisecond)),
		Fail:    number(f.Fail * 100),
		Drop:    number(f.Drop * 100),
		Names:   f.Names,
		Spaced:  f.Spaced,
	}
}

// faults reads the form; an error is in the user's words.
func (form faultForm) faults() (Faults, error) {
	var bad error
	number := func(name, text string) float64 {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if (err != nil || math.IsNaN(v) || math.Abs(v) > 1e9) && bad == nil {
			bad = fmt.Errorf("the %s is not a number that can be used", name)
		}
		return v
	}
	rate := number("rate limit", form.Rate)
	window := number("window", form.Window)
	latency := number("latency", form.Latency)
	fail := number("share of failures", form.Fail)
	drop := number("share of dropped answers", form.Drop)
	if bad != nil {
		return Faults{}, bad
	}
	f := Faults{
		RateLimit: rate,
		Window:    time.Duration(window * float64(time.Second)),
		Latency:   time.Duration(latency * float64(time.Millisecond)),
		Fail:      fail / 100,
		Drop:      drop / 100,
		Names:     form.Names,
		Spaced:    form.Spaced,
	}
	return f, f.check()
}

// changeFaults answers the page's form. A form of another site is refused:
// browsers say in Sec-Fetch-Site or Origin where it stood.
func (s *server) changeFaults(w http.ResponseWriter, r *http.Request) {
	if err := s.tenant.origins.Check(r); err != nil {
		http.Error(w, "the faults can be changed from the sandbox's own page only", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return
	}
	form := faultForm{
		Rate:    r.PostForm.Get("rate"),
		Window:  r.PostForm.Get("window"),
		Latency: r.PostForm.Get("latency"),
		Fail:    r.PostForm.Get("fail"),
		Drop:    r.PostForm.Get("drop"),
		Names:   r.PostForm.Get("names") == "on",
		Spaced:  r.PostForm.Get("spaced") == "on",
	}
	faults, err := form.faults()
	if err != nil {
		s.renderPage(w, http.StatusBadRequest, form, err.Error())
		return
	}
	s.tenant.SetFaults(faults)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
