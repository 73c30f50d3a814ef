package codebuild

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

func (s *Service) cache(b *build) job.Cache {
	var c job.Cache
	switch b.Cache.Type {
	case types.CacheTypeS3:
		location := strings.TrimPrefix(aws.ToString(b.Cache.Location), "arn:aws:s3:::")
		bucket, prefix, _ := strings.Cut(location, "/")
		space := aws.ToString(b.Cache.CacheNamespace)
		if space == "" {
			space = b.projectName()
		}
		c.Bucket, c.Prefix = bucket, path.Join(prefix, space, b.CacheVersion)
	case types.CacheTypeLocal:
		for _, m := range b.Cache.Modes {
			c.LocalSource = c.LocalSource || m == types.CacheModeLocalSourceCache && hasGit(b)
			c.LocalCustom = c.LocalCustom || m == types.CacheModeLocalCustomCache
		}
	}
	return c
}

func hasGit(b *build) bool {
	git := func(t types.SourceType) bool { return t == types.SourceTypeCodecommit || hosted(t) }
	return git(b.Source.Type) || slices.ContainsFunc(b.SecondarySources, func(s types.ProjectSource) bool { return git(s.Type) })
}

// caches is where a project's local caches are, one directory for each version
// of the cache.
func (s *Service) caches(region, project string) string {
	return filepath.Join(s.Dir, "cache", region, project)
}

// localCache makes the directory of a build's local cache; "" if the build has
// none.
func (s *Service) localCache(b *build) (string, error) {
	if c := s.cache(b); !c.LocalCustom && !c.LocalSource {
		return "", nil
	}
	dir := filepath.Join(s.caches(b.Region, b.projectName()), "v"+b.CacheVersion)
	return dir, os.MkdirAll(dir, 0o755)
}

// dropCaches removes, in the background, a project's local caches except the
// one of this version, as far as no build has them.
func (s *Service) dropCaches(region, project, version string) {
	s.busy.Go(func() { s.removeCaches(region, project, version) })
}

func (s *Service) removeCaches(region, project, version string) {
	dir := s.caches(region, project)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		if e.Name() == "v"+version && version != "" {
			continue
		}
		if err := dropCache(filepath.Join(dir, e.Name())); err != nil {
			s.Log.Warn("a local cache is left", "project", project, "err", err)
		}
	}
}

func dropCache(dir string) error {
	for _, name := range []string{job.CustomLock, job.SourceLock} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}
