package api

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Auth is how requests are authorised: a token that stands, or client
// credentials from which tokens are made. Make one with StaticToken or
// ClientCredentials. It prints as nothing but a placeholder, in logs too.
type Auth struct {
	header  string // of a token that stands
	oauth   *clientcredentials.Config
	secrets []string
}

// StaticToken authorises with one token. The scheme is "bearer"
// (Authorization: Bearer T) or "token" (the older Authorization: Token
// token=T). Clean the token with CleanToken or ReadToken first; one that
// cannot stand in a header is refused without being repeated.
func StaticToken(token, scheme string) (Auth, error) {
	token, err := CleanToken(token)
	if err != nil {
		return Auth{}, err
	}
	a := Auth{secrets: []string{token}}
	switch strings.ToLower(scheme) {
	case "bearer":
		a.header = "Bearer " + token
	case "token":
		a.header = "Token token=" + token
	default:
		return Auth{}, fmt.Errorf("auth scheme %q is not known; it is bearer or token", printable(scheme))
	}
	return a, nil
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
	}
	u, err := parseEndpoint(tokenURL)
	if err != nil {
		return Auth{}, fmt.Errorf("token URL (NERM_TOKEN_URL): %w", err)
	}
	return Auth{
		secrets: []string{secret},
		oauth: &clientcredentials.Config{
			ClientID:     id,
			ClientSecret: secret,
			TokenURL:     u.String(),
			// Both other styles would send the secret once more than needed.
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}, nil
}

// String hides what it holds.
func (a Auth) String() string { return blot }

// GoString hides what it holds from %#v.
func (a Auth) GoString() string { return blot }

// LogValue hides what it holds from log handlers.
func (a Auth) LogValue() slog.Value { return slog.StringValue(blot) }
