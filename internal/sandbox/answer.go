package sandbox

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// answer is one response, made before it is known whether it will be sent.
type answer struct {
	status     int
	html       bool
	body       []byte
	retryAfter time.Duration // 0 none
	drop       bool          // the connection is closed with nothing written
}

// inJSON is an answer of the API.
func inJSON(status int, v any) answer {
	body, _ := json.Marshal(v) // what is answered always marshals
	return answer{status: status, body: body}
}

// refusal is an answer in the API's form of an error.
func refusal(status int, text string) answer {
	return inJSON(status, map[string]string{"error": text})
}

func unknownSession() answer {
	return refusal(http.StatusNotFound, "The requested Workflow Session was not found")
}

// htmlPage is an answer as a web server or a proxy gives it, not the API.
func htmlPage(status int, title, text string) answer {
	body := "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>" + title + "</title></head>\n" +
		"<body>\n<h1>" + title + "</h1>\n<p>" + text + "</p>\n</body>\n</html>\n"
	return answer{status: status, html: true, body: []byte(body)}
}

// failure is the answer of a tenant, or of a proxy in front of it, that is down.
func failure(status int) answer {
	switch status {
	case http.StatusBadGateway:
		return htmlPage(status, "502 Bad Gateway", "The server received an invalid response from an upstream server.")
	case http.StatusGatewayTimeout:
		return htmlPage(status, "504 Gateway Time-out", "The server did not get a response in time from an upstream server.")
	case http.StatusServiceUnavailable:
		return refusal(status, "Service Unavailable")
	}
	return refusal(status, "Sorry something went wrong")
}

// write sends the answer.
func (a answer) write(w http.ResponseWriter) {
	if a.drop {
		panic(http.ErrAbortHandler) // net/http's way to close without an answer
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if a.html {
		h.Set("Content-Type", "text/html; charset=utf-8")
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.retryAfter.Seconds()))))
	}
	if a.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that left is no fault of ours
}

// show returns a session that the caller owns as an answer shows it.
func (f Faults) show(s Session) any {
	if f.Spaced {
		s.Status = spaced(s.Status)
	}
	if f.Names {
		for uid, value := range s.Attributes {
			s.Attributes[uid] = asNames(value)
		}
	}
	if !f.Nulls || s.ProfileID != "" {
		return s
	}
	return struct {
		Session
		ProfileID *string `json:"profile_id"` // in place of the session's own
	}{Session: s}
}
