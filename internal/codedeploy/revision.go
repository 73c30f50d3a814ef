package codedeploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// revision is what the store keeps of one.
type revision struct {
	Location types.RevisionLocation // without content
	Content  string                 // of AppSpecContent and String
	Info     types.GenericRevisionInfo
}

const revisions store.Table[revision] = "codedeploy.revision" // application's id, identity

func badRevision(format string, args ...any) error {
	return &types.InvalidRevisionException{Message: text(format, args...)}
}

// checkRevision checks a location for a platform and completes it: the hash of
// a content, an ETag without quotes. It is complete when content is false, as
// in requests that name a revision by its hash alone.
//
// Errors: RevisionRequiredException, InvalidRevisionException.
func checkRevision(l *types.RevisionLocation, p types.ComputePlatform, content bool) error {
	if l == nil || l.RevisionType == "" && l.S3Location == nil && l.GitHubLocation == nil && l.String_ == nil && l.AppSpecContent == nil {
		return &types.RevisionRequiredException{Message: text("RevisionLocation must be specified.")}
	}
	switch l.RevisionType {
	case types.RevisionLocationTypeS3:
		return checkObject(l.S3Location, p)
	case types.RevisionLocationTypeGitHub:
		g := l.GitHubLocation
		switch {
		case p != types.ComputePlatformServer:
			return badRevision("For the compute platform %s the revision type must be S3, String or AppSpecContent.", p)
		case g == nil || strings.Count(aws.ToString(g.Repository), "/") != 1 || aws.ToString(g.CommitId) == "":
			return badRevision("A GitHub revision has a repository of the form owner/name and a commit ID.")
		}
		return nil
	case types.RevisionLocationTypeString:
		if l.String_ == nil {
			return badRevision("A revision of the type String has a string.")
		}
		return checkContent(l.String_.Content, &l.String_.Sha256, p, content)
	case types.RevisionLocationTypeAppSpecContent:
		if l.AppSpecContent == nil {
			return badRevision("A revision of the type AppSpecContent has an appSpecContent.")
		}
		return checkContent(l.AppSpecContent.Content, &l.AppSpecContent.Sha256, p, content)
	}
	return badRevision("The revision type %q is not one of S3, GitHub, String and AppSpecContent.", l.RevisionType)
}

func checkObject(o *types.S3Location, p types.ComputePlatform) error {
	kinds := []types.BundleType{types.BundleTypeYaml, types.BundleTypeJson, types.BundleTypeZip, types.BundleTypeTarGZip}
	if p == types.ComputePlatformServer {
		kinds = []types.BundleType{types.BundleTypeTar, types.BundleTypeTarGZip, types.BundleTypeZip}
	}
	if o != nil {
		if b := types.BundleType(strings.ToUpper(string(o.BundleType))); b == types.BundleTypeYaml || b == types.BundleTypeJson {
			o.BundleType = b
		}
	}
	switch {
	case o == nil || aws.ToString(o.Bucket) == "" || aws.ToString(o.Key) == "":
		return badRevision("A revision in Amazon S3 has a bucket and a key.")
	case !slices.Contains(kinds, o.BundleType):
		return badRevision("The bundle type %q is not one of %v, as the compute platform %s takes.", o.BundleType, kinds, p)
	}
	if o.ETag != nil {
		o.ETag = aws.String(strings.Trim(*o.ETag, `"`))
	}
	return nil
}

// mostContent is the size limit of a content.
const mostContent = 256 << 10

func checkContent(content *string, sum **string, p types.ComputePlatform, needed bool) error {
	switch {
	case p == types.ComputePlatformServer:
		return badRevision("For the compute platform Server the revision type must be S3 or GitHub.")
	case aws.ToString(content) == "" && (needed || aws.ToString(*sum) == ""):
		return badRevision("The content of the AppSpec file must be specified.")
	case aws.ToString(content) == "":
		return nil
	case len(*content) > mostContent:
		return badRevision("The content of the AppSpec file has more than %d bytes.", mostContent)
	}
	is := hash(*content)
	if given := aws.ToString(*sum); given != "" && !strings.EqualFold(given, is) {
		return badRevision("The sha256 %s is not that of the content, which is %s.", given, is)
	}
	*sum = &is
	return nil
}

// byHash tells whether a checked location names a content by its hash alone.
func byHash(l *types.RevisionLocation) bool {
	return l.RevisionType == types.RevisionLocationTypeString && aws.ToString(l.String_.Content) == "" ||
		l.RevisionType == types.RevisionLocationTypeAppSpecContent && aws.ToString(l.AppSpecContent.Content) == ""
}

func hash(content string) string {
	b := sha256.Sum256([]byte(content))
	return hex.EncodeToString(b[:])
}

