package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadReference(t *testing.T) {
	id := strings.Repeat("a", 40)
	for text, want := range map[string]bool{
		`{"fullRepositoryId":"o/r","cloneUrl":"http://x","commitId":"` + id + `"}`: true,
		"PK\x03\x04{": false,
		"":            false,
	} {
		file := filepath.Join(t.TempDir(), "artifact")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := readReference(file); err != nil || (r != nil) != want {
			t.Errorf("%.20q: %v, %v", text, r, err)
		}
	}
	for _, text := range []string{`{`, `{"commitId":"main"}`, `{"commitId":"--upload-pack=evil"}`} {
		file := filepath.Join(t.TempDir(), "artifact")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := readReference(file); err == nil {
			t.Errorf("%q: %v", text, r)
		}
	}
}

// A reference is not made by who runs the build: it must not make the build's
// role sign for another server.
func TestReferencesToOtherServers(t *testing.T) {
	b := &running{cfg: Config{Endpoint: "http://localhost:4566"}}
	for _, location := range []string{
		"http://evil.example/_slipway/git-http/codeconnections/us-east-1/1/o/r.git",
		"http://localhost:4566.evil.example/_slipway/git-http/codeconnections/us-east-1/1/o/r.git",
		"http://localhost:4566@evil.example/_slipway/git-http/codeconnections/us-east-1/1/o/r.git",
		"http://localhost:4566/v1/repos/other",
		"http://localhost:4566/_slipway/git-http/",
		"--upload-pack=evil", "",
	} {
		if _, _, err := b.referred(t.Context(), location); err == nil || !strings.Contains(err.Error(), "is not the URL of a connection's repository") {
			t.Errorf("%q: %v", location, err)
		}
	}
}
