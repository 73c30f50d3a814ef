package ecs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecsdoc "github.com/aws/aws-sdk-go-v2/service/ecs/document"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/document"
)

// hookError is what ends a deployment and that no service has answered.
type hookError struct{ why string }

func (e *hookError) Error() string { return e.why }

// callBack is how long after an answer IN_PROGRESS a hook is asked again, unless
// it says otherwise.
const callBack = 30 * time.Second

// hookEvent is what a lifecycle hook's function is given.
type hookEvent struct {
	ExecutionID      string          `json:"executionId"`
	LifecycleStage   string          `json:"lifecycleStage"`
	ResourceARN      string          `json:"resourceArn"`
	ExecutionDetails executionDetail `json:"executionDetails"`
	HookDetails      json.RawMessage `json:"hookDetails,omitempty"`
}

type executionDetail struct {
	ServiceARN               string             `json:"serviceArn"`
	TargetServiceRevisionARN string             `json:"targetServiceRevisionArn"`
	TestTrafficWeights       map[string]float64 `json:"testTrafficWeights"`
	ProductionTrafficWeights map[string]float64 `json:"productionTrafficWeights"`
}

// hookAnswer is what the function returns.
type hookAnswer struct {
	HookStatus    string          `json:"hookStatus"`
	CallBackDelay *float64        `json:"callBackDelay"` // seconds
	HookDetails   json.RawMessage `json:"hookDetails"`
}

// invokeHook calls the function of a lifecycle hook in the hook's role, and
// notes in the errand whether it wants to be asked again.
func (s *Service) invokeHook(ctx context.Context, svc *service, e *errand) error {
	h := svc.Deploy.Config.LifecycleHooks[e.Hook]
	payload, err := s.hookPayload(svc, e)
	if err != nil {
		return err
	}
	target := aws.ToString(h.HookTargetArn)
	cfg, err := s.Sessions.Config(ctx, s.as(svc.Region, aws.ToString(h.RoleArn), svc))
	if err != nil {
		return told(err, "ECS was unable to assume role "+aws.ToString(h.RoleArn))
	}
	out, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: h.HookTargetArn, InvocationType: lambdatypes.InvocationTypeRequestResponse, Payload: payload,
	})
	if err != nil {
		return told(err, fmt.Sprintf("ECS was unable to invoke hook target %s due to %s", target, said(err)))
	}
	noStatus := fmt.Sprintf("ECS was unable to parse the response from %s due to HookStatus must not be null", target)
	if out.FunctionError != nil {
		return &hookError{noStatus + ". The function failed: " + clip(string(out.Payload))}
	}
	var answer hookAnswer
	if err := json.Unmarshal(out.Payload, &answer); err != nil {
		return &hookError{noStatus + ". The function answered: " + clip(string(out.Payload))}
	}
	switch answer.HookStatus {
	case "SUCCEEDED":
	case "FAILED":
		return &hookError{"Lifecycle hook target " + target + " returned FAILED status."}
	case "IN_PROGRESS":
		delay := callBack
		if answer.CallBackDelay != nil && *answer.CallBackDelay >= 0 {
			delay = time.Duration(*answer.CallBackDelay * float64(time.Second))
		}
		e.Again, e.Details = s.Engine.Now().Add(delay), merged(e.Details, answer.HookDetails)
	case "":
		return &hookError{noStatus}
	default:
		return &hookError{fmt.Sprintf("ECS was unable to parse the response from %s due to HookStatus %q must be one of SUCCEEDED, FAILED and IN_PROGRESS", target, answer.HookStatus)}
	}
	return nil
}

