package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// keyring turns bytes around; it is no secret.
type keyring struct{}

func turn(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = c ^ 0xff
	}
	return out
}

func (keyring) Encrypt(_ context.Context, in *kms.EncryptInput, _ ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	if len(in.Plaintext) > maxStandard {
		return nil, errors.New("too long for KMS")
	}
	return &kms.EncryptOutput{CiphertextBlob: turn(in.Plaintext)}, nil
}

func (keyring) GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	return &kms.GenerateDataKeyOutput{Plaintext: make([]byte, 32), CiphertextBlob: turn(make([]byte, 32))}, nil
}

func (keyring) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	return &kms.DecryptOutput{Plaintext: turn(in.CiphertextBlob)}, nil
}

type vault struct{}

func (vault) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	if *in.SecretId != "db" {
		return nil, &wire.Error{Code: "ResourceNotFoundException"}
	}
	return &secretsmanager.GetSecretValueOutput{ARN: aws.String("arn:secret"), Name: in.SecretId, SecretString: aws.String("hunter2"), CreatedDate: aws.Time(enginetest.Epoch)}, nil
}

type fixture struct {
	*Service
	t      *testing.T
	engine *engine.Engine
	clock  *clock.Fake
	ctx    context.Context
	events []bus.Event
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	e, c := enginetest.New(t)
	b := bus.New(e, id.Random)
	f := &fixture{t: t, engine: e, clock: c,
		ctx: identity.WithRegion(identity.WithCaller(t.Context(), &identity.Caller{ARN: "arn:me"}), "us-east-1")}
	b.Subscribe("test", func(*bus.Event) bool { return true }, func(_ context.Context, ev bus.Event) error {
		f.events = append(f.events, ev)
		return nil
	})
	f.Service = New(Config{Engine: e, Bus: b, Site: site.Site{Account: "123456789012"}, Log: enginetest.Log(t), Keys: keyring{}, Secrets: vault{}})
	enginetest.Start(t, e)
	return f
}

func (f *fixture) put(in ssm.PutParameterInput) error {
	f.t.Helper()
	_, err := f.PutParameter(f.ctx, &in)
	return err
}

func (f *fixture) text(name, value string) {
	f.t.Helper()
	if err := f.put(ssm.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeString, Overwrite: aws.Bool(true)}); err != nil {
		f.t.Fatal(err)
	}
}

func want(t *testing.T, err error, code string) {
	t.Helper()
	var e *wire.Error
	got := ""
	if errors.As(err, &e) {
		got = e.Code
	} else if err != nil {
		got = err.Error()
	}
	if got != code {
		t.Errorf("got %v, want %q", err, code)
	}
}

