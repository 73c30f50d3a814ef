package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxLayers is how many layers a function may have.
const maxLayers = 5

// layered is what the layers of a function come to: what its configuration
// tells, and the code that its instances have at /opt.
type layered struct {
	list []types.Layer
	opt  string // SHA, "" without layers
}

// stack reads the layers that a request names, in their order, and unites
// their files. The caller holds codeMu for reading.
func (s *Service) stack(ctx context.Context, region string, arns []string) (l layered, err error) {
	if len(arns) == 0 {
		return l, nil
	}
	if len(arns) > maxLayers {
		return l, invalid("Cannot reference more than %d layers.", maxLayers)
	}
	seen := map[string]string{}
	var shas []string
	for _, text := range arns {
		n, ok := s.parseLayer(text)
		if !ok || n.Version == 0 {
			return l, invalid("Layer version %s does not exist. The layers of other accounts are not here: publish your own with PublishLayerVersion", text)
		}
		if n.Region != region {
			return l, invalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", region)
		}
		if other, ok := seen[n.Layer]; ok {
			return l, invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s and %s are versions of the same layer.", other, text)
		}
		seen[n.Layer] = text
		if err := s.Authorizer.Authorize(ctx, wire.Access{Action: "lambda:GetLayerVersion", Resource: text}); err != nil {
			return l, err
		}
		var v *layerVersion
		err := s.view(ctx, func(r store.Reader) (err error) {
			v, err = s.loadLayer(r, n)
			return err
		})
		if errors.Is(err, errNoLayer) {
			return l, invalid("Layer version %s does not exist.", text)
		}
		if err != nil {
			return l, err
		}
		if s.extends(v.Code.SHA) {
			return l, lacking("Layers: the extensions of " + text + " are")
		}
		l.list = append(l.list, types.Layer{Arn: aws.String(text), CodeSize: v.Size})
		shas = append(shas, v.Code.SHA)
	}
	l.opt, err = s.unite(shas)
	return l, err
}

// extends tells whether a layer has extensions, which would have to run.
func (s *Service) extends(sha string) bool {
	entries, err := os.ReadDir(filepath.Join(s.codeDir(sha), taskName, "extensions"))
	return err == nil && len(entries) > 0
}

// unite makes one directory of several, the files of later ones over those of
// earlier ones. Files are shared and not copied.
func (s *Service) unite(shas []string) (string, error) {
	if len(shas) == 1 {
		return shas[0], nil
	}
	sum := sha256.Sum256([]byte(strings.Join(shas, " ")))
	sha := hex.EncodeToString(sum[:])
	dir := s.codeDir(sha)
	if _, err := os.Stat(dir); err == nil {
		return sha, nil
	}
	work := filepath.Join(s.Dir, "incoming", id.Hex(s.IDs, 16))
	if err := os.MkdirAll(filepath.Join(work, taskName), 0o755); err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	for _, one := range shas {
		if err := overlay(filepath.Join(s.codeDir(one), taskName), filepath.Join(work, taskName)); err != nil {
			return "", err
		}
	}
	return sha, place(work, dir)
}

// overlay puts what is in from over what is in to. No directory of to is a link:
// what is written through one could land elsewhere.
func overlay(from, to string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == from {
			return err
		}
		at := filepath.Join(to, strings.TrimPrefix(p, from))
		is, err := os.Lstat(at)
		switch {
		case err == nil && d.IsDir() && is.IsDir():
			return nil
		case err == nil:
			err = os.RemoveAll(at)
		case errors.Is(err, fs.ErrNotExist):
			err = nil
		}
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Mkdir(at, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			return os.Symlink(target, at)
		}
		return os.Link(p, at)
	})
}

// within refuses code and layers that are too large together.
func (s *Service) within(c code, opt string) error {
	if opt == "" {
		return nil
	}
	var size int64
	for _, sha := range []string{c.SHA, opt} {
		err := filepath.WalkDir(filepath.Join(s.codeDir(sha), taskName), func(_ string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			st, err := d.Info()
			if err == nil {
				size += st.Size()
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if size > maxUnzipped {
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", maxUnzipped, size)
	}
	return nil
}
