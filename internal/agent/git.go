package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// clone checks out a repository, detached, and returns the commit.
func (b *running) clone(ctx context.Context, s job.Source, dir string) (string, error) {
	git, err := lookPath("git")
	if err != nil {
		return "", fmt.Errorf("the build image has no git, which a %s source needs", s.Type)
	}
	address, login, err := b.remote(ctx, s)
	if err != nil {
		return "", err
	}
	g := &gitCommand{program: git, dir: dir, address: address, login: login, insecure: s.Insecure, build: b}
	ref, commit, err := version(s)
	if err != nil {
		return "", err
	}
	if err := g.run(ctx, "init", "--quiet"); err != nil {
		return "", err
	}
	if err := g.run(ctx, "remote", "add", "origin", address.String()); err != nil {
		return "", err
	}
	if err := b.sourceCache(ctx, g, address); err != nil {
		b.log.say("Source cache is not used: %v", err)
	}
	return b.checkout(ctx, g, s, ref, commit)
}

var (
	fullCommit = regexp.MustCompile(`^[0-9a-f]{40}$`)
	pinned     = regexp.MustCompile(`^(refs/[^ ~^:?*\[\\]+)\^\{([0-9a-f]{40})\}$`)

	pullRequest = regexp.MustCompile(`^pr/([0-9]+)$`)
)

// version reads commit, branch, tag, refs/…, refs/…^{commit} and, of GitHub,
// pr/NUMBER.
func version(s job.Source) (ref, commit string, err error) {
	v := s.Version
	if m := pullRequest.FindStringSubmatch(v); m != nil && strings.HasPrefix(s.Type, "GITHUB") {
		return "refs/pull/" + m[1] + "/head", "", nil
	}
	if m := pinned.FindStringSubmatch(v); m != nil {
		return m[1], m[2], nil
	}
	if fullCommit.MatchString(v) {
		return "", v, nil
	}
	if strings.HasPrefix(v, "-") || strings.ContainsAny(v, " ~^:?*[\\\x00\x7f\n") || strings.Contains(v, "..") {
		return "", "", fmt.Errorf("%q is not a source version", v)
	}
	return v, "", nil
}

func (b *running) checkout(ctx context.Context, g *gitCommand, s job.Source, ref, commit string) (string, error) {
	depth := []string(nil)
	if s.Depth > 0 && s.Depth <= 25 && commit == "" {
		depth = []string{"--depth", strconv.Itoa(s.Depth)}
	}
	fetch := func(refspecs ...string) error {
		args := append([]string{"fetch", "--quiet", "--no-recurse-submodules"}, depth...)
		return g.run(ctx, append(append(args, "origin"), refspecs...)...)
	}
	target := "FETCH_HEAD"
	var err error
	switch {
	case commit != "" && ref != "":
		target, err = commit, fetch("+"+ref)
	case commit != "":
		target, err = commit, fetch("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
	case ref == "":
		err = fetch("HEAD")
	case strings.HasPrefix(ref, "refs/"):
		err = fetch("+" + ref)
	default:
		branch := "refs/remotes/origin/" + ref
		if err = fetch("+refs/heads/" + ref + ":" + branch); err == nil {
			target = branch
		} else if fetch("+refs/tags/"+ref+":refs/tags/"+ref) == nil {
			target, err = "refs/tags/"+ref, nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w for source version %q", err, s.Version)
	}
	if err := g.run(ctx, "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", target); err != nil {
		return "", fmt.Errorf("%w for source version %q", err, s.Version)
	}
	if s.Submodules {
		if err := g.run(ctx, "submodule", "update", "--init", "--recursive", "--quiet"); err != nil {
			return "", err
		}
	}
	return g.output(ctx, "rev-parse", "HEAD")
}

// sourceCache keeps the objects of a repository between builds (mode
// LOCAL_SOURCE_CACHE): a mirror that the clone borrows from.
func (b *running) sourceCache(ctx context.Context, g *gitCommand, address *url.URL) error {
	if !b.job.Cache.LocalSource {
		return nil
	}
	if err := b.lockCache(job.SourceLock, syscall.LOCK_SH); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(address.String()))
	mirror := filepath.Join(b.cfg.Cache, "source", hex.EncodeToString(sum[:8])+".git")
	m := *g
	m.dir = mirror
	if _, err := os.Stat(filepath.Join(mirror, "HEAD")); err != nil {
		if err := os.MkdirAll(mirror, 0o755); err != nil {
			return err
		}
		if err := m.run(ctx, "init", "--quiet", "--bare"); err != nil {
			return err
		}
	}
	if err := m.run(ctx, "fetch", "--quiet", "--prune", address.String(), "+refs/*:refs/*"); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(g.dir, ".git", "objects", "info", "alternates"), []byte(filepath.Join(mirror, "objects")+"\n"), 0o644)
}
