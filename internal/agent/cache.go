package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// restoreCache brings back what earlier builds kept. A cache that cannot be had
// costs time, never the build.
func (b *running) restoreCache(ctx context.Context) {
	if b.job.Cache.Bucket == "" && !b.job.Cache.LocalCustom {
		return
	}
	dirs, err := b.cacheDirs(ctx)
	if err != nil || len(dirs) == 0 {
		if err == nil {
			err = errors.New("no paths specified to be cached")
		}
		b.log.say("Unable to initialize cache download: %v", err)
		return
	}
	if b.job.Cache.LocalCustom {
		b.linkCaches(dirs)
		return
	}
	if !b.spec.Cache.Restore {
		return
	}
	if err := b.downloadCache(ctx, dirs); err != nil {
		b.log.say("Unable to download cache: %v", err)
	}
}

// cacheDir is one entry of cache.paths: the directory before the first wildcard
// and what is kept of it.
type cacheDir struct{ dir, pattern string }

func (b *running) cacheDirs(ctx context.Context) ([]cacheDir, error) {
	paths, err := b.shell.expandAll(ctx, b.spec.Cache.Paths)
	if err != nil {
		return nil, err
	}
	var out []cacheDir
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, "~/"); ok {
			p = filepath.Join(b.shell.home(), rest)
		}
		if !filepath.IsAbs(p) {
			p = filepath.Join(b.src, p)
		}
		dir, pattern := path.Clean(p), "**/*"
		if i := strings.IndexAny(p, "*?[{"); i >= 0 {
			dir = path.Clean(p[:strings.LastIndexByte(p[:i], '/')+1])
			pattern = strings.TrimPrefix(p[len(dir):], "/")
		} else if st, err := os.Stat(dir); err == nil && st.Mode().IsRegular() {
			dir, pattern = path.Dir(dir), path.Base(dir)
		}
		if dir == "/" || dir == b.cfg.Root {
			b.log.say("Skipping cache path %s: it names too much", p)
			continue
		}
		out = append(out, cacheDir{dir, pattern})
	}
	return out, nil
}

// cacheKey is the S3 key of an entry. Entries of other paths are elsewhere.
func (b *running) cacheKey(ctx context.Context, key string) (string, error) {
	key, err := b.shell.expand(ctx, key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(b.spec.Cache.Paths, "\n")))
	prefix := path.Join(b.job.Cache.Prefix, hex.EncodeToString(sum[:8])) + "/"
	if key == "" {
		key = "cache"
	}
	return prefix + strings.ReplaceAll(key, "/", "_"), nil
}

const cacheSuffix = ".tar.zst"

func (b *running) downloadCache(ctx context.Context, dirs []cacheDir) error {
	key, err := b.cacheKey(ctx, b.spec.Cache.Key)
	if err != nil {
		return err
	}
	file := filepath.Join(b.shell.tmp, "cache"+cacheSuffix)
	defer os.Remove(file)
	err = b.s3.get(ctx, b.job.Cache.Bucket, key+cacheSuffix, "", file)
	var api smithy.APIError
	if err == nil {
		b.restored = key
	} else if b.spec.Cache.Key != "" && (errors.As(err, &api) || strings.Contains(err.Error(), "NoSuchKey")) {
		for _, fallback := range b.spec.Cache.FallbackKeys {
			start, ferr := b.cacheKey(ctx, fallback)
			if ferr != nil {
				return ferr
			}
			if newest := b.newest(ctx, start); newest != "" {
				key, err = newest, b.s3.get(ctx, b.job.Cache.Bucket, newest, "", file)
				break
			}
		}
	}
	if err != nil {
		return err
	}
	n, err := unpackCache(file, dirs)
	if err == nil {
		b.log.say("Cache restored from s3://%s/%s%s: %d files", b.job.Cache.Bucket, strings.TrimSuffix(key, cacheSuffix), cacheSuffix, n)
	}
	return err
}

// newest is the entry that was written last of those whose key begins so.
func (b *running) newest(ctx context.Context, start string) string {
	out, err := b.s3.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.job.Cache.Bucket, Prefix: &start})
	if err != nil || len(out.Contents) == 0 {
		return ""
	}
	sort.Slice(out.Contents, func(i, j int) bool {
		return aws.ToTime(out.Contents[i].LastModified).After(aws.ToTime(out.Contents[j].LastModified))
	})
	return aws.ToString(out.Contents[0].Key)
}

// saveCache keeps the paths in S3 after a build that succeeded so far. An entry
// with a key is never written again.
func (b *running) saveCache(ctx context.Context) {
	if b.job.Cache.Bucket == "" || !b.spec.Cache.Save || len(b.spec.Cache.Paths) == 0 || !b.succeeding {
		return
	}
	if err := b.uploadCache(ctx); err != nil && ctx.Err() == nil {
		b.log.say("Unable to upload cache: %v", err)
	}
}

func (b *running) uploadCache(ctx context.Context) error {
	key, err := b.cacheKey(ctx, b.spec.Cache.Key)
	if err != nil || b.spec.Cache.Key != "" && key == b.restored {
		return err
	}
	dirs, err := b.cacheDirs(ctx)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(b.shell.tmp, "cache-*"+cacheSuffix)
	if err != nil {
		return err
	}
	defer discard(f)
	n, err := packCache(f, dirs)
	if err != nil {
		return err
	}
	if err := b.s3.put(ctx, b.job.Cache.Bucket, key+cacheSuffix, f.Name(), nil, encryption{disabled: true}); err != nil {
		return err
	}
	b.log.say("Cache saved to s3://%s/%s: %d files", b.job.Cache.Bucket, key+cacheSuffix, n)
	return nil
}
