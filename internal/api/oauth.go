package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// denial is a refusal of the credentials by the token URL: trying again
// cannot help.
type denial struct{ message string }

func (d *denial) Error() string { return d.message }

// maxTokenAnswer bounds the token URL's answer.
const maxTokenAnswer = 1 << 20

// tokenTripper carries token requests: counted, and with the answer read
// whole and bounded here, so that an answer that breaks off is an error of the
// network and not a malformed token.
type tokenTripper struct {
	base interface {
		RoundTrip(*http.Request) (*http.Response, error)
	}
	agent  string
	counts *counts
}

func (t tokenTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", t.agent)
	t.counts.token.Add(1)
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // what matters is read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// newFetch returns the function that gets a new access token. Its errors are
// a denial, or anything else for what may pass. They hold no secret and
// nothing of the answer but OAuth2's error code and a clean description.
func newFetch(conf *clientcredentials.Config, rt tokenTripper, timeout time.Duration, secrets *redactor) func() (*grant, error) {
	client := &http.Client{
		Transport:     rt,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	host := "the token URL"
	if u, err := url.Parse(conf.TokenURL); err == nil {
		host = "the token URL at " + u.Host
	}
	return func() (*grant, error) {
		asked := time.Now()
		ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)
		token, err := conf.Token(ctx)
		if err != nil {
			return nil, tokenError(err, host, secrets)
		}
		clean, err := CleanToken(token.AccessToken)
		if err != nil {
			return nil, &denial{host + " answered with something that is no access token; check NERM_TOKEN_URL"}
		}
		secrets.add(clean)
		return newGrant(clean, asked, token.Expiry), nil
	}
}

// newGrant decides when a token is renewed: a tenth of its life, at most a
// minute, before its end; at its end itself nobody uses it any more.
func newGrant(token string, asked, expiry time.Time) *grant {
	g := &grant{header: []string{"Bearer " + token}}
	if !expiry.IsZero() {
		life := max(expiry.Sub(asked), 0)
		g.expires = expiry.Add(-life / 100) // the request takes time too
		g.renew = expiry.Add(-min(life/10, time.Minute))
	}
	return g
}

// tokenError puts a failed token request into plain words.
func tokenError(err error, host string, secrets *redactor) error {
	var refused *oauth2.RetrieveError
	var net *url.Error
	switch {
	case errors.As(err, &net):
		return errors.New(host + " cannot be reached: " + netReason(net.Err, secrets))
	case !errors.As(err, &refused) || refused.Response == nil:
		return &denial{host + " did not answer with a token; check NERM_TOKEN_URL"}
	}
	status := refused.Response.StatusCode
	reason := plain(secrets.text(refused.ErrorCode), 60)
	if d := plain(secrets.text(refused.ErrorDescription), maxMessage); d != "" && reason != "" {
		reason += ": " + d
	}
	text := fmt.Sprintf("%s answered HTTP %d", host, status)
	if reason != "" {
		text += " (" + reason + ")"
	}
	switch {
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return errors.New(text)
	case status >= 300 && status < 400:
		return &denial{text + ", a redirect, which is never followed; check NERM_TOKEN_URL"}
	case status == http.StatusNotFound:
		return &denial{text + "; check NERM_TOKEN_URL"}
	}
	return &denial{text + "; check NERM_CLIENT_ID and NERM_CLIENT_SECRET"}
}
