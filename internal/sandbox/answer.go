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
	drop       bool
}

// The API's own words.
const (
	msgInvalidJSON  = "Invalid JSON syntax. Please check your syntax and try again."
	msgMissing      = "param is missing or the value is empty: workflow_session"
	msgNotUpdated   = "The workflow session failed to create/update"
	msgUnknown      = "The requested Workflow Session was not found"
	msgNone         = "no workflow sessions found"
	msgRate         = "Rate limit exceeded"
	msgServerError  = "Sorry something went wrong"
	msgNoSuchPath   = "The requested resource was not found"
	msgContentType  = "Content-Type must be application/json"
	msgBodyTooLarge = "The request body is too large"
)

// inJSON is an answer of the API.
func inJSON(status int, v any) answer {
	body, _ := json.Marshal(v) // strings, numbers, and maps and lists of them always marshal
	return answer{status: status, body: body}
}

// refusal is an answer in the API's form of an error.
func refusal(status int, text string) answer {
	return inJSON(status, map[string]string{"error": text})
}

// invalid is the answer to values that a session cannot have, by field.
func invalid(problems map[string][]string) answer {
	return inJSON(http.StatusBadRequest, map[string]any{"error": msgNotUpdated, "errors": problems})
}

// one is the answer with one session.
func one(f Faults, s Session) answer {
	return inJSON(http.StatusOK, map[string]sessionJSON{"workflow_session": f.show(s)})
}

// sessionJSON is a session as the API gives it: what it does not have is null.
type sessionJSON struct {
	ID            *string           `json:"id"`
	UID           *string           `json:"uid"`
	WorkflowID    *string           `json:"workflow_id"`
	RequesterID   *string           `json:"requester_id"`
	RequesterType *string           `json:"requester_type"`
	ProfileID     *string           `json:"profile_id"`
	ProfileIDs    []string          `json:"profile_ids"`
	Status        *string           `json:"status"`
	Attributes    map[string]string `json:"attributes"`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

// show makes a session of the caller's into what is read back of it.
func (f Faults) show(s Session) sessionJSON {
	if f.Spaced {
		s.Status = spaced(s.Status)
	}
	if f.Names {
		for uid, value := range s.Attributes {
			s.Attributes[uid] = asNames(value)
		}
	}
	if s.ProfileIDs == nil {
		s.ProfileIDs = []string{}
	}
	orNull := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return sessionJSON{
		ID: orNull(s.ID), UID: orNull(s.UID), WorkflowID: orNull(s.WorkflowID),
		RequesterID: orNull(s.RequesterID), RequesterType: orNull(s.RequesterType),
		ProfileID: orNull(s.ProfileID), ProfileIDs: s.ProfileIDs, Status: orNull(s.Status),
		Attributes: s.Attributes, CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(),
	}
}

// htmlPage is an answer as a web server or a proxy gives it, not the API.
func htmlPage(status int, title, text string) answer {
	body := "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>" + title + "</title></head>\n" +
		"<body>\n<h1>" + title + "</h1>\n<p>" + text + "</p>\n</body>\n</html>\n"
	return answer{status: status, html: true, body: []byte(body)}
}

// notFoundPage is what a path outside /api gets: the forgotten /api.
func notFoundPage() answer {
	return htmlPage(http.StatusNotFound, "404 Not Found", "The page you were looking for does not exist.")
}

// failure is the answer of a tenant, or of a proxy before it, that is down.
func failure(status int) answer {
	switch status {
	case http.StatusBadGateway:
		return htmlPage(status, "502 Bad Gateway", "The server received an invalid response from an upstream server.")
	case http.StatusGatewayTimeout:
		return htmlPage(status, "504 Gateway Time-out", "The server did not get a response in time from an upstream server.")
	case http.StatusServiceUnavailable:
		return refusal(status, "Service Unavailable")
	}
	return refusal(status, msgServerError)
}

// write sends the answer. A drop closes the connection with nothing written.
func (a answer) write(w http.ResponseWriter) {
	if a.drop {
		panic(http.ErrAbortHandler) // net/http's way to close without an answer
	}
	h := w.Header()
	if a.html {
		h["Content-Type"] = []string{"text/html; charset=utf-8"}
	} else {
		h["Content-Type"] = []string{"application/json; charset=utf-8"}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(a.retryAfter.Seconds())))))
	}
	if a.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that left is no fault of ours
}
