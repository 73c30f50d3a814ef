package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// hosts makes the job's names known to the build's commands. A container that
// waited for the build may be older than they are. curl takes every name under
// localhost for this container's own, so it is told apart, by a file that is
// read where CURL_HOME says.
func (b *running) hosts(env *variables) error {
	if len(b.job.Hosts) == 0 || !b.cfg.Contained {
		return nil
	}
	const file = "/etc/hosts" // the engine's, writable for root
	have, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var lines, curl strings.Builder
	for _, h := range b.job.Hosts {
		name, address, _ := strings.Cut(h, ":")
		fmt.Fprintf(&curl, "connect-to = \"%s::%s:\"\n", name, address)
		if line := address + "\t" + name + "\n"; !strings.Contains(string(have), line) {
			lines.WriteString(line)
		}
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(lines.String())
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	home := filepath.Join(b.cfg.Root, "curl")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte(curl.String()), 0o644); err != nil {
		return err
	}
	if env.values["CURL_HOME"] == "" {
		env.set("CURL_HOME", home)
	}
	return nil
}
