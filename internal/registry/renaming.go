package registry

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"syscall"
)

// renaming puts the client's name for a repository into the Location that the
// library answers, and words of ours in place of its internal errors, which
// have paths of this machine in them.
type renaming struct {
	http.ResponseWriter
	from, to     string
	failed, told bool
}

func (w *renaming) WriteHeader(status int) {
	if status >= 500 {
		w.failed = true // the reason comes with Write
		return
	}
	if l := w.Header().Get("Location"); l != "" {
		w.Header().Set("Location", strings.Replace(l, w.from+"/", w.to+"/", 1))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *renaming) Write(b []byte) (int, error) {
	if !w.failed {
		return w.ResponseWriter.Write(b)
	}
	w.fail(b)
	return len(b), nil
}

// fail answers an internal error once; nil is for one without a body.
func (w *renaming) fail(reason []byte) {
	if w.told {
		return
	}
	w.told = true
	status, message := http.StatusInternalServerError, "internal error"
	if bytes.Contains(reason, []byte(syscall.ENOSPC.Error())) {
		status, message = http.StatusInsufficientStorage, noSpace
	}
	w.Header().Del("Content-Length")
	answerJSON(w.ResponseWriter, status, map[string]any{"errors": []any{map[string]any{"code": "UNKNOWN", "message": message}}})
}

// Unwrap lets the library flush and set deadlines.
func (w *renaming) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ReadFrom keeps the connection's own copying: sendfile for blobs.
func (w *renaming) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, r) }
