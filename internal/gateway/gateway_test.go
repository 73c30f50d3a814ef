package gateway_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/gateway"
	"github.com/slipway-dev/slipway/internal/id"
)

const keyID, secret = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// keys knows one user, and one whose session has expired.
type keys struct{}

func (keys) Lookup(_ context.Context, id, token string) (auth.Credential, error) {
	switch {
	case id == "ASIAEXPIRED":
		return auth.Credential{}, &wire.Error{Code: "ExpiredToken", Message: "The security token included in the request is expired"}
	case id != keyID || token != "":
		return auth.Credential{}, &wire.Error{Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."}
	}
	return auth.Credential{Secret: secret, Caller: &identity.Caller{Kind: identity.User, ARN: "arn:aws:iam::000000000000:user/u", UserID: "AIDA", Account: "000000000000"}}, nil
}

// rules denies one resource and remembers what it was asked.
type rules struct{ asked []wire.Access }

func (r *rules) Authorize(_ context.Context, checks ...wire.Access) error {
	r.asked = append(r.asked, checks...)
	for _, c := range checks {
		if strings.HasSuffix(c.Resource, "secret") {
			return &wire.Error{Code: "AccessDenied", Message: "User: u is not authorized", Status: 403}
		}
	}
	return nil
}

type services struct{ put []byte }

func (services) ListPipelines(ctx context.Context, in *codepipeline.ListPipelinesInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListPipelinesOutput, error) {
	return &codepipeline.ListPipelinesOutput{Pipelines: []types.PipelineSummary{{Name: aws.String(identity.Region(ctx))}}}, nil
}

func (services) GetPipeline(_ context.Context, in *codepipeline.GetPipelineInput, _ ...func(*codepipeline.Options)) (*codepipeline.GetPipelineOutput, error) {
	switch *in.Name {
	case "panic":
		panic("the secret is hunter2")
	case "broken":
		return nil, errors.New("the secret is hunter2")
	}
	return nil, &types.PipelineNotFoundException{Message: aws.String("no " + *in.Name)}
}

func (services) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput, _ ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Arn: aws.String(identity.From(ctx).ARN)}, nil
}

func (s *services) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	s.put = b
	return &s3.PutObjectOutput{ETag: aws.String(`"x"`)}, nil
}

func (s *services) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(s.put)), ContentLength: aws.Int64(int64(len(s.put)))}, nil
}

func (services) PutLogEvents(_ context.Context, in *cloudwatchlogs.PutLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error) {
	return &cloudwatchlogs.PutLogEventsOutput{NextSequenceToken: in.LogEvents[0].Message}, nil
}

func start(t testing.TB, s3Operations ...wire.Operation) (*gateway.Gateway, *rules, *services) {
	t.Helper()
	r, s := &rules{}, &services{}
	g := gateway.New(gateway.Config{Keys: keys{}, Auth: r, Clock: clock.System, IDs: id.Random, Log: slog.New(slog.DiscardHandler)})
	for _, svc := range []wire.Service{
		{Model: "codepipeline", Operations: []wire.Operation{
			wire.Op("codepipeline:ListPipelines", s.ListPipelines, nil),
			wire.Op("codepipeline:GetPipeline", s.GetPipeline, func(_ context.Context, in *codepipeline.GetPipelineInput) []wire.Access {
				return wire.On("arn:aws:codepipeline:us-east-1:000000000000:" + *in.Name)
			}),
		}},
		{Model: "sts", Operations: []wire.Operation{wire.Op("-", s.GetCallerIdentity, nil)}},
		{Model: "s3", Operations: append(s3Operations, wire.Op("s3:PutObject", s.PutObject, nil), wire.Op("s3:GetObject", s.GetObject, nil))},
		{Model: "cloudwatchlogs", Operations: []wire.Operation{wire.Op("logs:PutLogEvents", s.PutLogEvents, nil)}},
	} {
		if err := g.Register(svc); err != nil {
			t.Fatal(err)
		}
	}
	g.Mount("/metrics", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "mounted") }))
	g.Mount("/v2/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "registry "+r.URL.Path) }))
	return g, r, s
}

func config(g http.Handler, id, secret, token string) aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String("http://localhost:4566"), RetryMaxAttempts: 1,
		HTTPClient: &http.Client{Transport: &gateway.Transport{Handler: g}},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
		}),
	}
}

