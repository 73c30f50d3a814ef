package codeconnections

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/sigv4"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/git"
)

// GitPrefix is where the repositories behind connections are on the gateway:
//
//	/_slipway/git-http/codeconnections/REGION/CONNECTION-ID/OWNER/NAME.git
//
// AWS's own proxy for full clones has paths like it. Builds clone from here with
// their role's credentials, as they do from CodeCommit, so the provider's token
// does not leave this server.
const GitPrefix = "/_slipway/git-http/"

// CloneURL is where to clone a connection's repository from, for roles that may
// use the connection.
func (s *Service) CloneURL(connectionARN, repository string) (string, error) {
	region, id, ok := s.key(connectionARN, connectionKind)
	a, _ := arn.Parse(connectionARN)
	switch {
	case !ok:
		return "", noConnection(connectionARN)
	default:
		return s.Site.URL + GitPrefix + a.Service + "/" + region + "/" + id + "/" + repository + ".git", nil
	}
}

// Git passes git's smart protocol on to providers.
func (s *Service) Git() http.Handler { return http.HandlerFunc(s.git) }

// gitRequest is a request of git for a connection's repository.
type gitRequest struct {
	path    string // up to the repository, as received: it is signed
	rest    string // of the path
	service git.Service
	region  string
	at      source.Place
	action  string
}

func (s *Service) parseGit(r *http.Request) (*gitRequest, bool) {
	g := &gitRequest{}
	path := r.URL.EscapedPath()
	for _, rest := range []string{"/info/refs", "/" + string(git.UploadPack), "/" + string(git.ReceivePack)} {
		if p, ok := strings.CutSuffix(path, rest); ok {
			g.path, g.rest = p, rest
		}
	}
	switch {
	case g.rest == "":
		return nil, false
	case g.rest == "/info/refs" && r.Method == http.MethodGet:
		g.service = git.Service(r.URL.Query().Get("service"))
	case r.Method == http.MethodPost && g.rest != "/info/refs":
		g.service = git.Service(g.rest[1:])
	}
	parts := strings.SplitN(strings.TrimPrefix(g.path, GitPrefix), "/", 4)
	if len(parts) != 4 || g.service != git.UploadPack && g.service != git.ReceivePack {
		return nil, false
	}
	g.region = parts[1]
	g.at = source.Place{ConnectionARN: arn.New(parts[0], parts[1], s.Site.Account, connectionKind+parts[2]),
		Repository: strings.TrimSuffix(parts[3], ".git")}
	if g.action = gitPull; g.service == git.ReceivePack {
		g.action = gitPush
	}
	return g, true
}

func (s *Service) git(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	g, ok := s.parseGit(r)
	if !ok {
		http.Error(w, "not a request of git's smart protocol; clone this URL with git", http.StatusNotFound)
		return
	}
	if _, _, ok := r.BasicAuth(); !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="AWS CodeConnections"`)
		http.Error(w, "credentials are needed: use the credential helper of the aws command", http.StatusUnauthorized)
		return
	}
	up, canonical, err := s.gitSession(r, g)
	if err != nil {
		if !known(err) {
			s.Log.Warn("git for a connection", "connection", g.at.ConnectionARN, "repository", g.at.Repository, "error", err)
		}
		status, text := cloneStatus(err)
		http.Error(w, text, status)
		return
	}
	s.forward(w, r, g, up, canonical)
}

var errCredentials = fail("AccessDenied", "The credentials are not valid, or not for this repository")

// gitSession authenticates by the password that AWS's credential helper makes
// of a role's credentials, and authorizes.
func (s *Service) gitSession(r *http.Request, g *gitRequest) (*reached, string, error) {
	user, password, _ := r.BasicAuth()
	key, token, _ := strings.Cut(user, "%")
	credential, err := s.Keys.Lookup(r.Context(), key, token)
	if err != nil {
		return nil, "", err
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if err := sigv4.VerifyGit(credential.Secret, password, host, g.path, []string{g.region, s.Site.Region}, s.Engine.Now()); err != nil {
		return nil, "", errCredentials
	}
	if err := s.authorize(r.Context(), credential.Caller, g.at, g.action); err != nil {
		return nil, "", err
	}
	return s.repository(r.Context(), g.at.ConnectionARN, g.at.Repository)
}

// forward passes a request on, with the token in place of the caller's
// credentials. Redirects are not passed back: a client would follow them.
func (s *Service) forward(w http.ResponseWriter, r *http.Request, g *gitRequest, up *reached, canonical string) {
	to := up.cloneURL(canonical)
	user, password := up.dialect.Password(up.Token)
	carrier := up.bound(to)
	carrier.Authorize = func(req *http.Request) { req.SetBasicAuth(user, password) }
	proxy := &httputil.ReverseProxy{
		Transport:     carrier,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(p *httputil.ProxyRequest) {
			u := *to
			u.Path += g.rest
			if g.rest == "/info/refs" {
				u.RawQuery = url.Values{"service": {string(g.service)}}.Encode()
			}
			p.Out.URL, p.Out.Host = &u, u.Host
			headers := http.Header{"User-Agent": {"git/2 (Slipway)"}}
			for _, name := range []string{"Accept", "Content-Type", "Content-Encoding", "Git-Protocol"} {
				if v := p.In.Header.Values(name); len(v) > 0 {
					headers[name] = v
				}
			}
			p.Out.Header = headers
		},
		ModifyResponse: func(resp *http.Response) error {
			switch status := resp.StatusCode; {
			case status >= 300 && status < 400:
				return git.ErrRemoteMoved
			case status == http.StatusUnauthorized, status == http.StatusForbidden:
				return git.ErrRemoteDenied
			}
			keep := http.Header{}
			for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
				if v := resp.Header.Values(name); len(v) > 0 {
					keep[name] = v
				}
			}
			resp.Header = keep
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return
			}
			err = s.told(context.WithoutCancel(r.Context()), g.at.ConnectionARN, "repository "+g.at.Repository, err)
			if !known(err) {
				s.Log.Warn("git for a connection", "connection", g.at.ConnectionARN, "error", errors.Unwrap(err))
			}
			status, text := cloneStatus(err)
			http.Error(w, text, status)
		},
	}
	proxy.ServeHTTP(w, r)
}
