// Command gen packs API models for package model: gen FROM TO. To add a
// service, add its name here and run it again.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

var services = []string{
	"cloudwatch",
	"cloudwatchlogs",
	"codebuild",
	"codecommit",
	"codeconnections",
	"codedeploy",
	"codepipeline",
	"codestarconnections",
	"codestarnotifications",
	"ec2",
	"ecr",
	"ecs",
	"elasticloadbalancingv2",
	"eventbridge",
	"iam",
	"kms",
	"lambda",
	"s3",
	"secretsmanager",
	"sns",
	"ssm",
	"sts",
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gen FROM TO (directories)")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	var parsed []*model.Service
	for _, name := range services {
		b, err := os.ReadFile(filepath.Join(from, name+".json"))
		if err != nil {
			return err
		}
		s, err := model.Parse(name, b)
		if err != nil {
			return err
		}
		parsed = append(parsed, s)
		if err := pack(to, name, b); err != nil {
			return err
		}
	}
	b, err := model.Index(parsed)
	if err != nil {
		return err
	}
	return pack(to, "index", b)
}

// pack writes no time stamp: the same model gives the same bytes.
func pack(dir, name string, b []byte) error {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(b); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".json.gz"), out.Bytes(), 0o644)
}
