// Command gen packs API models for package model: gen FROM PATCHES TO. To add
// a service, add its name here and run it again. A file NAME.json in PATCHES
// holds what we add to an imported model: operations and shapes that it lacks.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: gen FROM PATCHES TO (directories)")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(from, patches, to string) error {
	var parsed []*model.Service
	for _, name := range services {
		b, err := os.ReadFile(filepath.Join(from, name+".json"))
		if err != nil {
			return err
		}
		if b, err = patch(b, filepath.Join(patches, name+".json")); err != nil {
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

// patch adds the operations and shapes of a file, if it is there, to a model.
// It replaces nothing: what the import has by now is no longer ours to say.
func patch(b []byte, file string) ([]byte, error) {
	add, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	var into map[string]json.RawMessage
	if err := json.Unmarshal(b, &into); err != nil {
		return nil, err
	}
	var more map[string]json.RawMessage
	if err := json.Unmarshal(add, &more); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, part := range []string{"operations", "shapes"} {
		var have, extra map[string]json.RawMessage
		if err := errors.Join(json.Unmarshal(into[part], &have), json.Unmarshal(more[part], &extra)); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for name, def := range extra {
			if have[name] != nil {
				return nil, fmt.Errorf("%s: the imported model has %s by now", file, name)
			}
			have[name] = def
		}
		if into[part], err = json.Marshal(have); err != nil {
			return nil, err
		}
	}
	return json.Marshal(into)
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
