package codepipeline

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// webhook is an address at which a delivery starts a pipeline. The document has
// no secret: that is sealed beside it.
type webhook struct {
	types.ListWebhookItem
	Region string
	ID     string // the last part of its URL, which nobody can guess
	Secret string `json:",omitempty"`
}

const (
	webhooks    store.Table[webhook]    = "codepipeline.webhook"     // region, name
	webhookURLs store.Table[webhookRef] = "codepipeline.webhook-url" // id
)

type webhookRef struct{ Region, Name string }

// maxWebhooks is how many a region may have (AWS's quota).
const maxWebhooks = 300

// PutWebhook makes a webhook, or changes one and leaves its URL.
//
// Errors: PipelineNotFoundException, ValidationException, LimitExceededException,
// InvalidWebhookFilterPatternException,
// InvalidWebhookAuthenticationParametersException, those of mergeTags.
func (s *Service) PutWebhook(ctx context.Context, in *codepipeline.PutWebhookInput, _ ...func(*codepipeline.Options)) (*codepipeline.PutWebhookOutput, error) {
	region, def := identity.Region(ctx), *in.Webhook
	name := aws.ToString(def.Name)
	if err := checkWebhook(&def); err != nil {
		return nil, err
	}
	w := &webhook{Region: region, ID: id.Of(s.cfg.IDs, id.AlphaNum, 43)}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.pipelineOf(tx, region, aws.ToString(def.TargetPipeline))
		if err != nil {
			return err
		}
		if sourceAction(&p.Declaration, aws.ToString(def.TargetAction)) == nil {
			return invalid("The target action %s must be an action of the first stage of the pipeline %s", aws.ToString(def.TargetAction), p.name())
		}
		before, err := webhooks.Get(tx, region, name)
		switch {
		case err == nil:
			w = before
		case !errors.Is(err, store.ErrNotFound):
			return err
		default:
			if err := roomForWebhook(tx, region); err != nil {
				return err
			}
			w.Arn = aws.String(arn.New("codepipeline", region, s.cfg.Site.Account, "webhook:"+name))
			w.Url = aws.String(s.cfg.Site.URL + WebhookPath + w.ID)
			if err := webhookURLs.Put(tx, &webhookRef{region, name}, w.ID); err != nil {
				return err
			}
		}
		if w.Tags, err = mergeTags(w.Tags, in.Tags, aws.ToString(w.Arn)); err != nil {
			return err
		}
		kept := def
		auth := *def.AuthenticationConfiguration
		kept.AuthenticationConfiguration, w.Secret = &auth, ""
		if auth.SecretToken != nil {
			w.Secret, auth.SecretToken = s.cfg.Secrets.Seal([]byte(*auth.SecretToken)), nil
		}
		w.Definition = &kept
		return webhooks.Put(tx, w, region, name)
	})
	if err != nil {
		return nil, err
	}
	item, err := s.shownWebhook(w)
	if err != nil {
		return nil, err
	}
	return &codepipeline.PutWebhookOutput{Webhook: item}, nil
}

func roomForWebhook(r store.Reader, region string) error {
	n := 0
	for _, err := range webhooks.All(r, region) {
		if err != nil {
			return err
		}
		n++
	}
	if n >= maxWebhooks {
		return &types.LimitExceededException{Message: aws.String(fmt.Sprintf("There can be at most %d webhooks in a region", maxWebhooks))}
	}
	return nil
}

// checkWebhook checks filters, and that the authentication has what it needs
// and nothing else.
func checkWebhook(w *types.WebhookDefinition) error {
	for _, f := range w.Filters {
		if _, err := parsePath(aws.ToString(f.JsonPath)); err != nil {
			return &types.InvalidWebhookFilterPatternException{Message: aws.String("The filter's jsonPath " + aws.ToString(f.JsonPath) + " " + err.Error())}
		}
	}
	bad := func(why string) error {
		return &types.InvalidWebhookAuthenticationParametersException{Message: aws.String(why)}
	}
	c := w.AuthenticationConfiguration
	secret, ips := c.SecretToken != nil, c.AllowedIPRange != nil
	switch w.Authentication {
	case types.WebhookAuthenticationTypeGithubHmac:
		if !secret || ips {
			return bad("For GITHUB_HMAC, only the SecretToken property must be set")
		}
	case types.WebhookAuthenticationTypeIp:
		if secret || !ips {
			return bad("For IP, only the AllowedIPRange property must be set")
		}
		if _, err := netip.ParsePrefix(*c.AllowedIPRange); err != nil {
			return bad("The AllowedIPRange must be a CIDR range, like 192.0.2.0/24")
		}
	default:
		if secret || ips {
			return bad("For UNAUTHENTICATED, no properties can be set")
		}
	}
	return nil
}

