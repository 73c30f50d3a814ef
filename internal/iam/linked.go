package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// linkedNames are the names of service-linked roles that are not simply made of
// the service's own.
var linkedNames = map[string]string{
	"ecs.amazonaws.com":                         "AWSServiceRoleForECS",
	"elasticloadbalancing.amazonaws.com":        "AWSServiceRoleForElasticLoadBalancing",
	"codestar-notifications.amazonaws.com":      "AWSServiceRoleForCodeStarNotifications",
	"codestar-connections.amazonaws.com":        "AWSServiceRoleForCodeStarConnections",
	"codeconnections.amazonaws.com":             "AWSServiceRoleForCodeConnections",
	"replication.ecr.amazonaws.com":             "AWSServiceRoleForECRReplication",
	"pullthroughcache.ecr.amazonaws.com":        "AWSServiceRoleForECRPullThroughCache",
	"ecs.application-autoscaling.amazonaws.com": "AWSServiceRoleForApplicationAutoScaling_ECSService",
	"autoscaling.amazonaws.com":                 "AWSServiceRoleForAutoScaling",
	"events.amazonaws.com":                      "AWSServiceRoleForCloudWatchEvents",
}

// deletions of service-linked roles are done at once; the task's id is kept
// for those who ask.
var deletions = store.Table[string]("iam.deletion")

// CreateServiceLinkedRole makes a service's own role.
func (s *Service) CreateServiceLinkedRole(ctx context.Context, in *iam.CreateServiceLinkedRoleInput, _ ...func(*iam.Options)) (*iam.CreateServiceLinkedRoleOutput, error) {
	service := *in.AWSServiceName
	short, ok := strings.CutSuffix(service, ".amazonaws.com")
	if !ok || short == "" || strings.ContainsAny(short, "/\"") {
		return nil, &types.InvalidInputException{Message: aws.String("The service name " + service + " is not valid.")}
	}
	name := linkedNames[service]
	if name == "" {
		name = "AWSServiceRoleFor"
		for part := range strings.FieldsFuncSeq(short, func(r rune) bool { return r == '-' || r == '.' }) {
			name += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	if in.CustomSuffix != nil {
		name += "_" + *in.CustomSuffix
	}
	r := &role{ServiceLinked: true, Role: types.Role{
		RoleName:    &name,
		Path:        aws.String("/aws-service-role/" + service + "/"),
		Description: in.Description,
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` +
			service + `"},"Action":"sts:AssumeRole"}]}`),
	}}
	if err := s.createRole(ctx, r, nil, nil); err != nil {
		if _, exists := err.(*types.EntityAlreadyExistsException); exists {
			// AWS's code here is not the one of CreateRole.
			return nil, &types.InvalidInputException{Message: aws.String("Service role name " + name +
				" has been taken in this account, please try a different suffix.")}
		}
		return nil, err
	}
	return &iam.CreateServiceLinkedRoleOutput{Role: r.answer()}, nil
}

// DeleteServiceLinkedRole deletes a service's own role.
func (s *Service) DeleteServiceLinkedRole(ctx context.Context, in *iam.DeleteServiceLinkedRoleInput, _ ...func(*iam.Options)) (*iam.DeleteServiceLinkedRoleOutput, error) {
	out := &iam.DeleteServiceLinkedRoleOutput{}
	return out, s.update(ctx, func(tx store.Tx) error {
		r, err := loadRole(tx, in.RoleName)
		if err != nil {
			return err
		}
		if !r.ServiceLinked {
			return noSuch("The role with name %s is no service-linked role.", *in.RoleName)
		}
		out.DeletionTaskId = aws.String("task" + *r.Path + *r.RoleName + "/" + id.UUID(s.cfg.IDs))
		if err := deletions.Put(tx, r.RoleName, *out.DeletionTaskId); err != nil {
			return err
		}
		return roles.Delete(tx, strings.ToLower(*r.RoleName))
	})
}

// GetServiceLinkedRoleDeletionStatus tells how a deletion went.
func (s *Service) GetServiceLinkedRoleDeletionStatus(ctx context.Context, in *iam.GetServiceLinkedRoleDeletionStatusInput, _ ...func(*iam.Options)) (*iam.GetServiceLinkedRoleDeletionStatusOutput, error) {
	err := s.view(ctx, func(r store.Reader) error {
		_, err := deletions.Get(r, *in.DeletionTaskId)
		return missing(err, "The deletion task %s cannot be found.", *in.DeletionTaskId)
	})
	return &iam.GetServiceLinkedRoleDeletionStatusOutput{Status: types.DeletionTaskStatusTypeSucceeded}, err
}