func TestPutRules(t *testing.T) {
	f := newFixture(t)
	f.text("/taken", "x")
	put := func(name, value string, change func(*ssm.PutParameterInput)) ssm.PutParameterInput {
		in := ssm.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeString}
		if change != nil {
			change(&in)
		}
		return in
	}
	for name, tt := range map[string]struct {
		in   ssm.PutParameterInput
		code string
	}{
		"aws":         {put("/aws/x", "v", nil), "AccessDeniedException"},
		"ssm":         {put("SSMx", "v", nil), "ValidationException"},
		"no slash":    {put("a/b", "v", nil), "ValidationException"},
		"space":       {put("a b", "v", nil), "ValidationException"},
		"deep":        {put(strings.Repeat("/a", 16), "v", nil), "HierarchyLevelLimitExceededException"},
		"deep enough": {put(strings.Repeat("/a", 15), "v", nil), ""},
		"long":        {put("/"+strings.Repeat("a", 1000), "v", nil), "ValidationException"},
		"empty":       {put("a", "", nil), "ValidationException"},
		"nested":      {put("a", "x {{ssm:b}}", nil), "ValidationException"},
		"taken":       {put("/taken", "v", nil), "ParameterAlreadyExists"},
		"no type":     {put("a", "v", func(in *ssm.PutParameterInput) { in.Type = "" }), "ValidationException"},
		"key":         {put("a", "v", func(in *ssm.PutParameterInput) { in.KeyId = aws.String("k") }), "ValidationException"},
		"4097":        {put("a", strings.Repeat("x", 4097), nil), "ValidationException"},
		"8193":        {put("a", strings.Repeat("x", 8193), func(in *ssm.PutParameterInput) { in.Tier = types.ParameterTierAdvanced }), "ValidationException"},
		"8192":        {put("big", strings.Repeat("x", 8192), func(in *ssm.PutParameterInput) { in.Tier = types.ParameterTierIntelligentTiering }), ""},
		"policies": {put("a", "v", func(in *ssm.PutParameterInput) {
			in.Policies = aws.String(`[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"1","Unit":"Days"}}]`)
		}), "ValidationException"},
		"bad policy": {put("a", "v", func(in *ssm.PutParameterInput) { in.Policies = aws.String(`[{"Type":"Nothing"}]`) }), "InvalidPolicyTypeException"},
		"bad unit": {put("a", "v", func(in *ssm.PutParameterInput) {
			in.Policies = aws.String(`[{"Type":"NoChangeNotification","Attributes":{"After":"1","Unit":"Years"}}]`)
		}), "InvalidPolicyAttributeException"},
		"alone": {put("a", "v", func(in *ssm.PutParameterInput) {
			in.Policies = aws.String(`[{"Type":"ExpirationNotification","Attributes":{"Before":"1","Unit":"Days"}}]`)
		}), "IncompatiblePolicyException"},
		"pattern":     {put("a", "v", func(in *ssm.PutParameterInput) { in.AllowedPattern = aws.String(`^\d+$`) }), "ParameterPatternMismatchException"},
		"bad pattern": {put("a", "v", func(in *ssm.PutParameterInput) { in.AllowedPattern = aws.String(`(`) }), "InvalidAllowedPatternException"},
		"image":       {put("a", "v", func(in *ssm.PutParameterInput) { in.DataType = aws.String("aws:ec2:image") }), "ValidationException"},
		"tags as well": {put("a", "v", func(in *ssm.PutParameterInput) {
			in.Overwrite, in.Tags = aws.Bool(true), []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
		}), "ValidationException"},
	} {
		t.Run(name, func(t *testing.T) { want(t, f.put(tt.in), tt.code) })
	}
	want(t, f.put(put("big", "x", func(in *ssm.PutParameterInput) { in.Overwrite, in.Tier = aws.Bool(true), types.ParameterTierStandard })), "ValidationException")
}

func TestSecureAtRest(t *testing.T) {
	f := newFixture(t)
	for name, size := range map[string]int{"/small": 10, "/large": 5000} {
		value := strings.Repeat("hunter2 ", size/8+1)
		if err := f.put(ssm.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeSecureString, Tier: types.ParameterTierIntelligentTiering}); err != nil {
			t.Fatal(err)
		}
		hidden, err := f.GetParameter(f.ctx, &ssm.GetParameterInput{Name: &name})
		if err != nil || strings.Contains(*hidden.Parameter.Value, "hunter2") {
			t.Errorf("%v %v", hidden, err)
		}
		plain, err := f.GetParameter(f.ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err != nil || *plain.Parameter.Value != value {
			t.Errorf("%v", err)
		}
	}
	_ = f.engine.View(f.ctx, func(r store.Reader) error {
		for e := range r.Scan(store.Range{}) {
			if strings.Contains(string(e.Value), "hunter2") {
				t.Errorf("in clear: %s", e.Value)
			}
		}
		return nil
	})
	out, err := f.GetParameter(f.ctx, &ssm.GetParameterInput{Name: aws.String("/aws/reference/secretsmanager/db"), WithDecryption: aws.Bool(true)})
	if err != nil || *out.Parameter.Value != "hunter2" || *out.Parameter.Name != "/aws/reference/secretsmanager/db" {
		t.Errorf("%+v %v", out, err)
	}
	_, err = f.GetParameter(f.ctx, &ssm.GetParameterInput{Name: aws.String("/aws/reference/secretsmanager/db")})
	want(t, err, "ValidationException")
	_, err = f.GetParameter(f.ctx, &ssm.GetParameterInput{Name: aws.String("/aws/reference/secretsmanager/none"), WithDecryption: aws.Bool(true)})
	want(t, err, "ParameterNotFound")
}

