package lambda

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// maxEnvironment is the most bytes of all names and values.
const maxEnvironment = 4096

var variablePattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// reserved are the variables that functions cannot have set.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
var reserved = []string{"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"}

// setEnvironment checks variables and seals them.
func (s *Service) setEnvironment(v *version, e *types.Environment) error {
	if e == nil || len(e.Variables) == 0 {
		v.Sealed = ""
		return nil
	}
	size := 0
	var bad []string
	for k, value := range e.Variables {
		if slices.Contains(reserved, k) {
			bad = append(bad, k)
		}
		if !variablePattern.MatchString(k) {
			return fail("Validation", "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]: %s", k)
		}
		size += len(k) + len(value)
	}
	if len(bad) > 0 {
		slices.Sort(bad)
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(bad, ", "))
	}
	if size > maxEnvironment {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %d bytes", size)
	}
	b, err := json.Marshal(e.Variables)
	if err != nil {
		return err
	}
	v.Sealed = s.Secrets.Seal(b)
	return nil
}

// environment opens the variables of a version; nil if it has none.
func (s *Service) environment(v *version) (map[string]string, error) {
	if v.Sealed == "" {
		return nil, nil
	}
	b, err := s.Secrets.Open(v.Sealed)
	if err != nil {
		return nil, err
	}
	var all map[string]string
	return all, json.Unmarshal(b, &all)
}
