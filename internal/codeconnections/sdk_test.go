package codeconnections_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"
	"github.com/aws/aws-sdk-go-v2/service/codestarconnections"
	old "github.com/aws/aws-sdk-go-v2/service/codestarconnections/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

var code = apptest.Code

// The calls of aws_codeconnections_connection and _host, in their order.
func TestNewerAPI(t *testing.T) {
	srv := apptest.Start(t)
	c, ctx := codeconnections.NewFromConfig(srv.Config()), t.Context()

	h, err := c.CreateHost(ctx, &codeconnections.CreateHostInput{
		Name: aws.String("Git House"), ProviderType: types.ProviderTypeGithubEnterpriseServer, ProviderEndpoint: aws.String("https://git.example.com"),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		VpcConfiguration: &types.VpcConfiguration{VpcId: aws.String("vpc-0123456789abcdef0"),
			SubnetIds: []string{"subnet-0123456789abcdef0"}, SecurityGroupIds: []string{"sg-0123456789abcdef0"}},
	})
	if err != nil || !strings.HasPrefix(*h.HostArn, "arn:aws:codeconnections:us-east-1:000000000000:host/Git-House-") || len(h.Tags) != 1 {
		t.Fatal(h, err)
	}
	got, err := c.GetHost(ctx, &codeconnections.GetHostInput{HostArn: h.HostArn})
	if err != nil || *got.Status != "PENDING" || *got.Name != "Git House" || *got.ProviderEndpoint != "https://git.example.com" ||
		got.VpcConfiguration.SubnetIds[0] != "subnet-0123456789abcdef0" || got.VpcConfiguration.TlsCertificate != nil {
		t.Error(got, err)
	}
	made, err := c.CreateConnection(ctx, &codeconnections.CreateConnectionInput{ConnectionName: aws.String("mine"), HostArn: h.HostArn})
	if err != nil || !strings.HasPrefix(*made.ConnectionArn, "arn:aws:codeconnections:us-east-1:000000000000:connection/") {
		t.Fatal(made, err)
	}
	read, err := c.GetConnection(ctx, &codeconnections.GetConnectionInput{ConnectionArn: made.ConnectionArn})
	if err != nil || read.Connection.ConnectionStatus != types.ConnectionStatusPending || *read.Connection.HostArn != *h.HostArn ||
		read.Connection.ProviderType != types.ProviderTypeGithubEnterpriseServer || *read.Connection.OwnerAccountId != "000000000000" {
		t.Error(read, err)
	}
	for _, arn := range []*string{made.ConnectionArn, h.HostArn} {
		if _, err := c.TagResource(ctx, &codeconnections.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("")}}}); err != nil {
			t.Error(err)
		}
		if _, err := c.UntagResource(ctx, &codeconnections.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a", "k", "none"}}); err != nil {
			t.Error(err)
		}
		tags, err := c.ListTagsForResource(ctx, &codeconnections.ListTagsForResourceInput{ResourceArn: arn})
		if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" || *tags.Tags[0].Value != "" {
			t.Error(tags, err)
		}
	}
	if _, err := c.DeleteHost(ctx, &codeconnections.DeleteHostInput{HostArn: h.HostArn}); code(err) != "ResourceUnavailableException" {
		t.Error(err)
	}
	if _, err := c.UpdateHost(ctx, &codeconnections.UpdateHostInput{HostArn: h.HostArn, ProviderEndpoint: aws.String("https://other.example.com")}); err != nil {
		t.Error(err)
	}
	got, err = c.GetHost(ctx, &codeconnections.GetHostInput{HostArn: h.HostArn})
	if err != nil || *got.ProviderEndpoint != "https://other.example.com" || got.VpcConfiguration == nil {
		t.Error(got, err)
	}
	if _, err := c.DeleteConnection(ctx, &codeconnections.DeleteConnectionInput{ConnectionArn: made.ConnectionArn}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteHost(ctx, &codeconnections.DeleteHostInput{HostArn: h.HostArn}); err != nil {
		t.Error(err)
	}
	var gone *types.ResourceNotFoundException
	if _, err := c.GetConnection(ctx, &codeconnections.GetConnectionInput{ConnectionArn: made.ConnectionArn}); !errors.As(err, &gone) || !strings.Contains(gone.ErrorMessage(), *made.ConnectionArn) {
		t.Error(err)
	}
	if _, err := c.GetHost(ctx, &codeconnections.GetHostInput{HostArn: h.HostArn}); !errors.As(err, &gone) {
		t.Error(err)
	}
	if _, err := c.DeleteConnection(ctx, &codeconnections.DeleteConnectionInput{ConnectionArn: made.ConnectionArn}); !errors.As(err, &gone) {
		t.Error(err)
	}
}

