package wire

import (
	"reflect"
	"strings"

	cloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	ecsdoc "github.com/aws/aws-sdk-go-v2/service/ecs/document"
	ecs "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	iam "github.com/aws/aws-sdk-go-v2/service/iam/types"
	s3 "github.com/aws/aws-sdk-go-v2/service/s3/types"
	ssm "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// unions lists the structs of each of the SDK's union interfaces, by the name
// of the member they stand for: reflection cannot find them.
var unions = map[reflect.Type]map[string]reflect.Type{
	reflect.TypeFor[cloudwatch.EvaluationCriteria](): variants(
		cloudwatch.EvaluationCriteriaMemberPromQLCriteria{},
	),
	reflect.TypeFor[cloudwatch.EvaluationWindow](): variants(
		cloudwatch.EvaluationWindowMemberSlidingWindow{},
		cloudwatch.EvaluationWindowMemberWallClockWindow{},
	),
	reflect.TypeFor[ssm.CloudConnectorConfiguration](): variants(
		ssm.CloudConnectorConfigurationMemberAzureConfiguration{},
	),
	reflect.TypeFor[ssm.ConfigurationTargets](): variants(
		ssm.ConfigurationTargetsMemberSubscriptions{},
	),
	reflect.TypeFor[ssm.ExecutionInputs](): variants(
		ssm.ExecutionInputsMemberAutomation{},
	),
	reflect.TypeFor[ssm.ExecutionPreview](): variants(
		ssm.ExecutionPreviewMemberAutomation{},
	),
	reflect.TypeFor[ssm.NodeType](): variants(
		ssm.NodeTypeMemberInstance{},
	),
	reflect.TypeFor[s3.AnalyticsFilter](): variants(
		s3.AnalyticsFilterMemberAnd{},
		s3.AnalyticsFilterMemberPrefix{},
		s3.AnalyticsFilterMemberTag{},
	),
	reflect.TypeFor[s3.MetricsFilter](): variants(
		s3.MetricsFilterMemberAccessPointArn{},
		s3.MetricsFilterMemberAnd{},
		s3.MetricsFilterMemberPrefix{},
		s3.MetricsFilterMemberTag{},
	),
	reflect.TypeFor[s3.ObjectEncryption](): variants(
		s3.ObjectEncryptionMemberSSEKMS{},
	),
	reflect.TypeFor[iam.PolicyIdentifier](): variants(
		iam.PolicyIdentifierMemberInlinePolicyIdentifier{},
		iam.PolicyIdentifierMemberPolicyArn{},
		iam.PolicyIdentifierMemberPolicyType{},
	),
	reflect.TypeFor[ecs.DescribeGatewayConfiguration](): variants(
		ecs.DescribeGatewayConfigurationMemberHostSharedAlb{},
	),
	reflect.TypeFor[ecs.GatewayConfiguration](): variants(
		ecs.GatewayConfigurationMemberHostSharedAlb{},
	),
	reflect.TypeFor[ecs.GatewayConnectionResources](): variants(
		ecs.GatewayConnectionResourcesMemberHostSharedAlb{},
	),
	reflect.TypeFor[ecs.GatewayElbAccessLogDestination](): variants(
		ecs.GatewayElbAccessLogDestinationMemberS3{},
	),
	reflect.TypeFor[ecs.GatewayInfrastructureResources](): variants(
		ecs.GatewayInfrastructureResourcesMemberHostSharedAlb{},
	),
	reflect.TypeFor[ecs.GatewayRouteResources](): variants(
		ecs.GatewayRouteResourcesMemberHostSharedAlb{},
	),
	reflect.TypeFor[ecs.ServiceConnectContainerConfiguration](): variants(
		ecs.ServiceConnectContainerConfigurationMemberLogLevel{},
	),
	reflect.TypeFor[ecs.SharingStrategy](): variants(
		ecs.SharingStrategyMemberNvidiaMps{},
	),
	reflect.TypeFor[ecs.UpdateGatewayConfiguration](): variants(
		ecs.UpdateGatewayConfigurationMemberHostSharedAlb{},
	),
	reflect.TypeFor[logs.GetLogObjectResponseStream](): variants(
		logs.GetLogObjectResponseStreamMemberFields{},
	),
	reflect.TypeFor[logs.IntegrationDetails](): variants(
		logs.IntegrationDetailsMemberOpenSearchIntegrationDetails{},
	),
	reflect.TypeFor[logs.ResourceConfig](): variants(
		logs.ResourceConfigMemberOpenSearchResourceConfig{},
	),
	reflect.TypeFor[logs.StartLiveTailResponseStream](): variants(
		logs.StartLiveTailResponseStreamMemberSessionStart{},
		logs.StartLiveTailResponseStreamMemberSessionUpdate{},
	),
}

func variants(structs ...any) map[string]reflect.Type {
	m := make(map[string]reflect.Type, len(structs))
	for _, s := range structs {
		t := reflect.TypeOf(s)
		_, member, _ := strings.Cut(t.Name(), "Member")
		m[member] = t
	}
	return m
}

// documents wrap a decoded JSON value in a package's type for open content.
var documents = map[reflect.Type]func(any) any{
	reflect.TypeFor[ecsdoc.Interface](): func(v any) any { return ecsdoc.NewLazyDocument(v) },
}
