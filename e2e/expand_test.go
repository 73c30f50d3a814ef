package e2e

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// expandCommand replaces ${NAME} in files of the story by variables.
func expandCommand(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		text := os.Expand(ts.ReadFile(path), func(v string) string {
			if value := ts.Getenv(v); value != "" && strings.ToUpper(v) == v {
				return value
			}
			return "${" + v + "}" // a buildspec's own
		})
		ts.Check(os.WriteFile(path, []byte(text), 0o644))
	}
}
