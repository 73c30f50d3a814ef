package agent

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// vault answers for Parameter Store and Secrets Manager.
type vault struct{ calls []string }

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.calls = append(v.calls, r.Header.Get("X-Amz-Target")+" "+string(body))
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	refuse := func(code, message string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
	}
	var in struct {
		Names                             []string
		WithDecryption                    bool
		SecretId, VersionId, VersionStage string //nolint:revive // AWS's spelling
	}
	_ = json.Unmarshal(body, &in)
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetParameters") {
		if len(in.Names) > 10 || !in.WithDecryption {
			refuse("ValidationException", "names")
			return
		}
		type parameter struct{ Name, Value, Selector, ARN string }
		out := struct {
			Parameters        []parameter
			InvalidParameters []string
		}{}
		for _, n := range in.Names {
			name, selector, _ := strings.Cut(n, ":")
			switch {
			case n == "/forbidden":
				refuse("AccessDeniedException", "User: me is not authorized to perform: ssm:GetParameters")
				return
			case strings.HasPrefix(n, "/missing"):
				out.InvalidParameters = append(out.InvalidParameters, n)
			case selector != "":
				out.Parameters = append(out.Parameters, parameter{Name: name, Value: "version-" + selector, Selector: ":" + selector})
			default:
				out.Parameters = append(out.Parameters, parameter{Name: name, Value: "parameter-of-" + name})
			}
		}
		_ = json.NewEncoder(w).Encode(out)
		return
	}
	switch in.SecretId {
	case "db", "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf":
		text := `{"password":"hunter2-` + in.VersionStage + in.VersionId + `","port":5432}`
		_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": text})
	default:
		refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
}

// withVault is a service that also has a vault.
type withVault struct {
	*service
	vault *vault
}

func (s withVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Amz-Target") != "" {
		s.vault.ServeHTTP(w, r)
		return
	}
	s.service.ServeHTTP(w, r)
}

func TestKeptVariables(t *testing.T) {
	v := &vault{}
	var many []string
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"} {
		many = append(many, "    N"+n+": /n/"+n)
	}
	o := runOn(t, withVault{&service{}, v}, job.Job{
		Environment: []job.Variable{{Name: "PROJECT", Value: "/project", Type: parameterStore}, {Name: "FROM_SECRET", Value: "db:port", Type: secretsManager},
			{Name: "HIDDEN", Value: "plain", Type: plaintext}},
		Buildspec: `version: 0.2
env:
  variables: {PROJECT: buildspec}
  parameter-store:
    OLD: /versioned:3
    HIDDEN: /missing
` + strings.Join(many, "\n") + `
  secrets-manager:
    PASSWORD: db:password
    OLDER: arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf:password:AWSPREVIOUS
    WHOLE: db
  exported-variables: [PASSWORD, N1]
phases:
  build:
    commands:
      - test "$PROJECT" = parameter-of-/project && test "$OLD" = version-3 && test "$N12" = parameter-of-/n/12 && test "$HIDDEN" = plain
      - test "$PASSWORD" = hunter2- && test "$OLDER" = hunter2-AWSPREVIOUS && test "$FROM_SECRET" = 5432
      - test "$WHOLE" = '{"password":"hunter2-","port":5432}'
      - echo "password is $PASSWORD, parameter is $N1"; env
`})
	if o.result == nil || o.result.Status != succeeded {
		t.Fatalf("%s\n%s", o.statuses(), o.log)
	}
	if strings.Contains(string(o.journal), "hunter2") || strings.Contains(string(o.journal), "parameter-of") || !strings.Contains(o.log, "password is ***, parameter is ***") {
		t.Errorf("a value is in the log:\n%s", o.log)
	}
	if o.result.Exported[0].Value != "***" {
		t.Errorf("exported: %+v", o.result.Exported)
	}
	if n := len(slices.DeleteFunc(v.calls, func(c string) bool { return !strings.Contains(c, "GetParameters") })); n != 2 {
		t.Errorf("%d calls of GetParameters", n)
	}
}

func TestKeptVariablesMissing(t *testing.T) {
	for _, tt := range []struct{ env, code, message string }{
		{"parameter-store: {A: /missing/a, B: /missing/b}", "Decrypted Variables Error", "parameter does not exist: /missing/a, /missing/b"},
		{"parameter-store: {A: /forbidden}", "Decrypted Variables Error", "AccessDeniedException: User: me is not authorized to perform: ssm:GetParameters"},
		{"secrets-manager: {A: none}", "Secrets Manager Error", "ResourceNotFoundException: Secrets Manager can't find the specified secret."},
		{"secrets-manager: {A: 'db:user'}", "Secrets Manager Error", "the secret db has no key user"},
		{"parameter-store: {CODEBUILD_X: /a}", "YAML_FILE_ERROR", "env.parameter-store: names that begin with CODEBUILD_ are reserved: CODEBUILD_X at line 3, column 21"},
	} {
		o := runOn(t, withVault{&service{}, &vault{}}, job.Job{Buildspec: "version: 0.2\nenv:\n  " + tt.env + "\nphases:\n  build: {commands: ['true']}\n"})
		p := o.phases[downloadSource]
		if p == nil || p.Status != failed || p.Code != tt.code || p.Message != tt.message {
			t.Errorf("%s: %+v", tt.env, p)
		}
	}
}

func TestSecretParts(t *testing.T) {
	for in, want := range map[string][4]string{
		"name": {"name"}, "name:key": {"name", "key"}, "name::STAGE": {"name", "", "STAGE"}, "name:key::id": {"name", "key", "", "id"},
		"arn:aws:secretsmanager:r:1:secret:n-x":         {"arn:aws:secretsmanager:r:1:secret:n-x"},
		"arn:aws:secretsmanager:r:1:secret:n-x:key:S:v": {"arn:aws:secretsmanager:r:1:secret:n-x", "key", "S", "v"},
	} {
		id, key, stage, version := secretParts(in)
		if got := [4]string{id, key, stage, version}; got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}
