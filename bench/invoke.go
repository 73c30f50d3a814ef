package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// invocations is how many events are timed.
const invocations = 300

// A handler that does nothing, and a process that does the same for a line.
const (
	idleHandler = "def handler(event, context):\n    return event\n"
	idleProcess = "import json, sys\nfor line in sys.stdin:\n    print(json.dumps(json.loads(line)), flush=True)\n"
)

// invoke measures a synchronous invocation of a function whose instance is warm,
// by the SDK, signed as always. The baseline is a Python process that is asked
// the same by a line through a pipe. They take turns.
func invoke(ctx context.Context, e *environment) ([]row, error) {
	if !e.docker {
		return nil, errSkip("no Docker Engine answers")
	}
	if docker(ctx, "image", "inspect", e.image) != nil {
		return nil, errSkip("no image " + e.image)
	}
	process := exec.CommandContext(ctx, "docker", "run", "--rm", "-i", "--network", "none", e.image, "python3", "-c", idleProcess)
	ask, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	defer func() {
		_ = ask.Close()
		_ = process.Wait()
	}()
	answers := bufio.NewReader(out)

	s, err := e.serve(ctx, "--warm", "0")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	client, err := function(ctx, s.cfg)
	if err != nil {
		return nil, err
	}
	event := []byte(`{"n":1}`)
	one := func() error {
		got, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("idle"), Payload: event})
		if err == nil && got.FunctionError != nil {
			err = fmt.Errorf("the function failed: %s", got.Payload)
		}
		return err
	}
	line := func() error {
		if _, err := fmt.Fprintf(ask, "%s\n", event); err != nil {
			return err
		}
		_, err := answers.ReadString('\n')
		return err
	}
	for range 20 { // both are warm from here on
		if err := one(); err != nil {
			return nil, err
		}
		if err := line(); err != nil {
			return nil, err
		}
	}
	var ours, theirs []time.Duration
	for range invocations {
		took, err := clocked(one)
		if err != nil {
			return nil, err
		}
		ours = append(ours, took)
		if took, err = clocked(line); err != nil {
			return nil, err
		}
		theirs = append(theirs, took)
	}
	d, b := median(ours), median(theirs)
	return []row{{
		what: "warm invoke of a Python function", slipway: ms(d), baseline: ms(b), versus: "a line to a Python process and back",
		ratio: float64(d) / float64(b), aim: "< 5 ms more", met: d-b < 5*time.Millisecond,
	}}, nil
}

func clocked(f func() error) (time.Duration, error) {
	began := time.Now()
	err := f()
	return time.Since(began), err
}

// function makes a function that does nothing.
func function(ctx context.Context, cfg aws.Config) (*lambda.Client, error) {
	role, err := iam.NewFromConfig(cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("idle"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		return nil, err
	}
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	f, err := z.Create("app.py")
	if err == nil {
		_, err = io.WriteString(f, idleHandler)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, err
	}
	client := lambda.NewFromConfig(cfg)
	if _, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: aws.String("idle"), Role: role.Role.Arn, Runtime: types.RuntimePython313,
		Handler: aws.String("app.handler"), Timeout: aws.Int32(30), Code: &types.FunctionCode{ZipFile: code.Bytes()}}); err != nil {
		return nil, err
	}
	return client, lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, time.Second
	}).
		Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("idle")}, time.Minute)
}
