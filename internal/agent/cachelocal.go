package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// linkCaches uses the directories that earlier builds on this machine left. Two
// builds that change them at once would spoil each other's.
func (b *running) linkCaches(dirs []cacheDir) {
	err := b.lockCache(job.CustomLock, syscall.LOCK_EX)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		b.log.say("The local cache is not used: another build of the project has it")
		return
	}
	if err != nil {
		b.log.say("Unable to use the local cache: %v", err)
		return
	}
	for _, d := range dirs {
		// Without a container a directory elsewhere is the machine's own: it stays
		// by itself, and is not ours to replace.
		if rel, err := filepath.Rel(b.cfg.Root, d.dir); !b.cfg.Contained && (err != nil || !filepath.IsLocal(rel)) {
			continue
		}
		if err := b.linkCache(d.dir); err != nil {
			b.log.say("Unable to use the local cache for %s: %v", d.dir, err)
		}
	}
}

// lockCache locks a part of the local cache until the build ends.
func (b *running) lockCache(name string, how int) error {
	if err := os.MkdirAll(b.cfg.Cache, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(b.cfg.Cache, name), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	b.cacheLocks = append(b.cacheLocks, f) // closed with the agent
	return syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
}

// linkCache puts a link to the kept directory where the build expects one. What
// the source or the image has there is kept beside, unless it was kept before.
func (b *running) linkCache(dir string) error {
	// The source's own directory has another name in each build.
	name := dir
	if rel, err := filepath.Rel(b.src, dir); err == nil && filepath.IsLocal(rel) {
		name = rel
	}
	sum := sha256.Sum256([]byte(name))
	kept := filepath.Join(b.cfg.Cache, "custom", hex.EncodeToString(sum[:12]))
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return err
	}
	if st, err := os.Lstat(dir); err == nil && st.Mode().Type() != fs.ModeSymlink {
		if err := copyMissing(dir, kept); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	return os.Symlink(kept, dir)
}

func copyMissing(from, to string) error {
	return filepath.WalkDir(from, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if e.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if _, err := os.Lstat(target); err == nil || !e.Type().IsRegular() {
			return nil
		}
		return copyFile(p, target)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, st.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}
