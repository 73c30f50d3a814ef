package codepipeline

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// customType is an action type of the account's own. One that is deleted stays:
// its version can come back with the same definition only.
type customType struct {
	types.ActionType
	Region  string
	Tags    []types.Tag
	Deleted bool `json:",omitempty"`
}

// customTypes: region, category, provider, version.
const customTypes store.Table[customType] = "codepipeline.action-type"

// maxCustomTypes is how many a region may have (AWS's quota).
const maxCustomTypes = 50

func (t *customType) key() []string { return typeKey(t.Region, t.Id) }

func typeKey(region string, id *types.ActionTypeId) []string {
	return []string{region, string(id.Category), aws.ToString(id.Provider), aws.ToString(id.Version)}
}

// customTypeOf finds a custom action type that is not deleted; nil if there is
// none.
func customTypeOf(r store.Reader, region string, id *types.ActionTypeId) (*customType, error) {
	if id.Owner != types.ActionOwnerCustom {
		return nil, nil
	}
	t, err := customTypes.Get(r, typeKey(region, id)...)
	if errors.Is(err, store.ErrNotFound) || err == nil && t.Deleted {
		return nil, nil
	}
	return t, err
}

// kind is what pipelines must know of it.
func (t *customType) kind() *kind {
	k := &kind{category: t.Id.Category, provider: aws.ToString(t.Id.Provider), timeout: customTimeout,
		inputs:  span{t.InputArtifactDetails.MinimumCount, t.InputArtifactDetails.MaximumCount},
		outputs: span{t.OutputArtifactDetails.MinimumCount, t.OutputArtifactDetails.MaximumCount}}
	for _, p := range t.ActionConfigurationProperties {
		k.properties = append(k.properties, property{name: aws.ToString(p.Name), required: p.Required, about: aws.ToString(p.Description),
			secret: p.Secret, queryable: p.Queryable, form: p.Type})
	}
	return k
}

// customTimeout is how long a custom action may take.
const customTimeout = 24 * time.Hour

// catalog finds the action types that a declaration may use: AWS's with a
// provider here, and the custom ones of its region.
func (s *Service) catalog(r store.Reader, region string, p *types.PipelineDeclaration) (catalog, error) {
	custom := map[string]*kind{}
	for i := range p.Stages {
		for j := range p.Stages[i].Actions {
			id := p.Stages[i].Actions[j].ActionTypeId
			t, err := customTypeOf(r, region, id)
			if err != nil {
				return nil, err
			}
			if t != nil {
				custom[s.typeARN(region, id)] = t.kind()
			}
		}
	}
	return func(id *types.ActionTypeId) *kind {
		if k := custom[s.typeARN(region, id)]; k != nil {
			return k
		}
		return s.available(id)
	}, nil
}

// available finds one of AWS's action types if there is a provider for it.
func (s *Service) available(id *types.ActionTypeId) *kind {
	if k := kindOf(id); k != nil && s.providers[providerOf(id)] != nil {
		return k
	}
	return nil
}