func TestCalls(t *testing.T) {
	ctx := context.Background()
	g, asked, s := start(t)
	cfg := config(g, keyID, secret, "")
	out, err := codepipeline.NewFromConfig(cfg).ListPipelines(ctx, &codepipeline.ListPipelinesInput{})
	if err != nil || *out.Pipelines[0].Name != "eu-central-1" {
		t.Fatalf("%+v, %v", out, err)
	}
	if len(asked.asked) != 1 || asked.asked[0].Action != "codepipeline:ListPipelines" || asked.asked[0].Resource != "*" {
		t.Errorf("asked %+v", asked.asked)
	}
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
		t.Error(err)
	}
	if len(asked.asked) != 1 {
		t.Error("caller identity asked for a permission")
	}
	var absent *types.PipelineNotFoundException
	if _, err := codepipeline.NewFromConfig(cfg).GetPipeline(ctx, &codepipeline.GetPipelineInput{Name: aws.String("x")}); !errors.As(err, &absent) {
		t.Errorf("modelled exception: %v", err)
	}
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("metrics"), Key: aws.String("k x"), Body: bytes.NewReader(data)}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.put, data) {
		t.Error("other bytes arrived")
	}
	got, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("metrics"), Key: aws.String("k x")})
	if err != nil {
		t.Fatal(err)
	}
	back, err := io.ReadAll(got.Body)
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("%d bytes back, %v", len(back), err)
	}
}

