package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"

	"nermbulk/internal/text"
)

// Auth is how requests are authorised: a static token, or client credentials
// from which tokens are made. Make one with StaticToken or ClientCredentials.
// It prints as nothing but a placeholder, in logs too.
type Auth struct {
	header string // of a static token
	secret string

	oauth    *clientcredentials.Config
	tokenURL *url.URL // of oauth
}

// StaticToken authorises with one token. The scheme is "bearer"
// (Authorization: Bearer T) or "token" (the older Authorization: Token
// token=T). A token that is not fit for a header is refused without being
// repeated.
func StaticToken(token, scheme string) (Auth, error) {
	token, err := CleanToken(token)
	if err != nil {
		return Auth{}, err
	}
	switch strings.ToLower(scheme) {
	case "bearer":
		return Auth{header: "Bearer " + token, secret: token}, nil
	case "token":
		return Auth{header: "Token token=" + token, secret: token}, nil
	}
	return Auth{}, fmt.Errorf("auth scheme %q is not known; it is bearer or token", text.Line(scheme, maxTyped))
}

// ClientCredentials authorises with access tokens from the token URL (OAuth2
// client credentials, id and secret in the form), such as
// https://acme.api.identitynow.com/oauth/token. A token is renewed shortly
// before it expires, and once when the tenant answers 401 or 403.
func ClientCredentials(id, secret, tokenURL string) (Auth, error) {
	id, secret = strings.TrimSpace(id), strings.TrimSpace(secret)
	switch {
	case id == "":
		return Auth{}, errors.New("the client id is empty; set NERM_CLIENT_ID")
	case secret == "":
		return Auth{}, errors.New("the client secret is empty; set NERM_CLIENT_SECRET")
	case quoted(id):
		return Auth{}, errors.New("the client id (NERM_CLIENT_ID) " + unquote)
	case quoted(secret) && secret[0] == secret[len(secret)-1]: // one alone may be its own
		return Auth{}, errors.New("the client secret (NERM_CLIENT_SECRET) " + unquote)
	}
	u, err := parseEndpoint(tokenURL)
	if err != nil {
		return Auth{}, fmt.Errorf("token URL (NERM_TOKEN_URL): %w", err)
	}
	return Auth{secret: secret, tokenURL: u, oauth: &clientcredentials.Config{
		ClientID:     id,
		ClientSecret: secret,
		TokenURL:     u.String(),
		// The other styles would send the secret more often than needed.
		AuthStyle: oauth2.AuthStyleInParams,
	}}, nil
}

// String hides the credentials.
func (a Auth) String() string { return redacted }

// GoString hides the credentials from %#v.
func (a Auth) GoString() string { return redacted }

// LogValue hides the credentials from log handlers.
func (a Auth) LogValue() slog.Value { return slog.StringValue(redacted) }

// maxToken is far above the length of any token, so that a mistyped
// --token-file is not read into memory whole.
const maxToken = 64 << 10

// ReadToken reads a token from a file, as CleanToken cleans it. The errors
// name the file and never its content.
func ReadToken(file string) (string, error) {
	s, err := ReadSecret(file, "token file")
	if err != nil {
		return "", err
	}
	if s, err = CleanToken(s); err != nil {
		return "", fmt.Errorf("token file %s: %w", text.Line(file, maxTyped), err)
	}
	return s, nil
}

// ReadSecret reads a secret from a file, without the white space, line end and
// byte order mark that editors leave around it. The errors call the file what,
// and never repeat its content.
func ReadSecret(file, what string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	s, problem := strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff")), ""
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")), bytes.Count(b, []byte{0}) > len(b)/3:
		problem = "it is UTF-16, as Windows PowerShell writes with > and Out-File; save it as UTF-8 or ASCII (Set-Content -Encoding ascii)"
	case s == "":
		problem = "it is empty"
	case len(b) > maxToken:
		problem = "this is too long to be a token or secret; the file may be the wrong one"
	case strings.ContainsAny(s, "\r\n"):
		problem = "it has more than one line; give the token or secret alone"
	default:
		return s, nil
	}
	return "", fmt.Errorf("%s %s: %s", what, text.Line(file, maxTyped), problem)
}

// CleanToken removes the white space, line end and byte order mark that
// editors and secret stores leave around a token. The errors do not repeat
// it.
func CleanToken(s string) (string, error) {
	s = strings.TrimSpace(strings.TrimPrefix(s, "\ufeff"))
	lower := strings.ToLower(s)
	switch {
	case s == "":
		return "", errors.New("the token is empty")
	case len(s) > maxToken:
		return "", errors.New("this is too long to be a token; the file may be the wrong one")
	case quoted(s):
		return "", errors.New("the token " + unquote)
	case strings.HasPrefix(lower, "bearer "), strings.HasPrefix(lower, "token token="), strings.HasPrefix(lower, "authorization:"):
		return "", errors.New("give the token alone, without the words that stand before it in the header")
	case strings.ContainsAny(s, "\r\n"):
		return "", errors.New("the token has more than one line; give the token alone")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "", errors.New("the token holds a blank, a control or a non-ASCII character; copy it again")
	}
	return s, nil
}

