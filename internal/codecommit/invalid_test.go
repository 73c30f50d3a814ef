package codecommit

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/aws/model"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Every exception that is answered for a member is one of the model's.
func TestExceptionsAreTheModels(t *testing.T) {
	m, err := model.Load("codecommit")
	if err != nil {
		t.Fatal(err)
	}
	for member, e := range byMember {
		for _, name := range []string{e.missing, e.wrong} {
			if s := m.Shapes[name+"Exception"]; name != "" && (s == nil || !s.Exception) {
				t.Errorf("%s: there is no %sException", member, name)
			}
		}
	}
	for _, tt := range []struct {
		v    wire.Violation
		want string
	}{
		{wire.Violation{Path: "repositoryName", Rule: "required"}, "RepositoryNameRequired"},
		{wire.Violation{Path: "repositoryName", Rule: "min"}, "RepositoryNameRequired"},
		{wire.Violation{Path: "repositoryNames.1.member", Rule: "pattern", Value: "a b"}, "InvalidRepositoryName"},
		{wire.Violation{Path: "triggers.2.member.name", Rule: "required"}, "RepositoryTriggerNameRequired"},
		{wire.Violation{Path: "triggers.2.member.events.1.member", Rule: "enum", Value: "some"}, "InvalidRepositoryTriggerEvents"},
		{wire.Violation{Path: "MaxResults", Rule: "max", Value: "9"}, "InvalidMaxResults"},
		{wire.Violation{Path: "putFiles.1.member.sourceFile.filePath", Rule: "required"}, "PathRequired"},
		{wire.Violation{Path: "somethingNew", Rule: "required"}, "Validation"},
	} {
		if got := code(invalid(tt.v)); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.v, got, tt.want)
		}
	}
}
