package lambda

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// layer is what the store keeps of one: it outlives its versions, whose numbers
// never come again.
type layer struct {
	Region, Name string
	Published    int64
}

// layerVersion is a version of a layer. It does not change but for its policy.
type layerVersion struct {
	Region, Layer string
	types.LayerVersionsListItem
	Code   code
	Size   int64        // of the zip
	Policy *permissions `json:",omitempty"`
}

const (
	layers        store.Table[layer]        = "lambda.layer"         // region, name
	layerVersions store.Table[layerVersion] = "lambda.layer-version" // region, name, padded number
)

// layerName is a layer that a request names, and its version if it does.
type layerName struct {
	Region, Layer string
	Version       int64 // 0 if there is none
}

// owner is under what a layer's version holds its code.
func (n layerName) owner() string { return "layer:" + n.Layer }

func (n layerName) number() string { return strconv.FormatInt(n.Version, 10) }

func (s *Service) layerARN(n layerName) string {
	resource := "layer:" + n.Layer
	if n.Version > 0 {
		resource += ":" + n.number()
	}
	return arn.New("lambda", n.Region, s.Site.Account, resource)
}

// layerNamed reads LayerName, which may be an ARN, and VersionNumber.
func (s *Service) layerNamed(ctx context.Context, text *string, version *int64) (layerName, error) {
	n := layerName{Region: identity.Region(ctx), Layer: aws.ToString(text), Version: aws.ToInt64(version)}
	if strings.HasPrefix(n.Layer, "arn:") {
		got, ok := s.parseLayer(n.Layer)
		if !ok || got.Version != 0 || got.Region != n.Region {
			return n, invalid("%s is not the ARN of a layer of this account and region", n.Layer)
		}
		n.Layer = got.Layer
	}
	return n, nil
}

// parseLayer takes apart the ARN of a layer of this account or of its version.
func (s *Service) parseLayer(text string) (n layerName, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) != 7 && len(parts) != 8 || parts[0] != "arn" || parts[2] != "lambda" || parts[4] != s.Site.Account || parts[5] != "layer" {
		return n, false
	}
	n.Region, n.Layer = parts[3], parts[6]
	if len(parts) == 8 {
		var err error
		if n.Version, err = strconv.ParseInt(parts[7], 10, 64); err != nil || n.Version < 1 {
			return n, false
		}
	}
	return n, true
}

// accessLayer is the ARN that permissions are asked for.
func (s *Service) accessLayer(ctx context.Context, text *string, version *int64) string {
	n, err := s.layerNamed(ctx, text, version)
	if err != nil {
		return aws.ToString(text)
	}
	return s.layerARN(n)
}

var errNoLayer = fail("ResourceNotFound", "The resource you requested does not exist.")

func (s *Service) loadLayer(r store.Reader, n layerName) (*layerVersion, error) {
	v, err := layerVersions.Get(r, n.Region, n.Layer, padded(n.number()))
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoLayer
	}
	return v, err
}

// PublishLayerVersion makes a version of a layer, whose first also makes the layer.
func (s *Service) PublishLayerVersion(ctx context.Context, in *lambda.PublishLayerVersionInput, _ ...func(*lambda.Options)) (*lambda.PublishLayerVersionOutput, error) {
	n, err := s.layerNamed(ctx, in.LayerName, nil)
	if err != nil {
		return nil, err
	}
	s.codeMu.RLock()
	defer s.codeMu.RUnlock()
	c, size, err := s.take(ctx, &types.FunctionCode{ZipFile: in.Content.ZipFile, S3Bucket: in.Content.S3Bucket, S3Key: in.Content.S3Key,
		S3ObjectVersion: in.Content.S3ObjectVersion}, types.PackageTypeZip)
	if err != nil {
		return nil, err
	}
	v := &layerVersion{Region: n.Region, Layer: n.Layer, Code: c, Size: size}
	v.CompatibleRuntimes, v.CompatibleArchitectures, v.LicenseInfo = in.CompatibleRuntimes, in.CompatibleArchitectures, in.LicenseInfo
	if v.Description = in.Description; v.Description == nil {
		v.Description = aws.String("")
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		l, err := layers.Get(tx, n.Region, n.Layer)
		switch {
		case errors.Is(err, store.ErrNotFound):
			l = &layer{Region: n.Region, Name: n.Layer}
		case err != nil:
			return err
		}
		l.Published++
		n.Version = l.Published
		v.Version, v.LayerVersionArn, v.CreatedDate = n.Version, aws.String(s.layerARN(n)), aws.String(modified(tx.Now()))
		if err := s.hold(tx, n.Region, n.owner(), n.number(), nil, []string{c.SHA}); err != nil {
			return err
		}
		if err := layerVersions.Put(tx, v, n.Region, n.Layer, padded(n.number())); err != nil {
			return err
		}
		return layers.Put(tx, l, n.Region, n.Layer)
	})
	if err != nil {
		return nil, err
	}
	out := &lambda.PublishLayerVersionOutput{}
	return out, s.tellLayer(out, v)
}