// unquote is the remedy for a setting that is quoted.
const unquote = "stands in quotation marks, which an env file or a copied line left around it; take them away"

// quoted reports whether a setting still has the quotation marks of an env
// file, which a shell takes away and docker and systemd need not.
func quoted(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return strings.ContainsRune("\"'`“”„‘’«»", r)
}

// token is what a request is authorised with, and until when.
type token struct {
	header  []string  // the Authorization header's value; never changed
	renew   time.Time // from when another is fetched in the background; zero: never
	expires time.Time // from when it is no longer used; zero: never
}

// newToken decides when an access token is renewed: a tenth of its life, at
// most a minute, before its end. It is not used in the last hundredth of it,
// since the request takes time too.
func newToken(access string, asked, expiry time.Time) *token {
	t := &token{header: []string{"Bearer " + access}}
	if !expiry.IsZero() {
		life := max(expiry.Sub(asked), 0)
		t.expires = expiry.Add(-life / 100)
		t.renew = expiry.Add(-min(life/10, time.Minute))
	}
	return t
}

// signIn hands out the token to use. All workers share it, and of those that
// need another at the same time only one fetches it.
//
// oauth2.ReuseTokenSource would have every worker wait for each renewal, and
// no context ends that wait.
type signIn struct {
	fetch func() (*token, error) // nil for a static token
	log   *slog.Logger

	inUse    atomic.Pointer[token]
	renewals singleflight.Group
	nextTry  atomic.Int64 // Unix nanoseconds; no renewal in the background before
}

// renewalPause is the least time between two renewals in the background that
// fail.
const renewalPause = 5 * time.Second

// current returns the token to use, and fetches one if there is none that is
// good. The error is the context's, or what fetch returned.
func (s *signIn) current(ctx context.Context) (*token, error) {
	t := s.inUse.Load()
	if t != nil && (t.renew.IsZero() || time.Now().Before(t.renew)) {
		return t, nil
	}
	if now := time.Now(); t != nil && now.Before(t.expires) {
		if next := s.nextTry.Load(); now.UnixNano() >= next && s.nextTry.CompareAndSwap(next, now.Add(renewalPause).UnixNano()) {
			s.renew(t)
		}
		return t, nil
	}
	select {
	case r := <-s.renew(t):
		t, _ = r.Val.(*token)
		return t, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// renew begins to replace a token, or joins the renewal under way.
func (s *signIn) renew(stale *token) <-chan singleflight.Result {
	return s.renewals.DoChan("", func() (any, error) {
		if t := s.inUse.Load(); t != nil && t != stale {
			return t, nil // it was replaced meanwhile
		}
		t, err := s.fetch()
		if err != nil {
			s.log.Debug("access token not renewed", "error", err.Error())
			return nil, err
		}
		s.inUse.Store(t)
		s.log.Debug("access token renewed", "expires", t.expires)
		return t, nil
	})
}

// invalidate drops a token that the tenant refused, so that the next call of
// current fetches another, for all workers together. It reports whether there
// can be another.
func (s *signIn) invalidate(stale *token) bool {
	if s.fetch == nil {
		return false
	}
	s.inUse.CompareAndSwap(stale, nil)
	return true
}

// close waits for a renewal under way, which is bounded by its timeout.
func (s *signIn) close() {
	<-s.renewals.DoChan("", func() (any, error) { return nil, nil })
}

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
	body, _ = readable(resp.Header, body, maxTokenAnswer)
	resp.Body = io.NopCloser(bytes.NewReader(wholeSeconds(body)))
	return resp, nil
}

// wholeSeconds returns a token answer with its expires_in as the whole number
// that oauth2 insists on. One that is no number is taken out: the token is then
// good until it is refused.
func wholeSeconds(body []byte) []byte {
	var answer map[string]json.RawMessage
	if json.Unmarshal(body, &answer) != nil || answer["expires_in"] == nil {
		return body
	}
	seconds, err := strconv.ParseFloat(strings.Trim(string(answer["expires_in"]), `" `), 64)
	if err == nil && seconds >= 0 && seconds <= math.MaxInt32 {
		answer["expires_in"] = strconv.AppendInt(nil, int64(seconds), 10)
	} else {
		delete(answer, "expires_in")
	}
	if whole, err := json.Marshal(answer); err == nil {
		return whole
	}
	return body
}

// newFetch returns the function that gets an access token. Its errors are a
// *denial, or anything else for what may pass. They hold no secret, and
// nothing of the answer but OAuth2's error code and a clean description.
func newFetch(a Auth, transport http.RoundTripper, timeout time.Duration, secrets *redactor) func() (*token, error) {
	client := &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)
	host := "the token URL at " + a.tokenURL.Host
	return func() (*token, error) {
		asked := time.Now()
		answer, err := a.oauth.Token(ctx)
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
	if reason := secrets.line(refused.ErrorCode, 60); reason != "" {
		if d := secrets.line(refused.ErrorDescription, maxMessage); d != "" {
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
