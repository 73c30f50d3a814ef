package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestCommands(t *testing.T) {
	empty := t.TempDir()
	for _, tt := range []struct {
		args string
		env  string
		code int
		text string
	}{
		{"", "", 2, "slipway server"},
		{"help", "", 0, "slipway env"},
		{"fly", "", 2, `no command "fly"`},
		{"version", "", 0, "slipway dev"},
		{"env --data " + empty, "", 1, "start `slipway server` first"},
		{"server --port 1", "", 2, "flag provided but not defined"},
		{"server now", "", 2, `what is "now"?`},
		{"server --compute kubernetes --data " + empty, "", 1, "kubernetes is not implemented yet"},
		{"server --data " + empty, "SLIPWAY_COMPUTE=kubernetes", 1, "kubernetes is not implemented yet"},
		{"server --data " + empty, "SLIPWAY_WARM=many", 2, `SLIPWAY_WARM="many"`},
		{"server --image x --data " + empty, "", 2, "want NAME=REF"},
		{"server -h", "", 0, "SQLite in the data directory"},
	} {
		t.Run(tt.args+tt.env, func(t *testing.T) {
			if name, value, ok := strings.Cut(tt.env, "="); ok {
				t.Setenv(name, value)
			}
			var out bytes.Buffer
			code := run(context.Background(), strings.Fields(tt.args), &out, &out)
			if code != tt.code || !strings.Contains(out.String(), tt.text) {
				t.Errorf("%d %s", code, out.String())
			}
		})
	}
}

// untilReady ends a context with the first thing that is written.
type untilReady struct {
	bytes.Buffer
	cancel func()
}

func (w *untilReady) Write(b []byte) (int, error) {
	defer w.cancel()
	return w.Buffer.Write(b)
}

func TestServerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	out, errs := &untilReady{cancel: cancel}, bytes.Buffer{}
	code := run(ctx, []string{"server", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--compute", "process", "--warm", "0"}, out, &errs)
	if code != 0 || !strings.HasPrefix(out.String(), "slipway is ready at http://localhost:") {
		t.Errorf("%d %s%s", code, out.String(), errs.String())
	}
	code = run(ctx, []string{"server", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--compute", "process"}, out, &errs)
	if code != 0 || errs.Len() > 0 {
		t.Errorf("asked to end before it began: %d %s", code, errs.String())
	}
}
