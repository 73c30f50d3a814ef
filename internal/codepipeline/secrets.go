package codepipeline

import (
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// Secret values of an action's configuration are sealed wherever they are kept,
// shown as stars, and opened for job workers only.
const (
	sealed = "\x00sealed:" // marks them: no request's value may begin with it
	stars  = "****"
)

// sealSecrets seals the secret values of a new declaration. Stars stand for
// what the same action had before, nil for a new pipeline.
//
// Errors: InvalidActionDeclarationException.
func (s *Service) sealSecrets(p, before *types.PipelineDeclaration, find catalog) error {
	for i := range p.Stages {
		for j := range p.Stages[i].Actions {
			a := &p.Stages[i].Actions[j]
			k := find(a.ActionTypeId)
			if k == nil || k.sealsNothing() {
				continue
			}
			a.Configuration = maps.Clone(a.Configuration)
			for _, prop := range k.properties {
				v, ok := a.Configuration[prop.name]
				if !ok || !prop.secret {
					continue
				}
				if strings.Contains(v, "#{") {
					return badAction("Action configuration for action '%s' is not valid: variables are not supported in the secret property %s", aws.ToString(a.Name), prop.name)
				}
				if v != stars {
					a.Configuration[prop.name] = sealed + s.cfg.Secrets.Seal([]byte(v))
					continue
				}
				kept := configurationOf(before, aws.ToString(p.Stages[i].Name), a)[prop.name]
				if !strings.HasPrefix(kept, sealed) {
					return badAction("Action configuration for the new action \"%s\" contains an invalid configuration for the secret property \"%s\". "+
						"\"%s\" may be used in secret properties only when updating an existing action.", aws.ToString(a.Name), prop.name, stars)
				}
				a.Configuration[prop.name] = kept
			}
		}
	}
	return nil
}

func (k *kind) sealsNothing() bool {
	for _, p := range k.properties {
		if p.secret {
			return false
		}
	}
	return true
}

// configurationOf is what an earlier declaration had for an action.
func configurationOf(p *types.PipelineDeclaration, stage string, a *types.ActionDeclaration) map[string]string {
	if p == nil {
		return nil
	}
	st, _ := findStage(p, stage)
	if st == nil {
		return nil
	}
	for i := range st.Actions {
		if aws.ToString(st.Actions[i].Name) == aws.ToString(a.Name) {
			return st.Actions[i].Configuration
		}
	}
	return nil
}

// mask hides sealed values; it gives the same map if there are none.
func mask(configuration map[string]string) map[string]string {
	var masked map[string]string
	for key, v := range configuration {
		if !strings.HasPrefix(v, sealed) {
			continue
		}
		if masked == nil {
			masked = maps.Clone(configuration)
		}
		masked[key] = stars
	}
	if masked == nil {
		return configuration
	}
	return masked
}

// shown is a declaration as clients may see it.
func shown(p *types.PipelineDeclaration) *types.PipelineDeclaration {
	c := *p
	c.Stages = append([]types.StageDeclaration(nil), p.Stages...)
	for i := range c.Stages {
		st := &c.Stages[i]
		st.Actions = append([]types.ActionDeclaration(nil), st.Actions...)
		for j := range st.Actions {
			st.Actions[j].Configuration = mask(st.Actions[j].Configuration)
		}
	}
	return &c
}

// unseal opens the secrets of a configuration.
func (s *Service) unseal(configuration map[string]string) (map[string]string, error) {
	opened := make(map[string]string, len(configuration))
	for key, v := range configuration {
		if text, ok := strings.CutPrefix(v, sealed); ok {
			b, err := s.cfg.Secrets.Open(text)
			if err != nil {
				return nil, fmt.Errorf("codepipeline: secret %s: %w", key, err)
			}
			v = string(b)
		}
		opened[key] = v
	}
	return opened, nil
}
