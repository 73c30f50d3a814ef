package main

import (
	"context"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
)

// clientConfig is for commands that are clients of the API: the credentials
// and the endpoint of the environment, as every AWS tool reads them, else those
// of the root user of the installation in the data directory ("" is the
// default one).
//
// Errors: that there is neither.
func clientConfig(data string) (aws.Config, error) {
	get := os.Getenv
	if data != "" || os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		if data == "" {
			dir, err := app.DefaultData()
			if err != nil {
				return aws.Config{}, err
			}
			data = dir
		}
		vars, err := app.Environment(data)
		if err != nil {
			return aws.Config{}, err
		}
		own := map[string]string{}
		for _, v := range vars {
			name, value, _ := strings.Cut(v, "=")
			own[name] = value
		}
		get = func(name string) string { return own[name] }
	}
	c := aws.Credentials{AccessKeyID: get("AWS_ACCESS_KEY_ID"), SecretAccessKey: get("AWS_SECRET_ACCESS_KEY"), SessionToken: get("AWS_SESSION_TOKEN")}
	cfg := aws.Config{
		Region:      get("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil }),
	}
	if cfg.Region == "" {
		cfg.Region = get("AWS_DEFAULT_REGION")
	}
	if url := get("AWS_ENDPOINT_URL"); url != "" {
		cfg.BaseEndpoint = &url
	}
	return cfg, nil
}
