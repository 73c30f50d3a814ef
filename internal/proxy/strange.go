package proxy

import (
	"bufio"
	"net/http"
	"strings"

	"github.com/slipway-dev/slipway/internal/proxy/h1"
)

// strange is the sort of a request that the front does not read: sort, if
// net/http can read it and the desync mitigation mode lets it. AWS's mode
// strictest refuses all that breaks the rules, monitor nothing that can be read,
// and defensive what is severe. Two ways to tell where a body ends are, and so is
// HTTP/2 on a connection of HTTP/1.1.
func (s *served) strange(text string, like int) (sort, status int) {
	modes := map[string]bool{}
	for _, l := range s.listeners {
		modes[l.Options.Desync] = true
	}
	lower := strings.ToLower(text)
	severe := strings.Contains(lower, "\ntransfer-encoding") && strings.Contains(lower, "\ncontent-length")
	if strings.HasPrefix(text, "PRI ") || severe && !(modes["monitor"] && len(modes) == 1) || like == ambiguous && modes["strictest"] {
		return refused, http.StatusBadRequest
	}
	if status := unreadable(text); status != 0 {
		return refused, status
	}
	return like, 0
}

// unreadable is the status for a head that net/http would refuse, which says it
// in its own way, to nobody's log and no metric; 0 if it reads it.
func unreadable(text string) int {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	switch {
	case err != nil && strings.Contains(err.Error(), "unsupported transfer encoding"):
		return http.StatusNotImplemented
	case err != nil:
		return http.StatusBadRequest
	case r.ProtoMajor != 1:
		return http.StatusHTTPVersionNotSupported
	case r.ProtoMinor > 0 && r.Host == "" && r.Method != http.MethodConnect:
		return http.StatusBadRequest
	}
	for name, values := range r.Header {
		if !h1.Name(name) {
			return http.StatusBadRequest
		}
		for _, v := range values {
			if !h1.Value(v) {
				return http.StatusBadRequest
			}
		}
	}
	return 0
}
