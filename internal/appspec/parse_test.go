package appspec_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/appspec"
)

const service = `version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo:
          ContainerName: web
          ContainerPort: 8080
        CapacityProviderStrategy:
          - {Base: 1, CapacityProvider: FARGATE, Weight: 2}
Hooks:
  - BeforeAllowTraffic: check
  - AfterAllowTraffic: arn:aws:lambda:us-east-1:000000000000:function:after
`

func TestService(t *testing.T) {
	spec, err := appspec.Parse([]byte(service))
	if err != nil {
		t.Fatal(err)
	}
	want := &appspec.Service{TaskDefinition: appspec.Placeholder, ContainerName: "web", ContainerPort: 8080,
		CapacityProviders: []appspec.CapacityProvider{{Name: "FARGATE", Base: 1, Weight: 2}}}
	if spec.Platform != appspec.ECS || !reflect.DeepEqual(spec.Service, want) || len(spec.Hooks) != 2 || spec.Hooks[0].Function != "check" {
		t.Errorf("%+v %+v", spec, spec.Service)
	}
}

func TestOtherPlatforms(t *testing.T) {
	for name, text := range map[appspec.Platform]string{
		appspec.Lambda: `{"version": 0.0, "Resources": [{"fn": {"Type": "AWS::Lambda::Function", "Properties": {"Name": "f", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}}}]}`,
		appspec.Server: "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv\nhooks:\n  AfterInstall:\n    - location: a.sh\n      timeout: 10\n",
		appspec.ECS:    strings.ReplaceAll(service, "Resources", "resources"),
	} {
		spec, err := appspec.Parse([]byte(text))
		if err != nil || spec.Platform != name {
			t.Errorf("%s: %+v, %v", name, spec, err)
		}
	}
}

// One name for the functions of two hooks.
func TestAlias(t *testing.T) {
	spec, err := appspec.Parse([]byte(strings.NewReplacer("check", "&check fn", "arn:aws:lambda:us-east-1:000000000000:function:after", "*check").Replace(service)))
	if err != nil || len(spec.Hooks) != 2 || spec.Hooks[1].Function != "fn" {
		t.Errorf("%+v, %v", spec, err)
	}
}

// What JSON has and YAML has not.
func TestJSON(t *testing.T) {
	spec, err := appspec.Parse([]byte("\ufeff" + `{
	"version": 0.0, "Resources": [{"T\ud83d\ude00": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": "arn:aws:ecs:us-east-1:000000000000:task-definition\/f:1",
	"LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080}, "PlatformVersion": null, "CapacityProviderStrategy": []}}}], "Hooks": null}`))
	if err != nil || spec.Service.TaskDefinition != "arn:aws:ecs:us-east-1:000000000000:task-definition/f:1" || spec.Service.ContainerPort != 8080 || spec.Service.PlatformVersion != "" {
		t.Errorf("%+v, %v", spec, err)
	}
}

// What is wrong in JSON is found at its line and column.
func TestJSONPosition(t *testing.T) {
	_, err := appspec.Parse([]byte("{\n  \"version\": 0.0,\n  \"Resources\":\n    7\n}"))
	var wrong *appspec.Error
	if !errors.As(err, &wrong) || wrong.Position != (appspec.Position{Line: 4, Column: 5}) {
		t.Errorf("%v", err)
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"empty", "", 0, "empty"},
		{"tab", "version: 0.0\n\tos: linux", 2, "tab"},
		{"no version", "Resources: []", 1, "version is missing"},
		{"another version", strings.Replace(service, "0.0", "0.2", 1), 1, `"0.2"`},
		{"no resources", "version: 0.0", 1, "Resources is missing"},
		{"two resources", strings.Replace(service, "Hooks:", "  - B: {Type: x, Properties: {}}\nHooks:", 1), 3, "exactly one"},
		{"no port", strings.Replace(service, "          ContainerPort: 8080\n", "", 1), 8, "ContainerPort is missing"},
		{"no number", strings.Replace(service, "8080", "http", 1), 9, "expected a number"},
		{"a number that is too large", strings.Replace(service, "Weight: 2", "Weight: 4294967297", 1), 11, "expected a number"},
		{"large port", strings.Replace(service, "8080", "80800", 1), 9, "not a port"},
		{"unknown key", strings.Replace(service, "TaskDefinition", "TaskDefinitions", 1), 6, `unknown key "TaskDefinitions"`},
		{"unknown hook", strings.Replace(service, "BeforeAllowTraffic", "BeforeTraffic", 1), 13, `unknown key "BeforeTraffic"`},
		{"hook without function", strings.Replace(service, "check", "", 1), 13, "the hook BeforeAllowTraffic names no function"},
		{"unknown type", strings.Replace(service, "AWS::ECS::Service", "AWS::EC2::Instance", 1), 4, "unknown Type"},
		{"half a network", strings.Replace(service, "        CapacityProviderStrategy", "        NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [a]}}\n        CapacityProviderStrategy", 1), 10, "needs Subnets"},
		{"no type in JSON", "{\n\t\"version\": 0.0, \"Resources\": [\n\t\t{\"My\": {}}]}", 3, "Type is missing in Resources[0].My"},
		{"twice in JSON", "{\"version\": 0.0,\n \"Version\": 0.0}", 2, `"Version" stands twice`},
		{"aliases", "version: &v 0.0\nResources: *v", 2, "expected a list"},
		{"too long", strings.Repeat(" ", appspec.MaxSize+1), 0, "more than"},
		{"not keys", "- a", 1, "expected keys"},
	} {
		_, err := appspec.Parse([]byte(tt.text))
		var e *appspec.Error
		if !errors.As(err, &e) || e.Line != tt.line || !strings.Contains(e.Message, tt.want) {
			t.Errorf("%s: %v, want line %d and %q", tt.name, err, tt.line, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(service))
	f.Fuzz(func(t *testing.T, text []byte) {
		spec, err := appspec.Parse(text)
		if (spec == nil) == (err == nil) {
			t.Errorf("%v, %v", spec, err)
		}
	})
}