// shownWebhook is a webhook as AWS shows it: with its secret token. Its
// documentation says that this is hidden, but clients that keep webhooks as
// code find it there, and would otherwise make the webhook anew for ever.
func (s *Service) shownWebhook(w *webhook) (*types.ListWebhookItem, error) {
	item, def := w.ListWebhookItem, *w.Definition
	auth := *def.AuthenticationConfiguration
	item.Definition, def.AuthenticationConfiguration = &def, &auth
	if w.Secret != "" {
		b, err := s.cfg.Secrets.Open(w.Secret)
		if err != nil {
			return nil, err
		}
		auth.SecretToken = aws.String(string(b))
	}
	if def.Filters == nil {
		def.Filters = []types.WebhookFilterRule{}
	}
	return &item, nil
}

// ListWebhooks shows the webhooks of a region by name.
//
// Errors: InvalidNextTokenException.
func (s *Service) ListWebhooks(ctx context.Context, in *codepipeline.ListWebhooksInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListWebhooksOutput, error) {
	out := &codepipeline.ListWebhooksOutput{Webhooks: []types.ListWebhookItem{}}
	region := identity.Region(ctx)
	err := s.cfg.Engine.View(ctx, func(r store.Reader) (err error) {
		pg := page{scope: "ListWebhooks/" + region, max: limit(in.MaxResults, 100), token: in.NextToken}
		out.NextToken, err = pg.each(r, store.Range{Prefix: store.Prefix(string(webhooks), region)}, func(e store.Entry) (bool, error) {
			w, err := webhooks.Decode(e.Value)
			if err != nil {
				return false, err
			}
			item, err := s.shownWebhook(w)
			if err != nil {
				return false, err
			}
			out.Webhooks = append(out.Webhooks, *item)
			return true, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteWebhook removes a webhook; one that is not there is no error.
func (s *Service) DeleteWebhook(ctx context.Context, in *codepipeline.DeleteWebhookInput, _ ...func(*codepipeline.Options)) (*codepipeline.DeleteWebhookOutput, error) {
	region, name := identity.Region(ctx), aws.ToString(in.Name)
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		w, err := webhooks.Get(tx, region, name)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := webhookURLs.Delete(tx, w.ID); err != nil {
			return err
		}
		return webhooks.Delete(tx, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.DeleteWebhookOutput{}, nil
}

// RegisterWebhookWithThirdParty would tell GitHub of a webhook whose target is
// an action with the owner ThirdParty. Pipelines here have none.
//
// Errors: WebhookNotFoundException, ValidationException.
func (s *Service) RegisterWebhookWithThirdParty(ctx context.Context, in *codepipeline.RegisterWebhookWithThirdPartyInput, _ ...func(*codepipeline.Options)) (*codepipeline.RegisterWebhookWithThirdPartyOutput, error) {
	return nil, s.notThirdParty(ctx, in.WebhookName)
}

// DeregisterWebhookWithThirdParty is its opposite.
//
// Errors: WebhookNotFoundException, ValidationException.
func (s *Service) DeregisterWebhookWithThirdParty(ctx context.Context, in *codepipeline.DeregisterWebhookWithThirdPartyInput, _ ...func(*codepipeline.Options)) (*codepipeline.DeregisterWebhookWithThirdPartyOutput, error) {
	return nil, s.notThirdParty(ctx, in.WebhookName)
}

func (s *Service) notThirdParty(ctx context.Context, name *string) error {
	return s.cfg.Engine.View(ctx, func(r store.Reader) error {
		w, err := webhooks.Get(r, identity.Region(ctx), aws.ToString(name))
		if errors.Is(err, store.ErrNotFound) {
			return &types.WebhookNotFoundException{Message: aws.String("There is no webhook with the name " + aws.ToString(name))}
		}
		if err != nil {
			return err
		}
		return invalid("Only webhooks for GitHub source actions with the owner ThirdParty can be registered with GitHub by CodePipeline: "+
			"the action %s is none. Add %s to the webhooks of the repository by hand.", aws.ToString(w.Definition.TargetAction), aws.ToString(w.Url))
	})
}