// hookPayload is what the function is told. Without details it has no member for
// them: functions ask whether there is one.
func (s *Service) hookPayload(svc *service, e *errand) ([]byte, error) {
	d := svc.Deploy
	details := merged(d.Details[e.Hook], e.Details)
	if string(details) == "null" {
		details = nil
	}
	return json.Marshal(hookEvent{
		ExecutionID: executionID(d.ID, e), LifecycleStage: string(e.At), ResourceARN: s.deploymentARN(svc, d.ID), HookDetails: details,
		ExecutionDetails: executionDetail{
			ServiceARN: aws.ToString(svc.ServiceArn), TargetServiceRevisionARN: s.revisionARN(svc, d.Revisions[d.Target]),
			TestTrafficWeights: s.weightsOf(svc, d.Test, e.At, toldOfTest), ProductionTrafficWeights: s.weightsOf(svc, d.Production, e.At, toldOfProduction),
		},
	})
}

// clip keeps what is shown of an answer short.
func clip(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// hookID is what a hook that was asked is known by: its kind, and where it was.
func hookID(deployment string, e *errand) string {
	kind := "lambda"
	if e.Do == pause {
		kind = "pause"
	}
	return "ecs-" + kind + "-" + strings.ReplaceAll(executionID(deployment, e), "-", "")[:16]
}

var hookIDForm = regexp.MustCompile(`^ecs-[a-z]+-[0-9A-Za-z]+$`)

// executionID is the same whenever the same hook is asked at the same place.
func executionID(deployment string, e *errand) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s %d", deployment, e.Hook, e.At, e.Step))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // a UUID of one's own making
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// told is what a refusal means, in ECS's words; what may pass stays as it is.
func told(err error, words string) error {
	if refusal(err) {
		return &hookError{words}
	}
	return err
}

// Hooks are told of weights only around the shifts that they are about.
var (
	toldOfTest       = []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStageReconcileService, types.DeploymentLifecycleHookStageTestTrafficShift}
	toldOfProduction = []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStageReconcileService,
		types.DeploymentLifecycleHookStagePreProductionTrafficShift, types.DeploymentLifecycleHookStageProductionTrafficShift}
)

// weightsOf are the weights of a deployment's revisions when the target has per
// cent of the traffic.
func (s *Service) weightsOf(svc *service, percent float64, at types.DeploymentLifecycleHookStage, toldOf []types.DeploymentLifecycleHookStage) map[string]float64 {
	if !slices.Contains(toldOf, at) {
		return map[string]float64{}
	}
	d := svc.Deploy
	all := map[string]float64{s.revisionARN(svc, d.Revisions[d.Target]): percent}
	if d.Source != "" {
		all[s.revisionARN(svc, d.Revisions[d.Source])] = 100 - percent
	}
	return all
}

// merged is an object with the members of another added.
func merged(have, more json.RawMessage) json.RawMessage {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(more, &b) != nil || len(b) == 0 {
		return have
	}
	if json.Unmarshal(have, &a) != nil || a == nil {
		return more
	}
	maps.Copy(a, b)
	out, err := json.Marshal(a)
	if err != nil {
		return have
	}
	return out
}

// withoutDetails takes the details of hooks out of a configuration that is
// kept: they have no type of their own.
func withoutDetails(c *types.DeploymentConfiguration) (*types.DeploymentConfiguration, []json.RawMessage, error) {
	out := *c
	out.LifecycleHooks = nil
	var all []json.RawMessage
	for _, h := range c.LifecycleHooks {
		raw := json.RawMessage("null")
		if m, ok := h.HookDetails.(document.Marshaler); ok {
			b, err := m.MarshalSmithyDocument()
			if err != nil {
				return nil, nil, invalidParameter("The hookDetails of a lifecycle hook cannot be read: %s", err)
			}
			raw = b
		}
		h.HookDetails = nil
		out.LifecycleHooks, all = append(out.LifecycleHooks, h), append(all, raw)
	}
	return &out, all, nil
}

// withDetails puts them back.
func withDetails(c *types.DeploymentConfiguration, details []json.RawMessage) *types.DeploymentConfiguration {
	out := *c
	out.LifecycleHooks = nil
	for i, h := range c.LifecycleHooks {
		var v any
		if i < len(details) && json.Unmarshal(details[i], &v) == nil && v != nil {
			h.HookDetails = ecsdoc.NewLazyDocument(v)
		}
		out.LifecycleHooks = append(out.LifecycleHooks, h)
	}
	return &out
}