// The calls of aws_codestarconnections_connection and _host; what one API made
// the other reads, with the prefix it was made with.
func TestOlderAPI(t *testing.T) {
	srv := apptest.Start(t)
	c, newer, ctx := codestarconnections.NewFromConfig(srv.Config()), codeconnections.NewFromConfig(srv.Config()), t.Context()
	made, err := c.CreateConnection(ctx, &codestarconnections.CreateConnectionInput{
		ConnectionName: aws.String("github"), ProviderType: old.ProviderTypeGithub, Tags: []old.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	if err != nil || !strings.HasPrefix(*made.ConnectionArn, "arn:aws:codestar-connections:us-east-1:000000000000:connection/") || *made.Tags[0].Key != "k" {
		t.Fatal(made, err)
	}
	read, err := newer.GetConnection(ctx, &codeconnections.GetConnectionInput{ConnectionArn: made.ConnectionArn})
	if err != nil || *read.Connection.ConnectionArn != *made.ConnectionArn || read.Connection.HostArn != nil {
		t.Error(read, err)
	}
	tags, err := c.ListTagsForResource(ctx, &codestarconnections.ListTagsForResourceInput{ResourceArn: made.ConnectionArn})
	if err != nil || len(tags.Tags) != 1 {
		t.Error(tags, err)
	}
	alias := strings.Replace(*made.ConnectionArn, "codestar-connections", "codeconnections", 1)
	var gone *old.ResourceNotFoundException
	if _, err := c.GetConnection(ctx, &codestarconnections.GetConnectionInput{ConnectionArn: &alias}); !errors.As(err, &gone) {
		t.Error("by the other prefix:", err)
	}
	h, err := c.CreateHost(ctx, &codestarconnections.CreateHostInput{
		Name: aws.String("lab"), ProviderType: old.ProviderTypeGitlabSelfManaged, ProviderEndpoint: aws.String("http://gitlab.lan:8080/path")})
	if err != nil || !strings.Contains(*h.HostArn, ":codestar-connections:") {
		t.Fatal(h, err)
	}
	if _, err := newer.CreateConnection(ctx, &codeconnections.CreateConnectionInput{ConnectionName: aws.String("lab"), HostArn: h.HostArn}); err != nil {
		t.Error(err)
	}
	list, err := c.ListConnections(ctx, &codestarconnections.ListConnectionsInput{HostArnFilter: h.HostArn})
	if err != nil || len(list.Connections) != 1 || list.Connections[0].ProviderType != old.ProviderTypeGitlabSelfManaged {
		t.Error(list, err)
	}
	list, err = c.ListConnections(ctx, &codestarconnections.ListConnectionsInput{ProviderTypeFilter: old.ProviderTypeGithub})
	if err != nil || len(list.Connections) != 1 || *list.Connections[0].ConnectionName != "github" {
		t.Error(list, err)
	}
	seen := []string{}
	for pages := codestarconnections.NewListConnectionsPaginator(c, &codestarconnections.ListConnectionsInput{MaxResults: 1}); pages.HasMorePages(); {
		p, err := pages.NextPage(ctx)
		if err != nil || len(p.Connections) != 1 {
			t.Fatal(p, err)
		}
		seen = append(seen, *p.Connections[0].ConnectionName)
	}
	if slices.Sort(seen); !slices.Equal(seen, []string{"github", "lab"}) {
		t.Error(seen)
	}
	hosts, err := c.ListHosts(ctx, &codestarconnections.ListHostsInput{})
	if err != nil || len(hosts.Hosts) != 1 || *hosts.Hosts[0].Status != "PENDING" {
		t.Error(hosts, err)
	}
}

func TestRefusals(t *testing.T) {
	srv := apptest.Start(t)
	c, ctx := codeconnections.NewFromConfig(srv.Config()), t.Context()
	connection := func(in codeconnections.CreateConnectionInput) error {
		_, err := c.CreateConnection(ctx, &in)
		return err
	}
	host := func(in codeconnections.CreateHostInput) error {
		if in.Name == nil {
			in.Name = aws.String("h")
		}
		_, err := c.CreateHost(ctx, &in)
		return err
	}
	name := aws.String("n")
	nowhere := aws.String("arn:aws:codeconnections:us-east-1:000000000000:host/none-12345678")
	for _, tt := range []struct {
		err        error
		code, text string
	}{
		{connection(codeconnections.CreateConnectionInput{ConnectionName: name}), "ValidationException", "a ProviderType or a HostArn"},
		{connection(codeconnections.CreateConnectionInput{ConnectionName: name, ProviderType: "GitHub", HostArn: nowhere}), "ValidationException", "not both"},
		{connection(codeconnections.CreateConnectionInput{ConnectionName: name, ProviderType: "GitHubEnterpriseServer"}), "ValidationException", "needs a HostArn"},
		{connection(codeconnections.CreateConnectionInput{ConnectionName: name, ProviderType: "Gitea"}), "ValidationException", "providerType"},
		{connection(codeconnections.CreateConnectionInput{ConnectionName: name, HostArn: nowhere}), "ResourceNotFoundException", *nowhere},
		{connection(codeconnections.CreateConnectionInput{ConnectionName: aws.String(strings.Repeat("n", 33)), ProviderType: "GitHub"}), "ValidationException", "connectionName"},
		{connection(codeconnections.CreateConnectionInput{ConnectionName: name, ProviderType: "GitHub", Tags: []types.Tag{{Key: aws.String("aws:x"), Value: name}}}), "ValidationException", "reserved"},
		{host(codeconnections.CreateHostInput{ProviderType: "GitHub", ProviderEndpoint: aws.String("https://x")}), "ValidationException", "GitHubEnterpriseServer"},
		{host(codeconnections.CreateHostInput{ProviderType: "GitLabSelfManaged", ProviderEndpoint: aws.String("ftp://x")}), "ValidationException", "endpoint"},
		{host(codeconnections.CreateHostInput{ProviderType: "GitLabSelfManaged", ProviderEndpoint: aws.String("https://u:p@x")}), "ValidationException", "endpoint"},
		{host(codeconnections.CreateHostInput{ProviderType: "GitLabSelfManaged", ProviderEndpoint: aws.String("https://x"), VpcConfiguration: &types.VpcConfiguration{
			VpcId: aws.String("vpc-01234567"), SubnetIds: []string{"subnet-01234567"}, SecurityGroupIds: []string{"sg-01234567"}, TlsCertificate: aws.String("x")}}), "ValidationException", "PEM"},
	} {
		if code(tt.err) != tt.code || !strings.Contains(tt.err.Error(), tt.text) {
			t.Errorf("%s %s: %v", tt.code, tt.text, tt.err)
		}
	}
	_, err := c.CreateRepositoryLink(ctx, &codeconnections.CreateRepositoryLinkInput{ConnectionArn: nowhere, OwnerId: name, RepositoryName: name})
	if code(err) != "UnknownOperationException" || !strings.Contains(err.Error(), "CreateRepositoryLink") {
		t.Error(err)
	}
	if _, err := c.ListConnections(ctx, &codeconnections.ListConnectionsInput{NextToken: name}); code(err) != "ValidationException" {
		t.Error(err)
	}
	list, err := c.ListConnections(ctx, &codeconnections.ListConnectionsInput{})
	if err != nil || len(list.Connections) != 0 {
		t.Error("something was made:", list, err)
	}
}