func TestVersionsAndLabels(t *testing.T) {
	f := newFixture(t)
	for i := range maxVersions + 1 {
		f.text("/p", fmt.Sprint("v", i+1))
	}
	get := func(name string) string {
		t.Helper()
		out, err := f.GetParameter(f.ctx, &ssm.GetParameterInput{Name: &name})
		if err != nil {
			return err.(*wire.Error).Code
		}
		return *out.Parameter.Value
	}
	for name, value := range map[string]string{"/p": "v101", "/p:2": "v2", "/p:1": "ParameterVersionNotFound", "/p:stable": "ParameterVersionNotFound",
		"arn:aws:ssm:us-east-1:123456789012:parameter/p": "ParameterNotFound", "/q": "ParameterNotFound"} {
		if got := get(name); got != value {
			t.Errorf("%s is %s, want %s", name, got, value)
		}
	}
	out, err := f.LabelParameterVersion(f.ctx, &ssm.LabelParameterVersionInput{Name: aws.String("/p"), ParameterVersion: aws.Int64(2), Labels: []string{"stable", "1st", "awsome"}})
	if err != nil || len(out.InvalidLabels) != 2 || get("/p:stable") != "v2" {
		t.Errorf("%+v %v", out, err)
	}
	want(t, f.put(ssm.PutParameterInput{Name: aws.String("/p"), Value: aws.String("x"), Overwrite: aws.Bool(true)}), "ParameterMaxVersionLimitExceeded")
	if _, err := f.LabelParameterVersion(f.ctx, &ssm.LabelParameterVersionInput{Name: aws.String("/p"), Labels: []string{"stable"}}); err != nil || get("/p:stable") != "v101" {
		t.Error(err)
	}
	f.text("/p", "v102")
	un, err := f.UnlabelParameterVersion(f.ctx, &ssm.UnlabelParameterVersionInput{Name: aws.String("/p"), ParameterVersion: aws.Int64(101), Labels: []string{"stable", "none"}})
	if err != nil || len(un.RemovedLabels) != 1 || len(un.InvalidLabels) != 1 {
		t.Errorf("%+v %v", un, err)
	}
	h, err := f.GetParameterHistory(f.ctx, &ssm.GetParameterHistoryInput{Name: aws.String("/p")})
	if err != nil || len(h.Parameters) != 50 || h.Parameters[0].Version != 3 || h.NextToken == nil {
		t.Errorf("%d %v", len(h.Parameters), err)
	}
	if _, err := f.DeleteParameter(f.ctx, &ssm.DeleteParameterInput{Name: aws.String("/p")}); err != nil {
		t.Fatal(err)
	}
	_ = f.engine.View(f.ctx, func(r store.Reader) error {
		for range revisions.All(r) {
			t.Error("a version is left")
		}
		return nil
	})
}

