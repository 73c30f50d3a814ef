package git

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// Service is what a client of the smart protocol wants to do.
type Service string

// The two services of git over HTTP.
const (
	UploadPack  Service = "git-upload-pack"  // fetch, clone, ls-remote
	ReceivePack Service = "git-receive-pack" // push
)

// RefUpdate is one command of a push.
type RefUpdate struct{ Ref, From, To string }

// Session is one permitted use of one repository.
type Session struct {
	ID string
	// Check refuses updates of a push, by ref; nil allows all. One refusal
	// refuses the whole push.
	Check func(ctx context.Context, updates []RefUpdate) map[string]string
	// Pushed runs after receive-pack, before the client learns that it ended.
	Pushed func(ctx context.Context) error
}

// Refusal is an answer other than success.
type Refusal struct {
	Status  int
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// Backend decides who may do what: rules stand with the service that owns the
// repositories. path is the URL's up to the repository's name, as received.
type Backend interface {
	Session(r *http.Request, path string, service Service) (*Session, error)
}

// Handler serves git's smart protocol, stateless, below any prefix.
type Handler struct {
	Repositories *Repositories
	Backend      Backend
	Log          *slog.Logger
}

// maxCommands bounds a push, as CodeCommit does; maxCommandBytes what is read
// of one, to be able to say so.
const (
	maxCommands     = 4000
	maxCommandBytes = 16 << 20
)

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	w.Header().Set("Cache-Control", "no-cache")
	switch {
	case r.Method == http.MethodGet && strings.HasSuffix(path, "/info/refs"):
		h.advertise(w, r, strings.TrimSuffix(path, "/info/refs"))
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/"+string(UploadPack)):
		h.serve(w, r, strings.TrimSuffix(path, "/"+string(UploadPack)), UploadPack)
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/"+string(ReceivePack)):
		h.serve(w, r, strings.TrimSuffix(path, "/"+string(ReceivePack)), ReceivePack)
	default:
		http.Error(w, "not a request of git's smart protocol; clone this URL with git", http.StatusNotFound)
	}
}

