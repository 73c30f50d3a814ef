package ecs

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestPick(t *testing.T) {
	item := func(name string, weight, base int32) types.CapacityProviderStrategyItem {
		return types.CapacityProviderStrategyItem{CapacityProvider: aws.String(name), Weight: weight, Base: base}
	}
	for _, c := range []struct {
		name     string
		strategy []types.CapacityProviderStrategyItem
		n        int
		a, b     int
	}{
		{"one", []types.CapacityProviderStrategyItem{item("a", 0, 0)}, 3, 3, 0},
		{"evenly", []types.CapacityProviderStrategyItem{item("a", 1, 0), item("b", 1, 0)}, 4, 2, 2},
		{"one to three", []types.CapacityProviderStrategyItem{item("a", 1, 0), item("b", 3, 0)}, 8, 2, 6},
		{"base first", []types.CapacityProviderStrategyItem{item("a", 0, 2), item("b", 1, 0)}, 5, 2, 3},
		{"base and shares", []types.CapacityProviderStrategyItem{item("b", 1, 0), item("a", 1, 2)}, 6, 4, 2},
	} {
		have := map[string]int{}
		for range c.n {
			have[pick(c.strategy, have)]++
		}
		if have["a"] != c.a || have["b"] != c.b {
			t.Errorf("%s: %v", c.name, have)
		}
	}
}

// A cluster's default strategy is looked at when it is used.
func TestDefaultStrategyWithoutWeight(t *testing.T) {
	c := &cluster{}
	c.CapacityProviders = []string{"FARGATE"}
	d := &definition{}
	d.Compatibilities = []types.Compatibility{types.CompatibilityFargate}
	for weight, wrong := range []bool{true, false} {
		c.DefaultCapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Weight: int32(weight)}}
		if _, _, err := launchOn(c, d, "", nil, nil); (err != nil) != wrong {
			t.Errorf("weight %d: %v", weight, err)
		}
	}
	if _, _, err := launchOn(c, d, types.LaunchTypeFargate, nil, nil); err != nil {
		t.Error(err)
	}
}
