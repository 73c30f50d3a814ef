package agent

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/klauspost/compress/zstd"

	"github.com/slipway-dev/slipway/internal/agent/archive"
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
		for _, d := range dirs {
			if err := b.linkCache(d.dir); err != nil {
				b.log.say("Unable to use the local cache for %s: %v", d.dir, err)
			}
		}
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

// linkCache puts a link to the kept directory where the build expects one. What
// the source or the image has there is kept beside, unless it was kept before.
func (b *running) linkCache(dir string) error {
	sum := sha256.Sum256([]byte(dir))
	kept := filepath.Join(b.job.Cache.LocalDir, "custom", hex.EncodeToString(sum[:12]))
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
		b.log.say("Cache restored from s3://%s/%s: %d files", b.job.Cache.Bucket, key, n)
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
	if err := b.s3.put(ctx, b.job.Cache.Bucket, key+cacheSuffix, f.Name(), nil); err != nil {
		return err
	}
	b.log.say("Cache saved to s3://%s/%s: %d files", b.job.Cache.Bucket, key+cacheSuffix, n)
	return nil
}

// packCache writes entries named INDEX/PATH, where INDEX counts the paths: an
// archive can then only ever restore below the directories that this build's
// own buildspec names.
func packCache(w io.Writer, dirs []cacheDir) (int, error) {
	z, err := zstd.NewWriter(w)
	if err != nil {
		return 0, err
	}
	t, n := tar.NewWriter(z), 0
	for i, d := range dirs {
		files, _, err := archive.Find(d.dir, []string{d.pattern}, nil)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return n, err
		}
		for _, name := range files {
			if err := addCached(t, fmt.Sprintf("%d/%s", i, name), filepath.Join(d.dir, name)); err != nil {
				return n, err
			}
			n++
		}
	}
	if err := t.Close(); err != nil {
		return n, err
	}
	return n, z.Close()
}

func addCached(t *tar.Writer, name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: name, Size: st.Size(), Mode: int64(st.Mode().Perm()), ModTime: st.ModTime(), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.CopyN(t, f, st.Size())
	return err
}

func unpackCache(file string, dirs []cacheDir) (n int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return 0, err
	}
	defer z.Close()
	roots := make([]*os.Root, len(dirs))
	for i, d := range dirs {
		if err := os.MkdirAll(d.dir, 0o755); err != nil {
			return 0, err
		}
		if roots[i], err = os.OpenRoot(d.dir); err != nil {
			return 0, err
		}
		defer roots[i].Close()
	}
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		var index int
		at, name, ok := strings.Cut(h.Name, "/")
		if _, err := fmt.Sscanf(at, "%d", &index); err != nil || !ok || index < 0 || index >= len(roots) || h.Typeflag != tar.TypeReg {
			return n, fmt.Errorf("cache entry %q is not one of this build's paths", h.Name)
		}
		if err := restoreFile(roots[index], name, h, t); err != nil {
			return n, err
		}
		n++
	}
}

func restoreFile(root *os.Root, name string, h *tar.Header, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fs.FileMode(h.Mode).Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		_ = root.Chtimes(name, h.ModTime, h.ModTime)
	}
	return err
}
