package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/ec2"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// client is of the SDK's first generation, which the Terraform provider used
// for EC2 into 2024 and whose types have every member of the API.
func client(t *testing.T) *ec2.EC2 {
	t.Helper()
	return ec2.New(apptest.Start(t).Older())
}

var code = apptest.Code

func filter(name string, values ...string) []*ec2.Filter {
	return []*ec2.Filter{{Name: aws.String(name), Values: aws.StringSlice(values)}}
}

// aws_vpc and aws_subnet, in the provider's own order of calls.
func TestVPCStory(t *testing.T) {
	c := client(t)
	vpc := apptest.Must(c.CreateVpc(&ec2.CreateVpcInput{CidrBlock: aws.String("10.7.0.0/16"), InstanceTenancy: aws.String("default"), AmazonProvidedIpv6CidrBlock: aws.Bool(false),
		TagSpecifications: []*ec2.TagSpecification{{ResourceType: aws.String("vpc"), Tags: []*ec2.Tag{{Key: aws.String("Name"), Value: aws.String("x")}, {Key: aws.String("empty"), Value: aws.String("")}}}},
	}))(t).Vpc
	id := vpc.VpcId
	if _, err := c.ModifyVpcAttribute(&ec2.ModifyVpcAttributeInput{VpcId: id, EnableDnsHostnames: &ec2.AttributeBooleanValue{Value: aws.Bool(true)}}); err != nil {
		t.Fatal(err)
	}
	got := apptest.Must(c.DescribeVpcs(&ec2.DescribeVpcsInput{VpcIds: []*string{id}}))(t).Vpcs[0]
	if *got.State != "available" || *got.CidrBlock != "10.7.0.0/16" || *got.IsDefault || *got.OwnerId != "000000000000" || len(got.Tags) != 2 || *got.Tags[1].Value != "" ||
		*got.CidrBlockAssociationSet[0].CidrBlockState.State != "associated" || len(got.Ipv6CidrBlockAssociationSet) != 0 {
		t.Errorf("got %v", got)
	}
	for name, want := range map[string]bool{"enableDnsHostnames": true, "enableDnsSupport": true, "enableNetworkAddressUsageMetrics": false} {
		a := apptest.Must(c.DescribeVpcAttribute(&ec2.DescribeVpcAttributeInput{VpcId: id, Attribute: aws.String(name)}))(t)
		var v *ec2.AttributeBooleanValue
		for _, x := range []*ec2.AttributeBooleanValue{a.EnableDnsHostnames, a.EnableDnsSupport, a.EnableNetworkAddressUsageMetrics} {
			if x != nil {
				v = x
			}
		}
		if v == nil || *v.Value != want {
			t.Errorf("%s: %v", name, a)
		}
	}
	acls := apptest.Must(c.DescribeNetworkAcls(&ec2.DescribeNetworkAclsInput{Filters: append(filter("vpc-id", *id), filter("default", "true")...)}))(t).NetworkAcls
	tables := apptest.Must(c.DescribeRouteTables(&ec2.DescribeRouteTablesInput{Filters: append(filter("vpc-id", *id), filter("association.main", "true")...)}))(t).RouteTables
	groups := apptest.Must(c.DescribeSecurityGroups(&ec2.DescribeSecurityGroupsInput{Filters: append(filter("vpc-id", *id), filter("group-name", "default")...)}))(t).SecurityGroups
	if len(acls) != 1 || len(acls[0].Entries) != 4 || len(tables) != 1 || *tables[0].Routes[0].GatewayId != "local" || len(groups) != 1 {
		t.Errorf("a VPC's own: %v %v %v", acls, tables, groups)
	}
	if g := groups[0]; len(g.IpPermissions) != 1 || *g.IpPermissions[0].UserIdGroupPairs[0].GroupId != *g.GroupId || g.IpPermissions[0].FromPort != nil || *g.IpPermissionsEgress[0].IpRanges[0].CidrIp != "0.0.0.0/0" {
		t.Errorf("default group %v", g)
	}

	sub := apptest.Must(c.CreateSubnet(&ec2.CreateSubnetInput{VpcId: id, CidrBlock: aws.String("10.7.1.0/24"), AvailabilityZone: aws.String("us-east-1b")}))(t).Subnet
	if *sub.AvailableIpAddressCount != 251 || *sub.AvailabilityZoneId != "use1-az2" || *sub.MapPublicIpOnLaunch || *sub.PrivateDnsNameOptionsOnLaunch.HostnameType != "ip-name" {
		t.Errorf("subnet %v", sub)
	}
	if _, err := c.ModifySubnetAttribute(&ec2.ModifySubnetAttributeInput{SubnetId: sub.SubnetId, MapPublicIpOnLaunch: &ec2.AttributeBooleanValue{Value: aws.Bool(true)}}); err != nil {
		t.Fatal(err)
	}
	if out := apptest.Must(c.DescribeSubnets(&ec2.DescribeSubnetsInput{Filters: append(filter("map-public-ip-on-launch", "true"), filter("cidr-block", "10.7.*")...)}))(t); len(out.Subnets) != 1 {
		t.Errorf("filtered %v", out)
	}
	if _, err := c.CreateTags(&ec2.CreateTagsInput{Resources: []*string{sub.SubnetId, id}, Tags: []*ec2.Tag{{Key: aws.String("Name"), Value: aws.String("y")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteTags(&ec2.DeleteTagsInput{Resources: []*string{id}, Tags: []*ec2.Tag{{Key: aws.String("empty"), Value: aws.String("")}, {Key: aws.String("Name"), Value: aws.String("x")}}}); err != nil {
		t.Fatal(err)
	}
	tags := apptest.Must(c.DescribeTags(&ec2.DescribeTagsInput{Filters: filter("resource-id", *id, *sub.SubnetId)}))(t).Tags
	if len(tags) != 2 || *tags[0].Value != "y" || *tags[0].ResourceType == *tags[1].ResourceType {
		t.Errorf("tags %v", tags)
	}

	if _, err := c.DeleteVpc(&ec2.DeleteVpcInput{VpcId: id}); code(err) != "DependencyViolation" {
		t.Error(err)
	}
	apptest.Must(c.DeleteSubnet(&ec2.DeleteSubnetInput{SubnetId: sub.SubnetId}))(t)
	apptest.Must(c.DeleteVpc(&ec2.DeleteVpcInput{VpcId: id}))(t)
	if _, err := c.DescribeSubnets(&ec2.DescribeSubnetsInput{SubnetIds: []*string{sub.SubnetId}}); code(err) != "InvalidSubnetID.NotFound" {
		t.Error(err)
	}
	if _, err := c.DescribeVpcs(&ec2.DescribeVpcsInput{VpcIds: []*string{id}}); code(err) != "InvalidVpcID.NotFound" {
		t.Error(err)
	}
	if _, err := c.DescribeVpcAttribute(&ec2.DescribeVpcAttributeInput{VpcId: id, Attribute: aws.String("enableDnsSupport")}); code(err) != "InvalidVpcID.NotFound" {
		t.Error(err)
	}
	if out := apptest.Must(c.DescribeSecurityGroups(&ec2.DescribeSecurityGroupsInput{Filters: filter("vpc-id", *id)}))(t); len(out.SecurityGroups) != 0 {
		t.Errorf("left behind: %v", out)
	}
}

// aws_security_group and its rule resources, in the provider's own order.
func TestSecurityGroupStory(t *testing.T) {
	c := client(t)
	make := func(name string) *string {
		return apptest.Must(c.CreateSecurityGroup(&ec2.CreateSecurityGroupInput{GroupName: &name, Description: aws.String("Managed by Terraform")}))(t).GroupId
	}
	web, app := make("web"), make("app")
	if _, err := c.CreateSecurityGroup(&ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("again")}); code(err) != "InvalidGroup.Duplicate" {
		t.Error(err)
	}
	all := []*ec2.IpPermission{{IpProtocol: aws.String("-1"), FromPort: aws.Int64(0), ToPort: aws.Int64(0), IpRanges: []*ec2.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}
	apptest.Must(c.RevokeSecurityGroupEgress(&ec2.RevokeSecurityGroupEgressInput{GroupId: web, IpPermissions: all}))(t)
	six := []*ec2.IpPermission{{IpProtocol: aws.String("-1"), Ipv6Ranges: []*ec2.Ipv6Range{{CidrIpv6: aws.String("::/0")}}}}
	if out := apptest.Must(c.RevokeSecurityGroupEgress(&ec2.RevokeSecurityGroupEgressInput{GroupId: web, IpPermissions: six}))(t); len(out.UnknownIpPermissions) != 1 {
		t.Errorf("in the default VPC what was not there is told: %v", out)
	}
	tcp := func(from, to int64, cidrs ...string) *ec2.IpPermission {
		p := &ec2.IpPermission{IpProtocol: aws.String("tcp"), FromPort: &from, ToPort: &to}
		for _, x := range cidrs {
			p.IpRanges = append(p.IpRanges, &ec2.IpRange{CidrIp: aws.String(x), Description: aws.String("from " + x)})
		}
		return p
	}
	out := apptest.Must(c.AuthorizeSecurityGroupIngress(&ec2.AuthorizeSecurityGroupIngressInput{GroupId: web, IpPermissions: []*ec2.IpPermission{
		tcp(80, 80, "10.0.0.0/8", "192.168.0.0/16"),
		{IpProtocol: aws.String("-1"), UserIdGroupPairs: []*ec2.UserIdGroupPair{{GroupId: app}}},
		{IpProtocol: aws.String("icmp"), FromPort: aws.Int64(8), ToPort: aws.Int64(-1), IpRanges: []*ec2.IpRange{{CidrIp: aws.String("10.0.0.0/8")}}},
	}}))(t)
	if len(out.SecurityGroupRules) != 4 || *out.SecurityGroupRules[2].ReferencedGroupInfo.GroupId != *app || *out.SecurityGroupRules[2].FromPort != -1 {
		t.Errorf("made %v", out)
	}
	g := apptest.Must(c.DescribeSecurityGroups(&ec2.DescribeSecurityGroupsInput{GroupIds: []*string{web}}))(t).SecurityGroups[0]
	if len(g.IpPermissions) != 3 || len(g.IpPermissions[0].IpRanges) != 2 || *g.IpPermissions[0].IpRanges[1].Description != "from 192.168.0.0/16" || len(g.IpPermissionsEgress) != 0 {
		t.Errorf("group %v", g)
	}
	if _, err := c.AuthorizeSecurityGroupIngress(&ec2.AuthorizeSecurityGroupIngressInput{GroupId: web, IpPermissions: []*ec2.IpPermission{tcp(81, 81, "0.0.0.0/0"), tcp(80, 80, "10.0.0.0/8")}}); code(err) != "InvalidPermission.Duplicate" {
		t.Error(err)
	}
	if n := len(apptest.Must(c.DescribeSecurityGroupRules(&ec2.DescribeSecurityGroupRulesInput{Filters: filter("group-id", *web)}))(t).SecurityGroupRules); n != 4 {
		t.Errorf("half of a refused request is there: %d rules", n)
	}
	// An update of the newer resources, of a description, and of tags.
	first := out.SecurityGroupRules[0].SecurityGroupRuleId
	apptest.Must(c.ModifySecurityGroupRules(&ec2.ModifySecurityGroupRulesInput{GroupId: web, SecurityGroupRules: []*ec2.SecurityGroupRuleUpdate{{SecurityGroupRuleId: first,
		SecurityGroupRule: &ec2.SecurityGroupRuleRequest{IpProtocol: aws.String("tcp"), FromPort: aws.Int64(8080), ToPort: aws.Int64(8081), CidrIpv4: aws.String("10.0.0.0/9"), Description: aws.String("moved")}}}}))(t)
	apptest.Must(c.UpdateSecurityGroupRuleDescriptionsIngress(&ec2.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: web, IpPermissions: []*ec2.IpPermission{
		{IpProtocol: aws.String("tcp"), FromPort: aws.Int64(80), ToPort: aws.Int64(80), IpRanges: []*ec2.IpRange{{CidrIp: aws.String("192.168.0.0/16"), Description: aws.String("new")}}}}}))(t)
	apptest.Must(c.CreateTags(&ec2.CreateTagsInput{Resources: []*string{first}, Tags: []*ec2.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}))(t)
	rules := apptest.Must(c.DescribeSecurityGroupRules(&ec2.DescribeSecurityGroupRulesInput{Filters: filter("group-id", *web)}))(t).SecurityGroupRules
	if r := rules[0]; *r.SecurityGroupRuleId != *first || *r.FromPort != 8080 || *r.CidrIpv4 != "10.0.0.0/9" || *r.Description != "moved" || *r.Tags[0].Value != "v" || *rules[1].Description != "new" {
		t.Errorf("rules %v", rules)
	}

	if _, err := c.DeleteSecurityGroup(&ec2.DeleteSecurityGroupInput{GroupId: app}); code(err) != "DependencyViolation" {
		t.Error(err)
	}
	ids := []*string{}
	for _, r := range rules {
		ids = append(ids, r.SecurityGroupRuleId)
	}
	apptest.Must(c.RevokeSecurityGroupIngress(&ec2.RevokeSecurityGroupIngressInput{GroupId: web, SecurityGroupRuleIds: ids}))(t)
	if _, err := c.RevokeSecurityGroupIngress(&ec2.RevokeSecurityGroupIngressInput{GroupId: web, SecurityGroupRuleIds: ids[:1]}); code(err) != "InvalidSecurityGroupRuleId.NotFound" {
		t.Error(err)
	}
	for _, id := range []*string{app, web} {
		apptest.Must(c.DeleteSecurityGroup(&ec2.DeleteSecurityGroupInput{GroupId: id}))(t)
		if _, err := c.DescribeSecurityGroups(&ec2.DescribeSecurityGroupsInput{GroupIds: []*string{id}}); code(err) != "InvalidGroup.NotFound" {
			t.Error(err)
		}
		if _, err := c.DeleteSecurityGroup(&ec2.DeleteSecurityGroupInput{GroupId: id}); code(err) != "InvalidGroup.NotFound" {
			t.Error(err)
		}
	}
}

func TestPages(t *testing.T) {
	c := client(t)
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		apptest.Must(c.CreateSecurityGroup(&ec2.CreateSecurityGroupInput{GroupName: aws.String(name), Description: aws.String(name)}))(t)
	}
	seen := map[string]bool{}
	pages := 0
	if err := c.DescribeSecurityGroupsPages(&ec2.DescribeSecurityGroupsInput{MaxResults: aws.Int64(5)}, func(p *ec2.DescribeSecurityGroupsOutput, _ bool) bool {
		pages++
		for _, g := range p.SecurityGroups {
			seen[*g.GroupId] = true
		}
		return true
	}); err != nil || pages != 2 || len(seen) != 7 {
		t.Errorf("%v: %d pages, %d groups", err, pages, len(seen))
	}
	if _, err := c.DescribeSecurityGroups(&ec2.DescribeSecurityGroupsInput{MaxResults: aws.Int64(5), NextToken: aws.String("zz")}); code(err) != "InvalidNextToken" {
		t.Error(err)
	}
}
