package lambda

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// changeLayer reads, changes and writes a version of a layer in one transaction.
func (s *Service) changeLayer(ctx context.Context, text *string, version *int64, do func(layerName, *layerVersion) error) error {
	n, err := s.layerNamed(ctx, text, version)
	if err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		v, err := s.loadLayer(tx, n)
		if err != nil {
			return err
		}
		if err := do(n, v); err != nil {
			return err
		}
		return layerVersions.Put(tx, v, n.Region, n.Layer, padded(n.number()))
	})
}

// AddLayerVersionPermission lets another account, or all, use a version.
func (s *Service) AddLayerVersionPermission(ctx context.Context, in *lambda.AddLayerVersionPermissionInput, _ ...func(*lambda.Options)) (*lambda.AddLayerVersionPermissionOutput, error) {
	st := statement{Sid: *in.StatementId, Effect: "Allow", Action: *in.Action}
	var err error
	if st.Principal, err = principalOf(*in.Principal); err != nil {
		return nil, err
	}
	if org := aws.ToString(in.OrganizationId); org != "" {
		if *in.Principal != "*" {
			return nil, invalid("OrganizationId needs the principal *")
		}
		st.Condition = map[string]map[string]string{"StringEquals": {"aws:PrincipalOrgID": org}}
	}
	out := &lambda.AddLayerVersionPermissionOutput{}
	return out, s.changeLayer(ctx, in.LayerName, in.VersionNumber, func(n layerName, v *layerVersion) error {
		st.Resource = s.layerARN(n)
		if v.Policy == nil {
			v.Policy = &permissions{}
		}
		if err := s.addStatement(v.Policy, st, in.RevisionId); err != nil {
			return err
		}
		b, err := json.Marshal(st)
		out.Statement, out.RevisionId = aws.String(string(b)), &v.Policy.Revision
		return err
	})
}

// RemoveLayerVersionPermission takes a statement out of a version's policy.
func (s *Service) RemoveLayerVersionPermission(ctx context.Context, in *lambda.RemoveLayerVersionPermissionInput, _ ...func(*lambda.Options)) (*lambda.RemoveLayerVersionPermissionOutput, error) {
	return &lambda.RemoveLayerVersionPermissionOutput{}, s.changeLayer(ctx, in.LayerName, in.VersionNumber, func(_ layerName, v *layerVersion) error {
		if v.Policy == nil {
			v.Policy = &permissions{}
		}
		if err := s.removeStatement(v.Policy, *in.StatementId, in.RevisionId); err != nil {
			return err
		}
		if len(v.Policy.Statements) == 0 {
			v.Policy = nil
		}
		return nil
	})
}

// GetLayerVersionPolicy answers a version's policy.
func (s *Service) GetLayerVersionPolicy(ctx context.Context, in *lambda.GetLayerVersionPolicyInput, _ ...func(*lambda.Options)) (*lambda.GetLayerVersionPolicyOutput, error) {
	n, err := s.layerNamed(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetLayerVersionPolicyOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		v, err := s.loadLayer(r, n)
		switch {
		case err != nil:
			return err
		case v.Policy == nil:
			return errNoStatements
		}
		out.Policy, out.RevisionId = aws.String(v.Policy.text()), &v.Policy.Revision
		return nil
	})
}