// CreateCustomActionType makes an action type whose work job workers do. One
// that was deleted comes back if its definition is the same.
//
// Errors: ValidationException, LimitExceededException, those of mergeTags.
func (s *Service) CreateCustomActionType(ctx context.Context, in *codepipeline.CreateCustomActionTypeInput, _ ...func(*codepipeline.Options)) (*codepipeline.CreateCustomActionTypeOutput, error) {
	region := identity.Region(ctx)
	t := &customType{Region: region, ActionType: types.ActionType{
		Id:                            &types.ActionTypeId{Owner: types.ActionOwnerCustom, Category: in.Category, Provider: in.Provider, Version: in.Version},
		InputArtifactDetails:          in.InputArtifactDetails,
		OutputArtifactDetails:         in.OutputArtifactDetails,
		ActionConfigurationProperties: in.ConfigurationProperties,
		Settings:                      in.Settings,
	}}
	if t.ActionConfigurationProperties == nil {
		t.ActionConfigurationProperties = []types.ActionConfigurationProperty{}
	}
	if t.Settings == nil {
		t.Settings = &types.ActionTypeSettings{}
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	var err error
	if t.Tags, err = mergeTags(nil, in.Tags, s.typeARN(region, t.Id)); err != nil {
		return nil, err
	}
	err = s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		before, err := customTypes.Get(tx, t.key()...)
		switch {
		case err == nil && !before.Deleted:
			return invalid("An action type with the category '%s', provider '%s' and version '%s' already exists", in.Category, aws.ToString(in.Provider), aws.ToString(in.Version))
		case err == nil && !reflect.DeepEqual(before.ActionType, t.ActionType):
			return invalid("The version '%s' of the action type with the category '%s' and provider '%s' was used before by one that is deleted: "+
				"restore it with the same definition, or choose a new version", aws.ToString(in.Version), in.Category, aws.ToString(in.Provider))
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		}
		n := 0
		for other, err := range customTypes.All(tx, region) {
			if err != nil {
				return err
			}
			if !other.Deleted {
				n++
			}
		}
		if n >= maxCustomTypes {
			return &types.LimitExceededException{Message: aws.String(fmt.Sprintf("There can be at most %d custom action types in a region", maxCustomTypes))}
		}
		return customTypes.Put(tx, t, t.key()...)
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.CreateCustomActionTypeOutput{ActionType: &t.ActionType, Tags: t.Tags}, nil
}

func (s *Service) typeARN(region string, id *types.ActionTypeId) string {
	return arn.New("codepipeline", region, s.cfg.Site.Account,
		"actiontype:"+string(id.Owner)+"/"+string(id.Category)+"/"+aws.ToString(id.Provider)+"/"+aws.ToString(id.Version))
}

// check checks what the model does not know.
func (t *customType) check() error {
	for what, d := range map[string]*types.ArtifactDetails{"input": t.InputArtifactDetails, "output": t.OutputArtifactDetails} {
		if d.MinimumCount > d.MaximumCount {
			return invalid("The minimum count of %s artifacts (%d) is larger than the maximum count (%d)", what, d.MinimumCount, d.MaximumCount)
		}
	}
	known, queryable := map[string]types.ActionConfigurationProperty{}, 0
	for _, p := range t.ActionConfigurationProperties {
		name := aws.ToString(p.Name)
		if _, twice := known[name]; twice {
			return invalid("The configuration property %s is there twice", name)
		}
		known[name] = p
		if p.Queryable {
			queryable++
			if p.Secret || !p.Required {
				return invalid("The configuration property %s is queryable, so it must be required and not secret", name)
			}
		}
	}
	if queryable > 1 {
		return invalid("An action type can have at most one queryable configuration property")
	}
	for member, template := range map[string]*string{"entityUrlTemplate": t.Settings.EntityUrlTemplate,
		"executionUrlTemplate": t.Settings.ExecutionUrlTemplate, "revisionUrlTemplate": t.Settings.RevisionUrlTemplate} {
		for _, m := range configPlaceholder.FindAllStringSubmatch(aws.ToString(template), -1) {
			if p, ok := known[m[1]]; !ok || !p.Required || p.Secret {
				return invalid("The %s names {Config:%s}, which is not a required configuration property that is not secret", member, m[1])
			}
		}
	}
	return nil
}

// configPlaceholder is how a URL template names a configuration value.
var configPlaceholder = regexp.MustCompile(`\{Config:([^}]*)\}`)

// link fills in a URL template: with configuration values, and an id that goes
// by name. It is "" without a template, or if the id is not known yet.
func link(template *string, configuration map[string]string, name, id string) string {
	text := aws.ToString(template)
	if id == "" && name != "" && strings.Contains(text, "{"+name+"}") {
		return ""
	}
	text = configPlaceholder.ReplaceAllStringFunc(text, func(m string) string {
		return url.PathEscape(configuration[configPlaceholder.FindStringSubmatch(m)[1]])
	})
	if name == "" {
		return text
	}
	return strings.ReplaceAll(text, "{"+name+"}", url.PathEscape(id))
}

// DeleteCustomActionType marks a custom action type as deleted; one that is not
// there is no error. Its jobs are not given out any more.
func (s *Service) DeleteCustomActionType(ctx context.Context, in *codepipeline.DeleteCustomActionTypeInput, _ ...func(*codepipeline.Options)) (*codepipeline.DeleteCustomActionTypeOutput, error) {
	id := &types.ActionTypeId{Owner: types.ActionOwnerCustom, Category: in.Category, Provider: in.Provider, Version: in.Version}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		t, err := customTypeOf(tx, identity.Region(ctx), id)
		if err != nil || t == nil {
			return err
		}
		t.Deleted, t.Tags = true, nil
		return customTypes.Put(tx, t, t.key()...)
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.DeleteCustomActionTypeOutput{}, nil
}

// GetActionType shows an action type of the newer model, which providers outside
// of an account publish with an executor. There are none here.
//
// Errors: ActionTypeNotFoundException.
func (s *Service) GetActionType(_ context.Context, in *codepipeline.GetActionTypeInput, _ ...func(*codepipeline.Options)) (*codepipeline.GetActionTypeOutput, error) {
	return nil, noActionType(string(in.Category), aws.ToString(in.Owner), aws.ToString(in.Provider), aws.ToString(in.Version))
}

// UpdateActionType changes one of those.
//
// Errors: ActionTypeNotFoundException.
func (s *Service) UpdateActionType(_ context.Context, in *codepipeline.UpdateActionTypeInput, _ ...func(*codepipeline.Options)) (*codepipeline.UpdateActionTypeOutput, error) {
	id := in.ActionType.Id
	return nil, noActionType(string(id.Category), aws.ToString(id.Owner), aws.ToString(id.Provider), aws.ToString(id.Version))
}

func noActionType(category, owner, provider, version string) error {
	return &types.ActionTypeNotFoundException{Message: aws.String(fmt.Sprintf(
		"There is no action type with an executor of its own for Category: '%s', Owner: '%s', Provider: '%s', Version: '%s'", category, owner, provider, version))}
}
