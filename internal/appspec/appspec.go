// Package appspec reads CodeDeploy's application specification, in YAML or
// JSON. It is pure: text in, a Spec or an Error with line and column out.
// https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html
package appspec

import "fmt"

// MaxSize is the most bytes Parse reads: those of AppSpecContent.
const MaxSize = 256 << 10

// Platform is where a revision is deployed.
type Platform string

// The platforms, as the API spells them.
const (
	ECS    Platform = "ECS"
	Lambda Platform = "Lambda"
	Server Platform = "Server"
)

// Position is where something stands in the text; both count from 1.
type Position struct{ Line, Column int }

// Error tells what is wrong, and where.
type Error struct {
	Position
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s at line %d, column %d", e.Message, e.Line, e.Column)
}

// Spec is an application specification. One of Service, Function and Files'
// platforms is set, as Platform says.
type Spec struct {
	Platform Platform
	Service  *Service  // ECS
	Function *Function // Lambda
	Files    []File    // Server
	OS       string    // Server: linux or windows
	Hooks    []Hook    // in the order they stand
}

// Service is the ECS service to deploy.
type Service struct {
	// TaskDefinition is an ARN, or the placeholder <TASK_DEFINITION> that
	// CodePipeline replaces.
	TaskDefinition  string
	ContainerName   string
	ContainerPort   int
	PlatformVersion string // "" keeps the service's
	// Subnets, SecurityGroups and AssignPublicIP are nil or "" to keep the
	// service's network.
	Subnets, SecurityGroups []string
	AssignPublicIP          string
	// CapacityProviders is nil to keep the service's strategy.
	CapacityProviders []CapacityProvider
}

// Placeholder stands for the task definition in a pipeline's appspec.
const Placeholder = "<TASK_DEFINITION>"

// CapacityProvider is one part of a strategy.
type CapacityProvider struct {
	Name         string
	Base, Weight int
}

// Function is the Lambda alias to shift.
type Function struct{ Name, Alias, CurrentVersion, TargetVersion string }

// File is what the server platform copies.
type File struct{ Source, Destination string }

// Hook is what runs at a lifecycle event.
type Hook struct {
	Event string
	// Function is a Lambda function's name or ARN; for servers, a script's
	// location.
	Function string
	Position
}

// Events are the hooks of a platform, in the order they run.
func Events(p Platform) []string {
	switch p {
	case ECS:
		return []string{"BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"}
	case Lambda:
		return []string{"BeforeAllowTraffic", "AfterAllowTraffic"}
	}
	return []string{"BeforeBlockTraffic", "AfterBlockTraffic", "ApplicationStop", "BeforeInstall", "AfterInstall",
		"ApplicationStart", "ValidateService", "BeforeAllowTraffic", "AfterAllowTraffic"}
}