// tellLayer fills the outputs that tell everything of a version.
func (s *Service) tellLayer(out any, v *layerVersion) error {
	location, err := s.codeURL(v.Code.SHA)
	if err != nil {
		return err
	}
	copyMembers(out, &v.LayerVersionsListItem)
	copyMembers(out, &struct {
		LayerArn *string
		Content  *types.LayerVersionContentOutput
	}{aws.String(s.layerARN(layerName{Region: v.Region, Layer: v.Layer})),
		&types.LayerVersionContentOutput{Location: location, CodeSha256: codeSHA(v.Code.SHA), CodeSize: v.Size}})
	return nil
}

// GetLayerVersion tells of a version, with an address of its content.
func (s *Service) GetLayerVersion(ctx context.Context, in *lambda.GetLayerVersionInput, _ ...func(*lambda.Options)) (*lambda.GetLayerVersionOutput, error) {
	n, err := s.layerNamed(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetLayerVersionOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		v, err := s.loadLayer(r, n)
		if err != nil {
			return err
		}
		return s.tellLayer(out, v)
	})
}

// GetLayerVersionByArn is GetLayerVersion by the version's ARN.
func (s *Service) GetLayerVersionByArn(ctx context.Context, in *lambda.GetLayerVersionByArnInput, _ ...func(*lambda.Options)) (*lambda.GetLayerVersionByArnOutput, error) {
	n, ok := s.parseLayer(*in.Arn)
	if !ok || n.Version == 0 || n.Region != identity.Region(ctx) {
		return nil, errNoLayer
	}
	out := &lambda.GetLayerVersionByArnOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		v, err := s.loadLayer(r, n)
		if err != nil {
			return err
		}
		return s.tellLayer(out, v)
	})
}

// fits tells whether a list that may be of one runtime or architecture has a
// version in it.
func (v *layerVersion) fits(runtime types.Runtime, architecture types.Architecture) bool {
	return (runtime == "" || slices.Contains(v.CompatibleRuntimes, runtime)) &&
		(architecture == "" || slices.Contains(v.CompatibleArchitectures, architecture))
}

// ListLayers lists the region's layers, each with its newest version.
func (s *Service) ListLayers(ctx context.Context, in *lambda.ListLayersInput, _ ...func(*lambda.Options)) (*lambda.ListLayersOutput, error) {
	region := identity.Region(ctx)
	out := &lambda.ListLayersOutput{}
	req := page.Request{Scope: store.Key("ListLayers", region, string(in.CompatibleRuntime), string(in.CompatibleArchitecture)), Token: in.Marker, Max: page.Limit(in.MaxItems, maxPage)}
	err := s.view(ctx, func(r store.Reader) (err error) {
		out.Layers, out.NextMarker, err = page.Of(r, layers, req, func(l *layer) (types.LayersListItem, bool, error) {
			newest := page.Request{Max: 1, Reverse: true}
			found, _, err := page.Of(r, layerVersions, newest, func(v *layerVersion) (types.LayerVersionsListItem, bool, error) {
				return v.LayerVersionsListItem, v.fits(in.CompatibleRuntime, in.CompatibleArchitecture), nil
			}, region, l.Name)
			if err != nil || len(found) == 0 {
				return types.LayersListItem{}, false, err
			}
			return types.LayersListItem{LayerName: &l.Name, LayerArn: aws.String(s.layerARN(layerName{Region: region, Layer: l.Name})), LatestMatchingVersion: &found[0]}, true, nil
		}, region)
		return err
	})
	return out, badMarker(err)
}

// ListLayerVersions lists the versions of a layer, the newest first.
func (s *Service) ListLayerVersions(ctx context.Context, in *lambda.ListLayerVersionsInput, _ ...func(*lambda.Options)) (*lambda.ListLayerVersionsOutput, error) {
	n, err := s.layerNamed(ctx, in.LayerName, nil)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListLayerVersionsOutput{}
	req := page.Request{Scope: store.Key("ListLayerVersions", n.Region, n.Layer, string(in.CompatibleRuntime), string(in.CompatibleArchitecture)),
		Token: in.Marker, Max: page.Limit(in.MaxItems, maxPage), Reverse: true}
	err = s.view(ctx, func(r store.Reader) error {
		out.LayerVersions, out.NextMarker, err = page.Of(r, layerVersions, req, func(v *layerVersion) (types.LayerVersionsListItem, bool, error) {
			return v.LayerVersionsListItem, v.fits(in.CompatibleRuntime, in.CompatibleArchitecture), nil
		}, n.Region, n.Layer)
		return err
	})
	return out, badMarker(err)
}

// DeleteLayerVersion removes a version; functions that have it keep it. One that
// is not there is no error.
func (s *Service) DeleteLayerVersion(ctx context.Context, in *lambda.DeleteLayerVersionInput, _ ...func(*lambda.Options)) (*lambda.DeleteLayerVersionOutput, error) {
	n, err := s.layerNamed(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteLayerVersionOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		v, err := s.loadLayer(tx, n)
		switch {
		case errors.Is(err, errNoLayer):
			return nil
		case err != nil:
			return err
		}
		if err := s.hold(tx, n.Region, n.owner(), n.number(), []string{v.Code.SHA}, nil); err != nil {
			return err
		}
		return layerVersions.Delete(tx, n.Region, n.Layer, padded(n.number()))
	})
}
