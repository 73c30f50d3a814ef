package lambda

import (
	"cmp"
	"runtime"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
)

// Limits and defaults of a function's configuration.
const (
	maxTimeout     = 900 // seconds
	defaultTimeout = 3
	maxMemory      = 10240 // MiB
	defaultMemory  = 128
)

// architecture is this machine's, as Lambda calls it.
func architecture() types.Architecture {
	if runtime.GOARCH == "arm64" {
		return types.ArchitectureArm64
	}
	return types.ArchitectureX8664
}

func checkArchitectures(list []types.Architecture) error {
	if len(list) > 0 && (len(list) > 1 || list[0] != architecture()) {
		return invalid("The architecture %s cannot run on this machine, which is %s", list[0], architecture())
	}
	return nil
}

// apply puts what a request says into a version, after checking it. What it
// does not say stays as it is.
func (s *Service) apply(v *version, in *lambda.UpdateFunctionConfigurationInput) error {
	if err := refused(in); err != nil {
		return err
	}
	image := v.PackageType == types.PackageTypeImage
	switch {
	case image && (in.Handler != nil || in.Runtime != "" || len(in.Layers) > 0):
		return invalid("Please don't provide Handler or Runtime or Layer when the intent is to create a function with a container image")
	case !image && in.ImageConfig != nil:
		return invalid("Please do not provide ImageConfig when the intent is to create a function with a zip archive")
	}
	if in.Timeout != nil {
		if *in.Timeout > maxTimeout {
			return fail("Validation", "1 validation error detected: Value '%d' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to %d", *in.Timeout, maxTimeout)
		}
		v.Timeout = in.Timeout
	}
	if in.MemorySize != nil {
		if *in.MemorySize > maxMemory {
			return fail("Validation", "1 validation error detected: Value '%d' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to %d", *in.MemorySize, maxMemory)
		}
		v.MemorySize = in.MemorySize
	}
	if in.Runtime != "" {
		if err := s.checkRuntime(in.Runtime); err != nil {
			return err
		}
		v.Runtime = in.Runtime
	}
	if in.Handler != nil {
		v.Handler = in.Handler
	}
	if d := in.DeadLetterConfig; d != nil {
		if err := deadLetters(d.TargetArn); err != nil {
			return err
		}
		if v.DeadLetterConfig = d; aws.ToString(d.TargetArn) == "" {
			v.DeadLetterConfig = nil
		}
	}
	if in.Description != nil {
		v.Description = in.Description
	}
	if in.Role != nil {
		v.Role = in.Role
	}
	if in.Environment != nil {
		if err := s.setEnvironment(v, in.Environment); err != nil {
			return err
		}
	}
	if in.EphemeralStorage != nil {
		v.EphemeralStorage = in.EphemeralStorage
	}
	if in.TracingConfig != nil {
		v.TracingConfig = &types.TracingConfigResponse{Mode: types.TracingModePassThrough}
	}
	if in.ImageConfig != nil {
		v.ImageConfigResponse = nil
		if c := in.ImageConfig; len(c.Command)+len(c.EntryPoint) > 0 || aws.ToString(c.WorkingDirectory) != "" {
			v.ImageConfigResponse = &types.ImageConfigResponse{ImageConfig: c}
		}
	}
	if in.LoggingConfig != nil || v.LoggingConfig == nil {
		v.LoggingConfig = logging(in.LoggingConfig, *v.FunctionName)
	}
	return nil
}

// logging is a logging configuration with AWS's defaults.
func logging(in *types.LoggingConfig, function string) *types.LoggingConfig {
	l := types.LoggingConfig{}
	if in != nil {
		l = *in
	}
	l.LogFormat = cmp.Or(l.LogFormat, types.LogFormatText)
	if l.LogFormat == types.LogFormatJson {
		l.ApplicationLogLevel = cmp.Or(l.ApplicationLogLevel, types.ApplicationLogLevelInfo)
		l.SystemLogLevel = cmp.Or(l.SystemLogLevel, types.SystemLogLevelInfo)
	}
	if aws.ToString(l.LogGroup) == "" {
		l.LogGroup = aws.String("/aws/lambda/" + function)
	}
	return &l
}

// deadLetters checks where events go that could not be handled.
func deadLetters(target *string) error {
	to, ok := arn.Parse(aws.ToString(target))
	switch {
	case aws.ToString(target) == "" || ok && to.Service == "sns" && to.Resource != "":
		return nil
	case ok && to.Service == "sqs":
		return lacking("DeadLetterConfig: queues of SQS are")
	}
	return invalid("The provided dead-letter target %s is invalid: it must be a topic of SNS or a queue of SQS", *target)
}

// refused names what would have to work and does not. Empty blocks, by which
// clients take things away, are nothing to do.
func refused(in *lambda.UpdateFunctionConfigurationInput) error {
	switch {
	case in.VpcConfig != nil && len(in.VpcConfig.SubnetIds)+len(in.VpcConfig.SecurityGroupIds) > 0:
		return lacking("VpcConfig: functions in a VPC are")
	case len(in.FileSystemConfigs) > 0:
		return lacking("FileSystemConfigs: file systems are")
	case aws.ToString(in.KMSKeyArn) != "":
		return lacking("KMSKeyArn: keys of KMS for environment variables are")
	case in.TracingConfig != nil && in.TracingConfig.Mode == types.TracingModeActive:
		return lacking("TracingConfig: traces are")
	case in.SnapStart != nil && in.SnapStart.ApplyOn == types.SnapStartApplyOnPublishedVersions:
		return lacking("SnapStart is")
	case in.CapacityProviderConfig != nil:
		return lacking("CapacityProviderConfig: capacity providers are")
	case in.DurableConfig != nil:
		return lacking("DurableConfig: durable executions are")
	}
	if l := in.LoggingConfig; l != nil {
		switch {
		case l.LogFormat != types.LogFormatJson && (l.ApplicationLogLevel != "" || l.SystemLogLevel != ""):
			return invalid("Log levels need the log format JSON: set LogFormat to JSON, or leave ApplicationLogLevel and SystemLogLevel out")
		case strings.HasPrefix(aws.ToString(l.LogGroup), "/aws/") && !strings.HasPrefix(aws.ToString(l.LogGroup), "/aws/lambda/"):
			return invalid("The log group name %s is reserved for another service of AWS", *l.LogGroup)
		}
	}
	return nil
}

// complete checks what a zip function must have.
func complete(v *version) error {
	switch {
	case v.PackageType == types.PackageTypeImage:
		return nil
	case v.Runtime == "":
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case aws.ToString(v.Handler) == "":
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	return nil
}
