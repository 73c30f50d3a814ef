package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/agent/archive"
)

// hashName is the command that builds have for keys of caches:
// npm-$(codebuild-hash-files package-lock.json).
// https://docs.aws.amazon.com/codebuild/latest/userguide/build-caching-s3.html
const hashName = "codebuild-hash-files"

// hashFiles prints one hash of the contents of all files below the working
// directory that the patterns match.
func hashFiles(patterns []string, out io.Writer) error {
	files, _, err := archive.Find(".", patterns, nil, archive.Follow)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no file matches %q", patterns)
	}
	all := sha256.New()
	for _, f := range files {
		in, err := os.Open(f.Path)
		if err != nil {
			return err
		}
		one := sha256.New()
		_, err = io.Copy(one, in)
		_ = in.Close()
		if err != nil {
			return err
		}
		all.Write(one.Sum(nil))
	}
	_, err = fmt.Fprintln(out, hex.EncodeToString(all.Sum(nil)))
	return err
}

// commandsDir makes the directory of the commands that builds have of the agent.
func (b *running) commandsDir() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.cfg.Root, "readonly", "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	script := "#!/bin/sh\nexec " + quoted(self) + " build-agent hash-files \"$@\"\n"
	return dir, os.WriteFile(filepath.Join(dir, hashName), []byte(script), 0o755)
}
