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

	"nermbulk/internal/text"
)

// denial is a refusal of the credentials by the token URL: trying again
// cannot help.
type denial struct{ message string }

func (d *denial) Error() string { return d.message }

// maxTokenAnswer bounds the token URL's answer.
const maxTokenAnswer = 1 << 20

// tokenTransport carries token requests. It counts them, and reads each answer
// whole, so that one that breaks off is an error of the network and not a
// malformed token.
type tokenTransport struct {
	base   http.RoundTripper
	agent  string
	counts *counts
}

func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
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

// newFetch returns the function that gets an access token. Its errors are a
// *denial, or anything else for what may pass. They hold no secret, and
// nothing of the answer but OAuth2's error code and a clean description.
func newFetch(conf *clientcredentials.Config, transport http.RoundTripper, timeout time.Duration, secrets *redactor) func() (*token, error) {
	client := &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)
	host := "the token URL"
	if u, err := url.Parse(conf.TokenURL); err == nil {
		host = "the token URL at " + u.Host
	}
	return func() (*token, error) {
		asked := time.Now()
		answer, err := conf.Token(ctx)
		if err != nil {
			return nil, tokenError(err, host, secrets)
		}
		access, err := CleanToken(answer.AccessToken)
		if err != nil {
			return nil, &denial{host + " answered with something that is no access token; check NERM_TOKEN_URL"}
		}
		secrets.addIssued(access)
		return newToken(access, asked, answer.Expiry), nil
	}
}

// tokenError puts a failed token request into plain words.
func tokenError(err error, host string, secrets *redactor) error {
	var refused *oauth2.RetrieveError
	var network *url.Error
	switch {
	case errors.As(err, &network):
		return errors.New(host + " cannot be reached: " + netReason(network.Err, secrets))
	case !errors.As(err, &refused) || refused.Response == nil:
		return &denial{host + " did not answer with a token; check NERM_TOKEN_URL"}
	}
	status := refused.Response.StatusCode
	message := fmt.Sprintf("%s answered HTTP %d", host, status)
	if reason := text.Line(secrets.text(refused.ErrorCode), 60); reason != "" {
		if d := text.Line(secrets.text(refused.ErrorDescription), maxMessage); d != "" {
			reason += ": " + d
		}
		message += " (" + reason + ")"
	}
	switch {
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return errors.New(message)
	case status >= 300 && status < 400:
		return &denial{message + ", a redirect, which is never followed; check NERM_TOKEN_URL"}
	case status == http.StatusNotFound:
		return &denial{message + "; check NERM_TOKEN_URL"}
	}
	return &denial{message + "; check NERM_CLIENT_ID and NERM_CLIENT_SECRET"}
}