func TestPaths(t *testing.T) {
	f := newFixture(t)
	for _, n := range []string{"plain", "/top", "/a/1", "/a/2", "/a/b/3", "/a/b/c/4", "/ab/5"} {
		f.text(n, "x")
	}
	list := func(path string, recursive bool, most int32) (names []string) {
		t.Helper()
		var token *string
		for {
			out, err := f.GetParametersByPath(f.ctx, &ssm.GetParametersByPathInput{Path: &path, Recursive: &recursive, MaxResults: &most, NextToken: token})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range out.Parameters {
				names = append(names, *p.Name)
			}
			if token = out.NextToken; token == nil {
				return names
			}
		}
	}
	for _, tt := range []struct {
		path      string
		recursive bool
		want      string
	}{
		{"/a", false, "[/a/1 /a/2]"}, {"/a/", true, "[/a/1 /a/2 /a/b/3 /a/b/c/4]"}, {"/a/b", true, "[/a/b/3 /a/b/c/4]"},
		{"/", false, "[/top plain]"}, {"/none", true, "[]"}, {"/a/1", true, "[]"},
	} {
		for _, most := range []int32{1, 10} {
			if got := fmt.Sprint(list(tt.path, tt.recursive, most)); got != tt.want {
				t.Errorf("%s %v: %s, want %s", tt.path, tt.recursive, got, tt.want)
			}
		}
	}
	if got := list("/", true, 10); len(got) != 7 {
		t.Errorf("%v", got)
	}
	_, err := f.GetParametersByPath(f.ctx, &ssm.GetParametersByPathInput{Path: aws.String("a")})
	want(t, err, "ValidationException")
	_, err = f.GetParametersByPath(f.ctx, &ssm.GetParametersByPathInput{Path: aws.String("/a"), ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Name"), Values: []string{"x"}}}})
	want(t, err, "InvalidFilterKey")

	for _, tt := range []struct {
		key, option, value string
		n                  int
	}{
		{"Name", "Equals", "/a/1", 1}, {"Name", "BeginsWith", "/a", 5}, {"Name", "Contains", "b", 3}, {"Type", "", "String", 7}, {"Type", "", "SecureString", 0},
		{"Path", "Recursive", "/a/b", 2}, {"Path", "OneLevel", "/a", 2}, {"Tier", "Equals", "Standard", 7}, {"tag:x", "Equals", "y", 0},
	} {
		out, err := f.DescribeParameters(f.ctx, &ssm.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{{Key: &tt.key, Option: &tt.option, Values: []string{tt.value}}}})
		if err != nil || len(out.Parameters) != tt.n {
			t.Errorf("%s %s %s: %d %v", tt.key, tt.option, tt.value, len(out.Parameters), err)
		}
	}
}

func TestPoliciesByTheClock(t *testing.T) {
	f := newFixture(t)
	at := enginetest.Epoch.Add(10 * 24 * time.Hour)
	policies := fmt.Sprintf(`[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":%q}},
		{"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"2","Unit":"Days"}},
		{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"3","Unit":"Days"}}]`, at.Format(time.RFC3339))
	if err := f.put(ssm.PutParameterInput{Name: aws.String("/p"), Value: aws.String("x"), Type: types.ParameterTypeString, Tier: types.ParameterTierAdvanced, Policies: &policies}); err != nil {
		t.Fatal(err)
	}
	told := func(n int) (kinds []string) {
		t.Helper()
		f.clock.Advance(time.Duration(n) * 24 * time.Hour)
		enginetest.Settle(t, f.engine)
		for _, ev := range f.events {
			if ev.DetailType == "Parameter Store Policy Action" {
				var d map[string]string
				if err := json.Unmarshal(ev.Detail, &d); err != nil {
					t.Fatal(err)
				}
				kinds = append(kinds, d["policy-type"])
			}
		}
		f.events = nil
		return kinds
	}
	if got := fmt.Sprint(told(2)); got != "[]" {
		t.Error(got)
	}
	f.text("/p", "changed") // which begins the three days anew
	if got := fmt.Sprint(told(2)); got != "[]" {
		t.Error(got)
	}
	if got := fmt.Sprint(told(1)); got != "[NoChangeNotification]" {
		t.Error(got)
	}
	out, err := f.DescribeParameters(f.ctx, &ssm.DescribeParametersInput{})
	if err != nil || len(out.Parameters[0].Policies) != 3 || *out.Parameters[0].Policies[2].PolicyStatus != "Finished" {
		t.Errorf("%+v %v", out, err)
	}
	if got := fmt.Sprint(told(3)); got != "[ExpirationNotification]" {
		t.Error(got)
	}
	if got := fmt.Sprint(told(2)); got != "[Expiration]" {
		t.Error(got)
	}
	_, err = f.GetParameter(f.ctx, &ssm.GetParameterInput{Name: aws.String("/p")})
	want(t, err, "ParameterNotFound")
}
