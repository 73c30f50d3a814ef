package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/codeconnections/handshake"
)

const connectionsUsage = `usage: slipway connections list [--region REGION]
       slipway connections complete ARN --token-file FILE [--url URL]
`

// connections lists connections, or completes the handshake of one.
func connections(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errs, connectionsUsage)
		return 2
	}
	switch args[0] {
	case "list":
		return listConnections(ctx, args[1:], out, errs)
	case "complete":
		return completeConnection(ctx, args[1:], out, errs)
	}
	fmt.Fprint(errs, connectionsUsage)
	return 2
}

func listConnections(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("slipway connections list", flag.ContinueOnError)
	flags.SetOutput(errs)
	data := flags.String("data", "", "data `directory` of the installation to ask\n(default: the variables that slipway env prints, else ~/.slipway)")
	region := flags.String("region", "", "`region` (default that of the environment)")
	if code, ok := parse(flags, args, errs); !ok {
		return code
	}
	cfg, err := configFor(*data, *region)
	if err != nil {
		return fail(errs, err)
	}
	client := codeconnections.NewFromConfig(cfg)
	for pages := codeconnections.NewListConnectionsPaginator(client, &codeconnections.ListConnectionsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fail(errs, told(err))
		}
		for _, c := range page.Connections {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", aws.ToString(c.ConnectionArn), c.ConnectionStatus, c.ProviderType, aws.ToString(c.ConnectionName))
		}
	}
	return 0
}

func completeConnection(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("slipway connections complete ARN", flag.ContinueOnError)
	flags.SetOutput(errs)
	data := flags.String("data", "", "data `directory` of the installation to ask\n(default: the variables that slipway env prints, else ~/.slipway)")
	file := flags.String("token-file", "", "`file` with the provider's token; - is standard input")
	url := flags.String("url", "", "base `URL` of the provider (default that of the connection's host, or the provider's own)")
	dialect := flags.String("as", "", "how the provider speaks: github, gitlab, bitbucket or `gitea` (Forgejo, too); found out if absent")
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	if code, ok := parse(flags, args, errs); !ok {
		return code
	}
	a, ok := arn.Parse(name)
	if !ok || *file == "" {
		fmt.Fprint(errs, connectionsUsage)
		return 2
	}
	token, err := readToken(*file)
	if err != nil {
		return fail(errs, err)
	}
	cfg, err := configFor(*data, a.Region)
	if err != nil {
		return fail(errs, err)
	}
	done, err := handshake.Complete(ctx, cfg, &handshake.Input{ConnectionArn: name, BaseURL: *url, Dialect: *dialect, Token: token})
	if err != nil {
		return fail(errs, told(err))
	}
	fmt.Fprintf(out, "%s: %s at %s (%s), as %s\n", name, done.ConnectionStatus, done.BaseURL, done.Dialect, done.Account)
	return 0
}

func readToken(file string) (string, error) {
	var b []byte
	var err error
	if file == "-" {
		b, err = io.ReadAll(io.LimitReader(os.Stdin, 64<<10))
	} else {
		b, err = os.ReadFile(file)
	}
	return strings.TrimSpace(string(b)), err
}

// configFor is clientConfig for a region, if one is asked for.
func configFor(data, region string) (aws.Config, error) {
	cfg, err := clientConfig(data)
	if region != "" {
		cfg.Region = region
	}
	return cfg, err
}

// told leaves of an SDK's error what the server said.
func told(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err
}
