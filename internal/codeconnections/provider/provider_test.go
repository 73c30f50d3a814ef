package provider_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
)

func at(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func rest(t *testing.T, base string) *provider.REST {
	u := at(t, base)
	return provider.NewREST(u, &provider.Bound{Origin: provider.Origin(u), Next: http.DefaultTransport,
		Authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3cr3t") }})
}

func TestTheTokenStaysAtItsOrigin(t *testing.T) {
	var here, there []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there = append(there, r.Header.Get("Authorization"))
		http.Error(w, `{"message":"who?"}`, http.StatusUnauthorized)
	}))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here = append(here, r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/api/moved":
			http.Redirect(w, r, "/api/repo", http.StatusMovedPermanently)
		case "/api/elsewhere":
			http.Redirect(w, r, other.URL+"/repo", http.StatusFound)
		case "/api/loop":
			http.Redirect(w, r, "/api/loop", http.StatusFound)
		case "/api/post":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		default:
			_, _ = w.Write([]byte(`{"name":"r"}`))
		}
	}))
	defer srv.Close()
	c, ctx := rest(t, srv.URL+"/api"), t.Context()
	var repo struct{ Name string }
	if err := c.Get(ctx, "/moved", &repo); err != nil || repo.Name != "r" || len(here) != 2 || here[1] != "Bearer s3cr3t" {
		t.Errorf("a repository that was renamed: %v, %q", err, here)
	}
	if err := c.Get(ctx, "/elsewhere", &repo); !errors.Is(err, provider.ErrMoved) {
		t.Errorf("elsewhere: %v", err)
	}
	if err := c.Get(ctx, "/loop", &repo); !errors.Is(err, provider.ErrAway) || len(here) > 12 {
		t.Errorf("in circles: %v after %d", err, len(here))
	}
	if err := c.Post(ctx, "/post", map[string]string{"secret": "x"}, &repo); err == nil {
		t.Error("what is written followed a redirect")
	}
	if strings.Join(there, "") != "" {
		t.Errorf("the other host was sent %q", there)
	}
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		status int
		header string
		body   string
		want   error
	}{
		{200, "", `{"a":1}`, nil}, {200, "", `<html>`, provider.ErrAnswer}, {401, "", `{"message":"Bad credentials"}`, provider.ErrToken},
		{403, "", `{"message":"no"}`, provider.ErrDenied}, {403, "0", `{"message":"API rate limit exceeded"}`, provider.ErrAway},
		{404, "", `{"message":"404 Project Not Found"}`, provider.ErrNotFound}, {429, "", ``, provider.ErrAway}, {502, "", `<html>`, provider.ErrAway},
		{422, "", `{"message":"Validation Failed"}`, provider.ErrDenied},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if tt.header != "" {
				w.Header().Set("X-RateLimit-Remaining", tt.header)
			}
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		}))
		var v map[string]any
		err := rest(t, srv.URL).Get(t.Context(), "/x?q=hidden", &v)
		srv.Close()
		if !errors.Is(err, tt.want) || err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%d %s: %v", tt.status, tt.body, err)
		}
	}
	var v map[string]any
	if err := rest(t, "http://127.0.0.1:1").Get(t.Context(), "/x?q=hidden", &v); !errors.Is(err, provider.ErrAway) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"octo/site": true, "group/sub/name": true, "a.b/c_d-e": true, "octo": false, "octo/": false, "/site": false, "octo//site": false,
		"../etc": false, "octo/..": false, "octo/.": false, "-o/x": false, "octo/-x": false, "octo/$(id)": false, "octo/a b": false,
		"octo/a?b": false, "octo/a#b": false, "octo/a%2fb": false, "octo/a\nb": false, "öcto/x": false,
	} {
		if provider.ValidRepository(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	for id, want := range map[string]bool{strings.Repeat("a", 40): true, strings.Repeat("1", 64): true, "main": false, "--upload-pack=x": false, strings.Repeat("A", 40): false, "": false} {
		if provider.ValidCommit(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
	for a, b := range map[string]string{"https://Git.example.com": "https://git.example.com:443/x", "http://h:80": "http://h"} {
		if provider.Origin(at(t, a)) != provider.Origin(at(t, b)) {
			t.Errorf("%s and %s differ", a, b)
		}
	}
	if provider.Origin(at(t, "http://h")) == provider.Origin(at(t, "https://h")) || provider.Origin(at(t, "https://h")) == provider.Origin(at(t, "https://a.h")) {
		t.Error("different origins are one")
	}
	if got := provider.Path("repos", "a/b", "x y", "?"); got != "/repos/a%2Fb/x%20y/%3F" {
		t.Error(got)
	}
}
