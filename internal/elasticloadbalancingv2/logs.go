package elbv2

import (
	"bytes"
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/accesslog"
	iampolicy "github.com/slipway-dev/slipway/internal/iam/policy"
)

// Buckets are S3's.
type Buckets interface {
	GetBucketLocation(context.Context, *s3.GetBucketLocationInput, ...func(*s3.Options)) (*s3.GetBucketLocationOutput, error)
	GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// deliverer is who writes the logs of load balancers. In the regions that AWS
// had before 2022, policies may also name an account of AWS's.
const deliverer = "logdelivery.elasticloadbalancing.amazonaws.com"

var deliveryAccounts = map[string]string{
	"us-east-1": "127311923021", "us-east-2": "033677994240", "us-west-1": "027434742980", "us-west-2": "797873946194",
	"af-south-1": "098369216593", "ap-east-1": "754344448648", "ap-northeast-1": "582318560864", "ap-northeast-2": "600734575887",
	"ap-northeast-3": "383597477331", "ap-south-1": "718504428378", "ap-southeast-1": "114774131450", "ap-southeast-2": "783225319266",
	"ap-southeast-3": "589379963580", "ca-central-1": "985666609251", "eu-central-1": "054676820928", "eu-north-1": "897822967062",
	"eu-south-1": "635631232127", "eu-west-1": "156460612806", "eu-west-2": "652711504416", "eu-west-3": "009996457667",
	"me-south-1": "076674570225", "sa-east-1": "507241528517",
}

// trial is what the file says that a bucket gets when a log is turned on.
var trial = []byte("Enable AccessLog for ELB successfully.\n")

// log is where a log of the load balancer goes; nil if it is off.
func (b *balancer) log(k accesslog.Kind) *accesslog.Place {
	of := func(key string) string { return value(b.attributes(), b.Attributes, string(k)+".s3."+key) }
	if of("enabled") != "true" {
		return nil
	}
	return &accesslog.Place{Kind: k, Region: regionOf(*b.LoadBalancerArn), Balancer: b.Path, Bucket: of("bucket"), Prefix: of("prefix")}
}

// logs are those that are on.
func (b *balancer) logs() (out []accesslog.Place) {
	for _, k := range []accesslog.Kind{accesslog.Access, accesslog.Connections} {
		if p := b.log(k); p != nil {
			out = append(out, *p)
		}
	}
	return out
}

// checkLogs refuses logs that would not be written.
func (b *balancer) checkLogs() error {
	if b.Attributes["health_check_logs.s3.enabled"] == "true" {
		return missing("Health check logs (health_check_logs.s3.enabled) are")
	}
	for _, p := range b.logs() {
		switch {
		case !b.application():
			return missing("Access logs of network load balancers (access_logs.s3.enabled) are")
		case p.Bucket == "":
			return fail("InvalidConfigurationRequest", "The value of '%s.s3.bucket' cannot be empty", p.Kind)
		case strings.Contains(p.Prefix, "AWSLogs"):
			return fail("InvalidConfigurationRequest", "The value of '%s.s3.prefix' cannot contain 'AWSLogs'", p.Kind)
		}
	}
	return nil
}

// WriteLog writes an object as AWS's delivery of logs does: to a bucket of the
// load balancer's region whose policy lets it.
func (s *Service) WriteLog(ctx context.Context, p accesslog.Place, key string, body []byte) error {
	ctx = identity.WithRegion(identity.WithCaller(ctx, &identity.Caller{Kind: identity.Service, Account: s.Site.Account, ARN: deliverer, UserID: deliverer}), p.Region)
	at, err := s.Buckets.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &p.Bucket})
	if err != nil {
		return fail("InvalidConfigurationRequest", "The S3 bucket '%s' cannot be used: %s", p.Bucket, err)
	}
	region := string(at.LocationConstraint)
	switch region {
	case "":
		region = "us-east-1"
	case "EU":
		region = "eu-west-1"
	}
	if region != p.Region {
		return fail("InvalidConfigurationRequest", "The S3 bucket '%s' is in the region '%s', the load balancer is in '%s'", p.Bucket, region, p.Region)
	}
	if !s.mayWrite(ctx, p, key) {
		return fail("InvalidConfigurationRequest", "Access Denied for bucket: %s. Please check S3bucket permission", p.Bucket)
	}
	kind := "application/octet-stream"
	if !strings.HasSuffix(key, ".gz") {
		kind = "text/plain"
	}
	_, err = s.Buckets.PutObject(ctx, &s3.PutObjectInput{Bucket: &p.Bucket, Key: &key, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))), ContentType: &kind})
	if err != nil {
		return fail("InvalidConfigurationRequest", "The S3 bucket '%s' cannot be used: %s", p.Bucket, err)
	}
	return nil
}

// mayWrite asks the bucket's policy, which must name the delivery of logs.
func (s *Service) mayWrite(ctx context.Context, p accesslog.Place, key string) bool {
	out, err := s.Buckets.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &p.Bucket})
	if err != nil {
		return false
	}
	doc, err := iampolicy.Parse(aws.ToString(out.Policy), iampolicy.Resource)
	if err != nil {
		return false
	}
	facts := map[string][]string{
		"s3:x-amz-acl": {"bucket-owner-full-control"}, "aws:sourceaccount": {s.Site.Account},
		"aws:sourcearn": {s.arn(balancerARN, p.Region, p.Balancer)}, "aws:securetransport": {"true"},
	}
	who := []iampolicy.Principal{{Service: deliverer}}
	if a := deliveryAccounts[p.Region]; a != "" {
		who = append(who, iampolicy.Principal{Account: a, ARN: "arn:aws:iam::" + a + ":root"})
	}
	allowed := false
	for _, w := range who {
		effect, _ := doc.Evaluate(&iampolicy.Request{Action: "s3:PutObject", Resource: "arn:aws:s3:::" + p.Bucket + "/" + key, Principal: w,
			Context: func(key string) []string { return facts[key] }})
		switch effect {
		case iampolicy.Deny:
			return false
		case iampolicy.Allow:
			allowed = true
		}
	}
	return allowed
}
