//go:build linux

package process

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/slipway-dev/slipway/internal/compute"
)

// credential is who "user", "uid", "user:group" or "uid:gid" is, nil for
// ourselves, and the home directory.
func credential(spec string) (*syscall.Credential, string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/"
	}
	if spec == "" {
		return nil, home, nil
	}
	name, groupName, hasGroup := strings.Cut(spec, ":")
	c := &syscall.Credential{}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		c.Uid, home = uint32(n), "/"
		if u, err := user.LookupId(name); err == nil {
			home = u.HomeDir
			c.Gid = number(u.Gid)
		}
	} else {
		u, err := user.Lookup(name)
		if err != nil {
			return nil, "", fmt.Errorf("process: unable to find user %s", name)
		}
		c.Uid, c.Gid, home = number(u.Uid), number(u.Gid), u.HomeDir
		if groups, err := u.GroupIds(); err == nil && !hasGroup {
			for _, g := range groups {
				c.Groups = append(c.Groups, number(g))
			}
		}
	}
	if hasGroup {
		if n, err := strconv.ParseUint(groupName, 10, 32); err == nil {
			c.Gid = uint32(n)
		} else {
			g, err := user.LookupGroup(groupName)
			if err != nil {
				return nil, "", fmt.Errorf("process: unable to find group %s", groupName)
			}
			c.Gid = number(g.Gid)
		}
	}
	if os.Getuid() == 0 {
		return c, home, nil
	}
	if int(c.Uid) == os.Getuid() {
		return nil, home, nil
	}
	return nil, "", fmt.Errorf("%w: to become user %s the server must run as root", compute.ErrUnsupported, name)
}

func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32) // from the system's own tables
	return uint32(n)
}

// lookPath finds a program as execvp would with this PATH in this directory.
func lookPath(file string, env []string, dir string) (string, error) {
	try := func(p string) bool {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		fi, err := os.Stat(p)
		return err == nil && !fi.IsDir() && fi.Mode()&0o111 != 0
	}
	if strings.Contains(file, "/") {
		if !try(file) {
			return "", fmt.Errorf("process: %s: no such program", file)
		}
		return file, nil
	}
	for _, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			for _, d := range filepath.SplitList(path) {
				if p := filepath.Join(d, file); try(p) {
					return p, nil
				}
			}
		}
	}
	return "", fmt.Errorf("process: %s: executable file not found in $PATH", file)
}
