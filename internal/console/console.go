// Package console is the console in the browser: so far, one page for the
// handshakes of connections, made on the server. It is a client of the public
// API like any other: it signs requests with the credentials of whoever signed
// in, and has no other way to do anything (docs/adr has the reasons).
package console

import (
	"embed"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
)

// Prefix is where the console is on the gateway.
const Prefix = "/console/"

const connectionsPath = Prefix + "settings/connections"

// Config is what the console needs; all members are required.
type Config struct {
	Site site.Site
	// PublicURL is where browsers may reach the server besides Site.URL.
	PublicURL string
	// API carries the calls of the official SDK's clients to Site.URL.
	API   http.RoundTripper
	Clock clock.Clock
	// Sessions seals the cookies of those who signed in.
	Sessions seal.Box
	Log      *slog.Logger
}

// Console is an http.Handler for what is below Prefix.
type Console struct {
	Config
	api *http.Client
	mux *http.ServeMux
}

//go:embed pages
var pages embed.FS

var templates = template.Must(template.ParseFS(pages, "pages/*.html"))

// New returns the console.
func New(cfg Config) *Console {
	c := &Console{Config: cfg, api: &http.Client{Transport: cfg.API}, mux: http.NewServeMux()}
	c.mux.HandleFunc("GET "+Prefix+"{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, connectionsPath, http.StatusSeeOther)
	})
	c.mux.HandleFunc("GET "+Prefix+"style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pages, "pages/style.css")
	})
	c.mux.HandleFunc("GET "+signInPath, c.signInForm)
	c.mux.HandleFunc("POST "+signInPath, c.signIn)
	c.mux.HandleFunc("POST "+signOutPath, c.signOut)
	c.mux.HandleFunc("GET "+connectionsPath, c.signedIn(c.listConnections))
	c.mux.HandleFunc("GET "+updatePath, c.signedIn(c.updateForm))
	c.mux.HandleFunc("POST "+updatePath, c.signedIn(c.update))
	c.mux.HandleFunc(Prefix, func(w http.ResponseWriter, r *http.Request) {
		c.show(w, http.StatusNotFound, "message.html", message{Title: "Not there yet", Text: "The console does not have this page yet."})
	})
	return c
}

// message is the data of a page that says one thing.
type message struct{ Title, Text string }

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers hide the origin that guard wants
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if why := c.guard(r); why != "" {
		c.Log.Info("console: a request is refused", "reason", why, "host", r.Host, "origin", r.Header.Get("Origin"))
		http.Error(w, why, http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	c.mux.ServeHTTP(w, r)
}

func (c *Console) show(w http.ResponseWriter, status int, page string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := templates.ExecuteTemplate(w, page, data); err != nil {
		c.Log.Warn("console: a page broke off", "page", page, "error", err)
	}
}
