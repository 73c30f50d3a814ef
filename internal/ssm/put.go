package ssm

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	maxStandard = 4 << 10 // bytes of a value
	maxAdvanced = 8 << 10
	maxVersions = 100 // that are kept
	defaultKey  = "alias/aws/ssm"
)

var nested = regexp.MustCompile(`(?s)\{\{.*\}\}`)

// PutParameter makes a parameter, or a new version of it with Overwrite. What an
// overwriting request leaves out stays as it was.
func (s *Service) PutParameter(ctx context.Context, in *ssm.PutParameterInput, _ ...func(*ssm.Options)) (*ssm.PutParameterOutput, error) {
	region := identity.Region(ctx)
	name, err := s.newName(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	overwrite := aws.ToBool(in.Overwrite)
	if overwrite && len(in.Tags) > 0 {
		return nil, fail("ValidationException", "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	old, err := s.current(ctx, region, name)
	if err != nil {
		return nil, err
	}
	if old != nil && !overwrite {
		return nil, errExists
	}
	next, err := follow(old, in)
	if err != nil {
		return nil, err
	}
	next.User = identity.From(ctx).ARN
	if err := s.encrypt(ctx, region, name, &next, *in.Value); err != nil {
		return nil, err
	}
	err = s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := get(tx, region, name)
		operation := "Update"
		switch {
		case errors.Is(err, errNotFound):
			p, operation = &parameter{Name: name, Region: region, Tags: tags, Oldest: 1}, "Create"
		case err != nil:
			return err
		case old == nil:
			return errExists // another request was faster
		}
		if p.Version != next.Version-1 {
			return fail("TooManyUpdates", "There are concurrent updates for a resource that supports one update at a time.")
		}
		next.Modified = tx.Now()
		p.revision = next
		if err := s.forget(tx, p); err != nil {
			return err
		}
		if err := revisions.Put(tx, &next, region, name, number(next.Version)); err != nil {
			return err
		}
		if err := s.plan(tx, p); err != nil {
			return err
		}
		if err := p.put(tx); err != nil {
			return err
		}
		return s.announce(tx, p, operation)
	})
	if err != nil {
		return nil, err
	}
	return &ssm.PutParameterOutput{Version: next.Version, Tier: next.Tier}, nil
}

var errExists = fail("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")

// current is the parameter as it is now, nil if there is none.
func (s *Service) current(ctx context.Context, region, name string) (p *parameter, err error) {
	err = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		p, err = get(r, region, name)
		return err
	})
	if errors.Is(err, errNotFound) {
		return nil, nil
	}
	return p, err
}

// follow makes the version that a request asks for, without its value, of the
// one before it.
func follow(old *parameter, in *ssm.PutParameterInput) (revision, error) {
	r := revision{Version: 1, DataType: "text"}
	if old != nil {
		r = old.revision
		r.Version, r.Value, r.Blob, r.Envelope = old.Version+1, "", nil, nil
		for i := range r.Policies {
			if r.Policies[i].Type == noChangeNotification {
				r.Policies[i].Done = false
			}
		}
	}
	set := func(to *string, v *string) {
		if v != nil {
			*to = *v
		}
	}
	set(&r.Description, in.Description)
	set(&r.Pattern, in.AllowedPattern)
	set(&r.DataType, in.DataType)
	if in.Type != "" {
		r.Type = in.Type
	}
	switch value := *in.Value; {
	case r.Type == "":
		return r, fail("ValidationException", "A parameter type is required when you create a parameter.")
	case value == "":
		return r, fail("ValidationException", "1 validation error detected: Value at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	case nested.MatchString(value):
		return r, fail("ValidationException", "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.")
	}
	if err := r.secure(in.KeyId); err != nil {
		return r, err
	}
	if !slices.Contains([]string{"text", "aws:ssm:integration"}, r.DataType) {
		return r, fail("ValidationException", "The data type %s is not implemented by Slipway; use text.", r.DataType)
	}
	if in.Policies != nil {
		var err error
		if r.Policies, err = parsePolicies(*in.Policies); err != nil {
			return r, err
		}
	}
	if err := r.tier(old, in.Tier, len(*in.Value)); err != nil {
		return r, err
	}
	return r, r.allows(*in.Value)
}

// secure settles the key: SecureStrings have one, and nothing else has.
func (r *revision) secure(keyID *string) error {
	switch {
	case r.Type != types.ParameterTypeSecureString && keyID != nil:
		return fail("ValidationException", "KeyId is required for SecureString type parameter only.")
	case r.Type != types.ParameterTypeSecureString:
		r.KeyID = ""
	case keyID != nil:
		r.KeyID = *keyID
	case r.KeyID == "":
		r.KeyID = defaultKey
	}
	return nil
}

// tier settles the tier. Intelligent tiering takes the advanced tier only for
// what needs it; there is no way back from it.
func (r *revision) tier(old *parameter, asked types.ParameterTier, size int) error {
	const standard, advanced = types.ParameterTierStandard, types.ParameterTierAdvanced
	was := old != nil && old.Tier == advanced
	needs := size > maxStandard || len(r.Policies) > 0
	switch {
	case asked == standard && was:
		return fail("ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.")
	case was || asked == advanced || asked == types.ParameterTierIntelligentTiering && needs:
		r.Tier = advanced
	case size > maxStandard:
		return fail("ValidationException", "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	case len(r.Policies) > 0:
		return fail("ValidationException", "Parameter policies are only supported for parameters of the advanced-parameter tier.")
	default:
		r.Tier = standard
	}
	if size > maxAdvanced {
		return fail("ValidationException", "Advanced tier parameters support a maximum parameter value of 8192 characters.")
	}
	return nil
}

// allows checks a value against the AllowedPattern. The value is not part of
// the error.
func (r *revision) allows(value string) error {
	if r.Pattern == "" {
		return nil
	}
	re, err := regexp.Compile(r.Pattern)
	if err != nil {
		return fail("InvalidAllowedPatternException", "The pattern %s is not a regular expression of RE2's syntax: %s", r.Pattern, err)
	}
	if !re.MatchString(value) {
		return fail("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", r.Pattern)
	}
	return nil
}

// forget deletes the oldest version of a parameter that got one too many.
func (s *Service) forget(tx *engine.Tx, p *parameter) error {
	if p.Version-p.Oldest < maxVersions {
		return nil
	}
	for _, v := range p.Labels {
		if v == p.Oldest {
			return fail("ParameterMaxVersionLimitExceeded", "You attempted to create a new version of %s by calling the PutParameter API with the overwrite flag. Version %d, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.", p.Name, p.Oldest)
		}
	}
	if err := revisions.Delete(tx, p.Region, p.Name, number(p.Oldest)); err != nil {
		return err
	}
	p.Oldest++
	return nil
}

func tagsOf(list []types.Tag) (tag.Set, error) {
	set, err := tag.From(list, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
	return set, tagError(err)
}

func tagError(err error) error {
	var p *tag.Problem
	switch {
	case !errors.As(err, &p):
		return err
	case p.Reason == tag.TooMany:
		return fail("TooManyTagsError", "%s", p)
	}
	return fail("ValidationException", "%s", p)
}