// request is a signed JSON request.
func request(t *testing.T, target, body string, change func(*http.Request)) *http.Request {
	t.Helper()
	r := httptest.NewRequest("POST", "http://localhost:4566/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	if change != nil {
		change(r)
	}
	service := "codepipeline"
	if strings.HasPrefix(target, "Logs") {
		service = "logs"
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, r,
		hex.EncodeToString(sum[:]), service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRefuses(t *testing.T) {
	const list = "CodePipeline_20150709.ListPipelines"
	for _, tt := range []struct {
		name   string
		r      func(t *testing.T) *http.Request
		status int
		code   string
		text   string
	}{
		{"unsigned JSON", func(t *testing.T) *http.Request {
			r := request(t, list, "{}", nil)
			r.Header.Del("Authorization")
			return r
		}, 400, "MissingAuthenticationTokenException", ""},
		{"unsigned Query", func(t *testing.T) *http.Request {
			return httptest.NewRequest("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", nil)
		}, 403, "MissingAuthenticationToken", ""},
		{"unsigned Query in a form", func(t *testing.T) *http.Request {
			r := httptest.NewRequest("POST", "/", strings.NewReader("Action=GetCallerIdentity&Version=2011-06-15"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			return r
		}, 403, "<Code>MissingAuthenticationToken<", ""},
		{"unsigned, and left out", func(t *testing.T) *http.Request {
			return httptest.NewRequest("GET", "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15", nil)
		}, 400, "InvalidAction", "AssumeRoleWithWebIdentity"},
		{"unknown service of REST-JSON", func(t *testing.T) *http.Request {
			r := httptest.NewRequest("GET", "/2015-03-31/functions", nil)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=x")
			return r
		}, 404, `"__type":"UnknownOperationException"`, "lambda is not implemented"},
		{"unsigned S3", func(t *testing.T) *http.Request { return httptest.NewRequest("GET", "/bucket/key", nil) }, 403, "AccessDenied", "Access Denied"},
		{"body replaced", func(t *testing.T) *http.Request {
			r := request(t, list, "{}", nil)
			r.Body = io.NopCloser(strings.NewReader(`{"maxResults":1}`))
			return r
		}, 400, "InvalidSignatureException", ""},
		{"unknown service", func(t *testing.T) *http.Request { return request(t, "DynamoDB_20120810.ListTables", "{}", nil) },
			400, "UnknownOperationException", "DynamoDB_20120810.ListTables"},
		{"unknown operation", func(t *testing.T) *http.Request { return request(t, "CodePipeline_20150709.DoIt", "{}", nil) },
			400, "UnknownOperationException", "DoIt"},
		{"operation left out", func(t *testing.T) *http.Request { return request(t, "CodePipeline_20150709.PollForJobs", "{}", nil) },
			400, "UnknownOperationException", "PollForJobs"},
		{"malformed", func(t *testing.T) *http.Request { return request(t, list, "{", nil) }, 400, "SerializationException", ""},
		{"not gzip", func(t *testing.T) *http.Request {
			return request(t, list, "{}", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") })
		}, 400, "SerializationException", "gzip"},
		{"another service's scope", func(t *testing.T) *http.Request {
			r := request(t, list, "{}", nil)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/codepipeline/", "/sts/", 1))
			return r
		}, 400, "InvalidSignatureException", "correct service: 'codepipeline'"},
		{"denied", func(t *testing.T) *http.Request {
			return request(t, "CodePipeline_20150709.GetPipeline", `{"name":"secret"}`, nil)
		}, 400, "AccessDeniedException", "not authorized"},
		{"panic", func(t *testing.T) *http.Request {
			return request(t, "CodePipeline_20150709.GetPipeline", `{"name":"panic"}`, nil)
		}, 500, "", ""},
		{"internal error", func(t *testing.T) *http.Request {
			return request(t, "CodePipeline_20150709.GetPipeline", `{"name":"broken"}`, nil)
		}, 500, "", ""},
		{"too large", func(t *testing.T) *http.Request { return request(t, list, strings.Repeat(" ", 16<<20+1), nil) },
			413, "RequestEntityTooLarge", ""},
		{"bomb", func(t *testing.T) *http.Request {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(make([]byte, 17<<20))
			_ = z.Close()
			return request(t, list, b.String(), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") })
		}, 413, "RequestEntityTooLarge", ""},
		{"long URI", func(t *testing.T) *http.Request {
			return httptest.NewRequest("GET", "/b/"+strings.Repeat("a", 20000), nil)
		}, 414, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _, _ := start(t)
			w := httptest.NewRecorder()
			g.ServeHTTP(w, tt.r(t))
			body := w.Body.String()
			header := http.Header{} // as a client has them
			for k, v := range w.Header() {
				header[http.CanonicalHeaderKey(k)] = v
			}
			if w.Code != tt.status || !strings.Contains(body, tt.code) || !strings.Contains(body, tt.text) {
				t.Errorf("%d %s", w.Code, body)
			}
			if strings.Contains(body, "hunter2") {
				t.Error("an internal error's text is in the answer")
			}
			if header.Get("Date") == "" || header.Get("X-Amzn-Requestid")+header.Get("X-Amz-Request-Id") == "" {
				t.Errorf("headers %v", header)
			}
		})
	}
}

func TestNamesOfKeysErrors(t *testing.T) {
	g, _, _ := start(t)
	for _, tt := range []struct{ id, token, query, json, s3 string }{
		{"AKIANOBODY", "", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"},
		{"ASIANOBODY", "tampered", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidToken"},
		{"ASIAEXPIRED", "", "ExpiredToken", "ExpiredTokenException", "ExpiredToken"},
	} {
		cfg := config(g, tt.id, secret, tt.token)
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
		expect(t, err, tt.query)
		_, err = codepipeline.NewFromConfig(cfg).ListPipelines(context.Background(), &codepipeline.ListPipelinesInput{})
		expect(t, err, tt.json)
		_, err = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")})
		expect(t, err, tt.s3)
	}
}

func expect(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), code+":") {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestGzip(t *testing.T) {
	g, _, _ := start(t)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"hello"}]}`)
	_ = z.Close()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, request(t, "Logs_20140328.PutLogEvents", b.String(), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "hello") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestHostPrefix(t *testing.T) {
	g, _, _ := start(t)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, request(t, "CodePipeline_20150709.ListPipelines", "{}", func(r *http.Request) { r.Host = "streaming-localhost:4566" }))
	if w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMounts(t *testing.T) {
	g, _, _ := start(t)
	for path, want := range map[string]string{"/metrics": "mounted", "/v2/": "registry /v2/", "/v2": "registry /v2", "/v2/x/manifests/y": "registry /v2/x/manifests/y", "/v2x": "AccessDenied"} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestTransportGivesUpWithItsContext(t *testing.T) {
	entered, left := make(chan bool), make(chan bool)
	c := &http.Client{Transport: &gateway.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		close(entered)
		<-r.Context().Done()
		close(left)
	})}}
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, "GET", "http://localhost/", nil)
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	cancel()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the body ended well")
	}
	<-left
}

func TestTransportTellsOfBrokenAnswers(t *testing.T) {
	c := &http.Client{Transport: &gateway.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			_, _ = io.WriteString(w, "half")
		}
		panic(http.ErrAbortHandler)
	})}}
	if _, err := c.Get("http://localhost/early"); err == nil {
		t.Error("no error")
	}
	resp, err := c.Get("http://localhost/late")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err == nil || string(b) != "half" {
		t.Errorf("%q, %v", b, err)
	}
}

func BenchmarkListPipelines(b *testing.B) {
	g, _, _ := start(b)
	sum := sha256.Sum256([]byte("{}"))
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		r := httptest.NewRequest("POST", "http://localhost:4566/", nil)
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "CodePipeline_20150709.ListPipelines")
		r.ContentLength = 2
		_ = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, r,
			hex.EncodeToString(sum[:]), "codepipeline", "us-east-1", time.Now())
		for p.Next() {
			r.Body = io.NopCloser(strings.NewReader("{}"))
			w := httptest.NewRecorder()
			if g.ServeHTTP(w, r); w.Code != 200 {
				b.Fatal(w.Body)
			}
		}
	})
}
