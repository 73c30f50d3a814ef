package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

const (
	clients    = 16
	signatures = 32 // different ones of each client
	loadTime   = 4 * time.Second
	loadRuns   = 3
)

// listPipelines counts calls of a user with a policy under --iam enforce, on a
// server with three pipelines, against a net/http handler that writes the same
// answer to the same requests and does nothing else.
func listPipelines(ctx context.Context, e *environment) ([]row, error) {
	s, err := e.serve(ctx, "--compute", "process", "--warm", "0", "--iam", "enforce")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	for i := range 3 {
		if err := pipeline(ctx, s.cfg, fmt.Sprintf("pipeline-%d", i), approval("Approve")); err != nil {
			return nil, err
		}
	}
	user, err := reader(ctx, s)
	if err != nil {
		return nil, err
	}
	connections := make([][][]byte, clients)
	now := time.Now().UTC()
	for c := range connections {
		for i := range signatures {
			r, err := signedList(ctx, s, user, now.Add(-time.Duration(c*signatures+i)*100*time.Millisecond))
			if err != nil {
				return nil, err
			}
			connections[c] = append(connections[c], r)
		}
	}
	body, err := once(s.host(), connections[0][0])
	if err != nil {
		return nil, err
	}
	_, address, stop, err := e.bare(ctx, body)
	if err != nil {
		return nil, err
	}
	defer stop()
	var ours, theirs, ratios []float64
	for range loadRuns {
		n, err := load(s.host(), connections, loadTime)
		if err != nil {
			return nil, err
		}
		m, err := load(address, connections, loadTime)
		if err != nil {
			return nil, err
		}
		ours, theirs, ratios = append(ours, n), append(theirs, m), append(ratios, n/m)
	}
	ratio := median(ratios)
	return []row{{
		what:     "ListPipelines, authenticated and authorized, 16 clients",
		slipway:  fmt.Sprintf("%.0f/s", median(ours)),
		baseline: fmt.Sprintf("%.0f/s", median(theirs)),
		versus:   "net/http writing the same bytes",
		ratio:    ratio,
		aim:      "≥ 0.4×, > 10000/s",
		met:      ratio >= 0.4 && median(ours) > 10000,
	}}, nil
}

// reader makes a user who may list pipelines and returns its key.
func reader(ctx context.Context, s *server) (aws.Credentials, error) {
	client := iam.NewFromConfig(s.cfg)
	name := aws.String("reader")
	if _, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: name}); err != nil {
		return aws.Credentials{}, err
	}
	_, err := client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("list"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"codepipeline:List*","Resource":"*"}]}`)})
	if err != nil {
		return aws.Credentials{}, err
	}
	made, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{AccessKeyID: *made.AccessKey.AccessKeyId, SecretAccessKey: *made.AccessKey.SecretAccessKey}, nil
}

// signedList is a request as the SDK sends it, in bytes.
func signedList(ctx context.Context, s *server, key aws.Credentials, at time.Time) ([]byte, error) {
	body := []byte("{}")
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "CodePipeline_20150709.ListPipelines")
	r.Header.Set("User-Agent", "aws-sdk-go-v2 bench")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, key, r, hex.EncodeToString(sum[:]), "codepipeline", "us-east-1", at); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = r.Write(&b)
	return b.Bytes(), err
}

// once is the body of the answer to one request.
func once(address string, request []byte) ([]byte, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	_, err = answer(bufio.NewReader(c), &body)
	return body.Bytes(), err
}

// pipeline makes a pipeline that waits for pushes to the branch main of the
// repository of its name, and what it needs.
func pipeline(ctx context.Context, cfg aws.Config, name string, stages ...types.StageDeclaration) error {
	role, bucket, err := surroundings(ctx, cfg)
	if err != nil {
		return err
	}
	source := types.StageDeclaration{Name: aws.String("Source"), Actions: []types.ActionDeclaration{{
		Name:            aws.String("Source"),
		ActionTypeId:    &types.ActionTypeId{Category: types.ActionCategorySource, Owner: types.ActionOwnerAws, Provider: aws.String("CodeCommit"), Version: aws.String("1")},
		Configuration:   map[string]string{"RepositoryName": name, "BranchName": "main"},
		OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Source")}},
	}}}
	_, err = codepipeline.NewFromConfig(cfg).CreatePipeline(ctx, &codepipeline.CreatePipelineInput{Pipeline: &types.PipelineDeclaration{
		Name: aws.String(name), RoleArn: aws.String(role),
		ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String(bucket)},
		Stages:        append([]types.StageDeclaration{source}, stages...),
	}})
	return err
}

func approval(name string) types.StageDeclaration {
	return types.StageDeclaration{Name: aws.String(name), Actions: []types.ActionDeclaration{{
		Name:         aws.String("Wait"),
		ActionTypeId: &types.ActionTypeId{Category: types.ActionCategoryApproval, Owner: types.ActionOwnerAws, Provider: aws.String("Manual"), Version: aws.String("1")},
	}}}
}