// identity is what makes a revision the same as another.
func identityOf(l *types.RevisionLocation) string {
	switch l.RevisionType {
	case types.RevisionLocationTypeS3:
		o := l.S3Location
		return hash(strings.Join([]string{"S3", aws.ToString(o.Bucket), aws.ToString(o.Key), string(o.BundleType), aws.ToString(o.Version), aws.ToString(o.ETag)}, "\n"))
	case types.RevisionLocationTypeGitHub:
		return hash("GitHub\n" + aws.ToString(l.GitHubLocation.Repository) + "\n" + aws.ToString(l.GitHubLocation.CommitId))
	case types.RevisionLocationTypeString:
		return hash("String\n" + strings.ToLower(aws.ToString(l.String_.Sha256)))
	}
	return strings.ToLower(aws.ToString(l.AppSpecContent.Sha256))
}

// split takes the content out of a location.
func split(l types.RevisionLocation) (types.RevisionLocation, string) {
	content := ""
	if s := l.String_; s != nil {
		content = aws.ToString(s.Content)
		l.String_ = &types.RawString{Sha256: s.Sha256}
	}
	if a := l.AppSpecContent; a != nil {
		content = aws.ToString(a.Content)
		l.AppSpecContent = &types.AppSpecContent{Sha256: a.Sha256}
	}
	return l, content
}

// whole is a revision's location with its content.
func (v *revision) whole() *types.RevisionLocation {
	l := v.Location
	switch l.RevisionType {
	case types.RevisionLocationTypeString:
		l.String_ = &types.RawString{Sha256: l.String_.Sha256, Content: &v.Content}
	case types.RevisionLocationTypeAppSpecContent:
		l.AppSpecContent = &types.AppSpecContent{Sha256: l.AppSpecContent.Sha256, Content: &v.Content}
	}
	return &l
}

// register writes a revision down unless it is known, and returns where it is,
// without content.
func register(tx *engine.Tx, region, application string, l *types.RevisionLocation, description *string, used bool) (*types.RevisionLocation, error) {
	key := []string{region, application, identityOf(l)}
	v, err := revisions.Get(tx, key...)
	if errors.Is(err, store.ErrNotFound) {
		v, err = &revision{Info: types.GenericRevisionInfo{RegisterTime: aws.Time(tx.Now())}}, nil
		v.Location, v.Content = split(*l)
	}
	if err != nil {
		return nil, err
	}
	if description != nil {
		v.Info.Description = description
	}
	if used {
		v.Info.LastUsedTime = aws.Time(tx.Now())
		if v.Info.FirstUsedTime == nil {
			v.Info.FirstUsedTime = v.Info.LastUsedTime
		}
	}
	return &v.Location, revisions.Put(tx, v, key...)
}

// original is a revision that says what ran before the first deployment of a
// group, for its rollback.
func (s *Service) original(tx *engine.Tx, d *deployment) (*types.RevisionLocation, error) {
	var resource map[string]any
	if f := d.Run.Lambda; f != nil {
		resource = map[string]any{f.Name: map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{
			"Name": f.Name, "Alias": f.Alias, "CurrentVersion": f.TargetVersion, "TargetVersion": f.CurrentVersion}}}
	} else {
		spec := d.Run.ECS.Spec
		resource = map[string]any{"TargetService": map[string]any{"Type": "AWS::ECS::Service", "Properties": map[string]any{
			"TaskDefinition":   d.Run.ECS.Definition,
			"LoadBalancerInfo": map[string]any{"ContainerName": spec.ContainerName, "ContainerPort": spec.ContainerPort}}}}
	}
	b, err := json.Marshal(map[string]any{"version": json.Number("0.0"), "Resources": []any{resource}})
	if err != nil {
		return nil, err
	}
	content := string(b)
	return register(tx, d.Region, d.ApplicationID, &types.RevisionLocation{RevisionType: types.RevisionLocationTypeAppSpecContent,
		AppSpecContent: &types.AppSpecContent{Content: &content, Sha256: aws.String(hash(content))}}, text("What ran before the first deployment."), true)
}

// deployedTo are the groups of an application by the identity of the revision
// that they were last deployed to with success.
func deployedTo(r store.Reader, region string, a *application) (map[string][]string, error) {
	out := map[string][]string{}
	for g, err := range groups.All(r, region, a.ID) {
		if err != nil {
			return nil, err
		}
		p, err := progressOf(r, region, *g.DeploymentGroupId)
		if err != nil {
			return nil, err
		}
		if p.Target != nil {
			id := identityOf(p.Target)
			out[id] = append(out[id], g.name())
		}
	}
	return out, nil
}

// position is a page's token in a list that is sorted anew for each page.
func position(scope string, token *string) (int, error) {
	if aws.ToString(token) == "" {
		return 0, nil
	}
	key, ok := wire.DecodeToken(scope, *token)
	n, err := strconv.Atoi(key)
	if !ok || err != nil || n < 0 {
		return 0, badToken()
	}
	return n, nil
}
