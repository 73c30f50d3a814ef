package agent

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/slipway-dev/slipway/internal/agent/archive"
	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/buildspec"
)

// upload is the phase UPLOAD_ARTIFACTS: first the cache, then the artifacts.
func (b *running) upload(ctx context.Context) error {
	b.saveCache(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i, a := range b.job.Artifacts {
		if a.Type == "NO_ARTIFACTS" || a.Type == "CODEPIPELINE" && a.Bucket == "" {
			continue
		}
		set, ok := b.artifactSet(i, a)
		if !ok {
			if a.Type == "CODEPIPELINE" || i > 0 {
				return &failure{codeClient, fmt.Sprintf("no artifact definition for %q found in the buildspec", a.Identifier)}
			}
			return &failure{codeClient, "no artifact definition found in the buildspec"}
		}
		if err := b.uploadSet(ctx, a, set); err != nil {
			return err
		}
	}
	return nil
}

// artifactSet finds what the buildspec says about one of the build's artifacts.
func (b *running) artifactSet(i int, a job.Artifact) (buildspec.Artifact, bool) {
	spec := b.spec.Artifacts
	if spec == nil {
		return buildspec.Artifact{}, false
	}
	if i == 0 {
		return spec.Artifact, true
	}
	for _, s := range spec.Secondary {
		if s.Identifier == a.Identifier {
			return s.Artifact, true
		}
	}
	return buildspec.Artifact{}, false
}

func (b *running) uploadSet(ctx context.Context, a job.Artifact, set buildspec.Artifact) error {
	zipped := a.Zip || a.Type == "CODEPIPELINE"
	links := archive.Follow
	if set.EnableSymlinks && zipped && !set.DiscardPaths {
		links = archive.KeepInside
	}
	files, err := b.collect(ctx, set, links)
	if err != nil {
		return err
	}
	if a.OverrideName && set.Name != "" {
		if a.Name, err = b.shell.expand(ctx, set.Name); err != nil {
			return &failure{codeClient, fmt.Sprintf("artifacts.name %s: %v", set.Name, err)}
		}
	}
	prefix, err := b.shell.expand(ctx, set.S3Prefix)
	if err != nil {
		return &failure{codeClient, fmt.Sprintf("artifacts.s3-prefix %s: %v", set.S3Prefix, err)}
	}
	key := a.Key(b.job.UUID, b.job.Project, prefix)
	meta := map[string]string{"codebuild-buildarn": b.job.BuildARN}
	done := job.Uploaded{Identifier: a.Identifier, Location: a.Location(key)}
	if zipped {
		err = b.uploadZip(ctx, a, key, files, meta, &done)
	} else {
		err = b.uploadFiles(ctx, a, key, files, meta)
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &failure{codeClient, "Failed to upload artifacts: " + err.Error()}
	}
	b.uploaded = append(b.uploaded, done)
	return nil
}

// collect finds the files of a set.
func (b *running) collect(ctx context.Context, set buildspec.Artifact, links archive.Links) ([]archive.File, error) {
	expanded := func(list []string) ([]string, error) {
		out, err := b.shell.expandAll(ctx, list)
		if err != nil {
			return nil, &failure{codeClient, "artifacts: " + err.Error()}
		}
		return out, nil
	}
	patterns, err := expanded(set.Files)
	if err != nil {
		return nil, err
	}
	exclude, err := expanded(set.ExcludePaths)
	if err != nil {
		return nil, err
	}
	dir, err := b.shell.expand(ctx, set.BaseDirectory)
	if err != nil {
		return nil, &failure{codeClient, "artifacts.base-directory: " + err.Error()}
	}
	shown := dir
	if shown == "" {
		shown = "."
	}
	b.log.say("Expanding base directory path: %s", shown)
	bases, err := b.bases(dir)
	if err != nil {
		return nil, err
	}
	var files []archive.File
	seen, names, total := map[string]int{}, map[string]bool{}, 0
	for _, base := range bases {
		b.log.say("Expanding file paths for base directory %s", shown)
		found, unmatched, err := archive.Find(base, patterns, exclude, links)
		if err != nil {
			return nil, &failure{codeClient, err.Error()}
		}
		for _, p := range unmatched {
			b.log.say("Skipping invalid file path %s", p)
		}
		for _, f := range found {
			total++
			if set.DiscardPaths {
				f.Name = path.Base(f.Name)
			}
			if names[f.Name] { // a later one of the same name wins
				files[seen[f.Name]] = f
				continue
			}
			names[f.Name], seen[f.Name] = true, len(files)
			files = append(files, f)
		}
	}
	if total == 0 {
		return nil, &failure{codeClient, "no matching artifact paths found"}
	}
	b.log.say("Found %d file(s)", total)
	return files, nil
}

// bases are the directories that a base-directory names; a pattern may match
// several, whose contents are laid over each other.
func (b *running) bases(dir string) ([]string, error) {
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(b.src, dir)
	}
	found := []string{dir}
	if strings.ContainsAny(dir, "*?[{") {
		var err error
		if found, err = doublestar.FilepathGlob(dir); err != nil {
			found = nil
		}
	}
	var out []string
	for _, d := range found {
		if st, err := os.Stat(d); err == nil && st.IsDir() {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, &failure{codeClient, "no matching base directory path found for " + strings.TrimPrefix(strings.TrimPrefix(dir, b.src), "/")}
	}
	return out, nil
}

func (b *running) uploadZip(ctx context.Context, a job.Artifact, key string, files []archive.File, meta map[string]string, done *job.Uploaded) error {
	f, err := os.CreateTemp(b.shell.tmp, "artifact-*.zip")
	if err != nil {
		return err
	}
	defer discard(f)
	sums := [2]interface {
		io.Writer
		Sum([]byte) []byte
	}{md5.New(), sha256.New()}
	if err := archive.Zip(io.MultiWriter(f, sums[0], sums[1]), files); err != nil {
		return err
	}
	done.MD5, done.SHA256 = hex.EncodeToString(sums[0].Sum(nil)), hex.EncodeToString(sums[1].Sum(nil))
	meta["codebuild-content-md5"], meta["codebuild-content-sha256"] = done.MD5, done.SHA256
	return b.s3.put(ctx, a.Bucket, key, f.Name(), meta, b.encryption(a.EncryptionDisabled))
}

func (b *running) uploadFiles(ctx context.Context, a job.Artifact, key string, files []archive.File, meta map[string]string) error {
	for _, f := range files {
		if err := b.s3.put(ctx, a.Bucket, path.Join(key, f.Name), f.Path, meta, b.encryption(a.EncryptionDisabled)); err != nil {
			return err
		}
	}
	return nil
}