func (h *Handler) session(w http.ResponseWriter, r *http.Request, path string, service Service) *Session {
	s, err := h.Backend.Session(r, path, service)
	if err == nil {
		return s
	}
	refusal := &Refusal{Status: http.StatusInternalServerError, Message: "internal error"}
	if !errors.As(err, &refusal) {
		h.Log.Error("git session", "path", path, "error", err)
	}
	if refusal.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="AWS CodeCommit"`)
	}
	http.Error(w, refusal.Message, refusal.Status)
	return nil
}

func (h *Handler) git(r *http.Request, ctx context.Context, s *Session, service Service, args ...string) *gitCommand {
	args = append([]string{strings.TrimPrefix(string(service), "git-"), "--stateless-rpc"}, args...)
	cmd := h.Repositories.command(ctx, "", append(args, h.Repositories.dir(s.ID))...)
	// Only versions are let through; the variable can carry more.
	switch p := r.Header.Get("Git-Protocol"); p {
	case "version=1", "version=2":
		cmd.Env = append(cmd.Env, "GIT_PROTOCOL="+p)
	}
	return &gitCommand{cmd: cmd}
}

func (h *Handler) advertise(w http.ResponseWriter, r *http.Request, path string) {
	service := Service(r.URL.Query().Get("service"))
	if service != UploadPack && service != ReceivePack {
		http.Error(w, "the dumb protocol is not served; use a newer git", http.StatusForbidden)
		return
	}
	s := h.session(w, r, path, service)
	if s == nil {
		return
	}
	w.Header().Set("Content-Type", "application/x-"+string(service)+"-advertisement")
	cmd := h.git(r, r.Context(), s, service, "--advertise-refs")
	line := "# service=" + string(service) + "\n"
	out, err := cmd.output()
	if err != nil {
		h.Log.Error("git advertisement", "repository", s.ID, "error", err)
		w.Header().Set("Content-Type", "text/plain")
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%04x%s0000", len(line)+4, line)
	_, _ = w.Write(out)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, path string, service Service) {
	if r.Header.Get("Content-Type") != "application/x-"+string(service)+"-request" {
		http.Error(w, "wrong content type", http.StatusUnsupportedMediaType)
		return
	}
	s := h.session(w, r, path, service)
	if s == nil {
		return
	}
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		gz, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, "the body is not gzip", http.StatusBadRequest)
			return
		}
		defer gz.Close()
		body = gz
	}
	w.Header().Set("Content-Type", "application/x-"+string(service)+"-result")
	ctx := r.Context()
	if service == ReceivePack {
		in := bufio.NewReader(body)
		commands, head, caps, err := readCommands(in)
		if err != nil {
			w.Header().Set("Content-Type", "text/plain")
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var refused map[string]string
		if len(commands) > maxCommands {
			refused = refuseAll(commands)
		} else if s.Check != nil {
			refused = s.Check(ctx, commands)
		}
		if len(refused) > 0 {
			_, _ = io.Copy(io.Discard, in)
			_, _ = w.Write(report(commands, refused, caps))
			return
		}
		body = io.MultiReader(bytes.NewReader(head), in)
		// A push that has begun is finished and announced even if the client
		// goes away: its refs may have moved already.
		ctx = context.WithoutCancel(ctx)
	}
	cmd := h.git(r, ctx, s, service)
	err := cmd.stream(body, w)
	if err != nil && r.Context().Err() == nil {
		h.Log.Warn("git "+string(service), "repository", s.ID, "error", err)
	}
	if s.Pushed != nil && service == ReceivePack {
		if err := s.Pushed(ctx); err != nil {
			h.Log.Error("after push", "repository", s.ID, "error", err)
		}
	}
}

// readCommands takes the ref updates off a push, returning the bytes it read.
func readCommands(in *bufio.Reader) (updates []RefUpdate, head []byte, caps string, err error) {
	for {
		var size [4]byte
		if _, err = io.ReadFull(in, size[:]); err != nil {
			return nil, nil, "", errors.New("the push ends before its commands do")
		}
		n, perr := strconv.ParseUint(string(size[:]), 16, 16)
		if perr != nil || (n > 0 && n < 4) {
			return nil, nil, "", errors.New("the push has a malformed packet line")
		}
		head = append(head, size[:]...)
		if n == 0 {
			return updates, head, caps, nil
		}
		line := make([]byte, n-4)
		if _, err = io.ReadFull(in, line); err != nil {
			return nil, nil, "", errors.New("the push ends before its commands do")
		}
		if head = append(head, line...); len(head) > maxCommandBytes {
			return nil, nil, "", fmt.Errorf("a push may update at most %d references", maxCommands)
		}
		command, c, hasCaps := strings.Cut(string(line), "\x00")
		if hasCaps && caps == "" {
			caps = c
		}
		f := strings.SplitN(strings.TrimSuffix(command, "\n"), " ", 3)
		if len(f) != 3 || len(f[0]) != 40 || len(f[1]) != 40 {
			continue // "shallow …", "push-cert …": git itself judges them
		}
		updates = append(updates, RefUpdate{From: f[0], To: f[1], Ref: f[2]})
	}
}

// refuseAll is for a push of too many updates. Git shows such reasons to the
// user, but no body of an HTTP error.
func refuseAll(updates []RefUpdate) map[string]string {
	reason := fmt.Sprintf("a push may update at most %d references", maxCommands)
	refused := make(map[string]string, len(updates))
	for _, u := range updates {
		refused[u.Ref] = reason
	}
	return refused
}

// report is the answer of receive-pack that refuses every update of a push.
func report(updates []RefUpdate, refused map[string]string, caps string) []byte {
	var b bytes.Buffer
	line := func(s string) { fmt.Fprintf(&b, "%04x%s", len(s)+4, s) }
	line("unpack ok\n")
	for _, u := range updates {
		reason := refused[u.Ref]
		if reason == "" {
			reason = "another reference of this push was refused"
		}
		ref := u.Ref
		if len(ref) > 1000 {
			ref = ref[:1000]
		}
		line("ng " + ref + " " + reason + "\n")
	}
	b.WriteString("0000")
	if !strings.Contains(caps, "side-band-64k") {
		return b.Bytes()
	}
	var banded bytes.Buffer
	for data := b.Bytes(); len(data) > 0; {
		n := min(len(data), 65000)
		fmt.Fprintf(&banded, "%04x\x01", n+5)
		banded.Write(data[:n])
		data = data[n:]
	}
	banded.WriteString("0000")
	return banded.Bytes()
}
