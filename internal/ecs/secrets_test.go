package ecs

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Of two variables of a name the definition's wins, then a secret's.
func TestEnvironment(t *testing.T) {
	tk := made(statusPending, "app")
	tk.LaunchType, tk.Region = types.LaunchTypeFargate, "eu-west-1"
	c := &tk.Definition.ContainerDefinitions[0]
	c.Environment = []types.KeyValuePair{{Name: aws.String("A"), Value: aws.String("definition")}, {Name: aws.String("AWS_REGION"), Value: aws.String("mine")}}
	got := (&Service{}).environment(tk, c, []variable{{"A", "file"}, {"B", "file"}, {"B", "secret"}})
	for _, want := range []string{"A=definition", "B=secret", "AWS_REGION=mine", "AWS_DEFAULT_REGION=eu-west-1", "AWS_EXECUTION_ENV=AWS_ECS_FARGATE"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in %v", want, got)
		}
	}
	names := map[string]bool{}
	for _, line := range got {
		if name := line[:slices.Index([]byte(line), '=')]; names[name] {
			t.Errorf("%s is there twice", name)
		} else {
			names[name] = true
		}
	}
}

// The network's kernel parameters are for the container that holds it.
func TestSysctls(t *testing.T) {
	c := &types.ContainerDefinition{SystemControls: []types.SystemControl{
		{Namespace: aws.String("net.core.somaxconn"), Value: aws.String("1024")}, {Namespace: aws.String("kernel.shmmax"), Value: aws.String("1")}}}
	if got := sysctls(c, true); len(got) != 1 || got["net.core.somaxconn"] != "1024" {
		t.Errorf("network: %v", got)
	}
	if got := sysctls(c, false); len(got) != 1 || got["kernel.shmmax"] != "1" {
		t.Errorf("others: %v", got)
	}
}
