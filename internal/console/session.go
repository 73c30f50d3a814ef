package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const (
	signInPath  = Prefix + "sign-in"
	signOutPath = Prefix + "sign-out"

	cookieName = "slipway-console"
)

// sessionLength is how long somebody stays signed in; the root user, by AWS's
// rule for its sessions, an hour.
const sessionLength = 8 * time.Hour

// session is who signed in. It is kept in the browser alone, sealed.
type session struct {
	Keys   aws.Credentials
	Region string
	Caller string // ARN
}

// config is for clients of the public API that act as the one who signed in.
func (c *Console) config(keys aws.Credentials, region string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: aws.String(c.Site.URL), HTTPClient: c.api,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil })}
}

type signInPage struct{ Problem, KeyID, Region, Next string }

func (c *Console) signInForm(w http.ResponseWriter, r *http.Request) {
	c.show(w, http.StatusOK, "sign-in.html", signInPage{Region: c.Site.Region, Next: next(r.URL.Query().Get("next"))})
}

// next is where to go after signing in: only below the console.
func next(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, Prefix) {
		return connectionsPath
	}
	return path
}

// signIn takes access keys and keeps, instead of them, a session made with them.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	region := strings.TrimSpace(r.PostFormValue("region"))
	if region == "" {
		region = c.Site.Region
	}
	keys := aws.Credentials{AccessKeyID: strings.TrimSpace(r.PostFormValue("key")), SecretAccessKey: strings.TrimSpace(r.PostFormValue("secret")),
		SessionToken: strings.TrimSpace(r.PostFormValue("token"))}
	s, err := c.begin(r.Context(), keys, region)
	if err != nil {
		problem := "The server cannot sign you in now."
		var api smithy.APIError
		if errors.As(err, &api) {
			problem = api.ErrorMessage()
		} else if keys.AccessKeyID == "" || keys.SecretAccessKey == "" {
			problem = "An access key and its secret are needed."
		} else {
			c.Log.Warn("console: sign-in", "error", err)
		}
		c.show(w, http.StatusForbidden, "sign-in.html", signInPage{Problem: problem, KeyID: keys.AccessKeyID, Region: region, Next: next(r.PostFormValue("next"))})
		return
	}
	b, err := json.Marshal(s)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	c.setCookie(w, r, c.Sessions.Seal(b), s.Keys.Expires.Sub(c.Clock.Now()))
	http.Redirect(w, r, next(r.PostFormValue("next")), http.StatusSeeOther)
}

// begin makes a session. Keys that are of a session already stand for
// themselves.
func (c *Console) begin(ctx context.Context, keys aws.Credentials, region string) (*session, error) {
	client := sts.NewFromConfig(c.config(keys, region))
	me, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	s := &session{Keys: keys, Region: region, Caller: aws.ToString(me.Arn)}
	if keys.SessionToken != "" {
		s.Keys.CanExpire, s.Keys.Expires = true, c.Clock.Now().Add(sessionLength)
		return s, nil
	}
	out, err := client.GetSessionToken(ctx, &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(int32(sessionLength.Seconds()))})
	if err != nil {
		return nil, err
	}
	k := out.Credentials
	s.Keys = aws.Credentials{AccessKeyID: aws.ToString(k.AccessKeyId), SecretAccessKey: aws.ToString(k.SecretAccessKey),
		SessionToken: aws.ToString(k.SessionToken), CanExpire: true, Expires: aws.ToTime(k.Expiration)}
	return s, nil
}

func (c *Console) setCookie(w http.ResponseWriter, r *http.Request, value string, life time.Duration) {
	secure := r.TLS != nil
	if u, err := url.Parse(c.PublicURL); err == nil && u.Scheme == "https" && strings.EqualFold(u.Host, r.Host) {
		secure = true
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: value, Path: Prefix, MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode})
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	c.setCookie(w, r, "", -time.Second)
	http.Redirect(w, r, signInPath, http.StatusSeeOther)
}

// signedIn lets those pass who signed in; others are sent to do it.
func (c *Console) signedIn(f func(http.ResponseWriter, *http.Request, *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := c.session(r)
		if s == nil {
			c.toSignIn(w, r)
			return
		}
		f(w, r, s)
	}
}

func (c *Console) session(r *http.Request) *session {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	b, err := c.Sessions.Open(cookie.Value)
	if err != nil {
		return nil
	}
	s := &session{}
	if json.Unmarshal(b, s) != nil || !s.Keys.Expires.After(c.Clock.Now()) {
		return nil
	}
	return s
}

func (c *Console) toSignIn(w http.ResponseWriter, r *http.Request) {
	c.setCookie(w, r, "", -time.Second)
	to := signInPath
	if r.Method == http.MethodGet {
		to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// ended tells whether an answer of the API means that a session is over.
func ended(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException":
		return true
	}
	return false
}

// words are what a person is told of an error.
func words(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return "The server does not answer."
}
