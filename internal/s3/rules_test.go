package s3

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestCombine(t *testing.T) {
	data := make([]byte, 100_000)
	for i := range data {
		data[i] = byte(i * i)
	}
	checksum := func(a types.ChecksumAlgorithm, b []byte) string {
		h := newChecksum(a)
		h.Write(b)
		return encode(h.Sum(nil))
	}
	for _, a := range []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme} {
		for _, cuts := range [][]int{{}, {0}, {1}, {50_000}, {99_999}, {1, 2, 3, 70_001}} {
			var ps []*part
			from := 0
			for _, to := range append(cuts, len(data)) {
				p := &part{Size: int64(to - from)}
				*sum(&p.Checksum, a) = aws.String(checksum(a, data[from:to]))
				ps, from = append(ps, p), to
			}
			if got, want := combine(a, ps), checksum(a, data); got != want {
				t.Errorf("%s cut at %v: %s, want %s", a, cuts, got, want)
			}
		}
	}
}

func TestBucketNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"abc": true, "my-bucket.2026": true, "a23": true, "amzn-s3-demo-bucket": true,
		"ab": false, "": false, "-abc": false, "abc-": false, ".abc": false, "a..b": false, "Abc": false, "a_b": false,
		"192.168.5.4": false, "xn--abc": false, "sthree-x": false, "abc-s3alias": false, "abc--ol-s3": false, "a/b": false, "abc\x00": false,
		"a123456789a123456789a123456789a123456789a123456789a123456789a12":  true,
		"a123456789a123456789a123456789a123456789a123456789a123456789a123": false,
	} {
		if got := validBucketName(name); got != ok {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestPolicyRules(t *testing.T) {
	const start, end = `{"Version":"2012-10-17","Statement":[{`, `}]}`
	for _, c := range []struct {
		policy, message string
		public          bool
	}{
		{start + `"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"` + end, "", true},
		{start + `"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:*"],"Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]` + end, "", true},
		{start + `"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt/*","Condition":{"Bool":{"aws:SecureTransport":false}}` + end, "", false},
		{start + `"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}` + end, "", false},
		{start + `"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt/*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}` + end, "", true},
		{start + `"Effect":"Allow","Principal":{"Service":"logs.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b?t/*"` + end, "", false},
		{`{"Statement":{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"s3:*","Resource":"arn:aws:s3:::bkt"}}`, "", false},
		{`[]`, "Policies must be valid JSON and the first byte must be '{'", false},
		{`{"Statement":[{]}`, "Policies must be valid JSON and the first byte must be '{'", false},
		{`{"Statement":[]}`, "Missing required field Statement", false},
		{`{"Version":"2020-01-01","Statement":[]}`, "The policy must contain a valid version string", false},
		{start + `"Effect":"Maybe"` + end, "Invalid effect: Maybe", false},
		{start + `"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bkt"` + end, "Missing required field Principal", false},
		{start + `"Effect":"Allow","Principal":"me","Action":"s3:*","Resource":"arn:aws:s3:::bkt"` + end, "Invalid principal in policy", false},
		{start + `"Effect":"Allow","Principal":"*","Resource":"arn:aws:s3:::bkt"` + end, "Missing required field Action", false},
		{start + `"Effect":"Allow","Principal":"*","Action":"ec2:Run","Resource":"arn:aws:s3:::bkt"` + end, "Policy has invalid action", false},
		{start + `"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other/*"` + end, "Policy has invalid resource", false},
		{start + `"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt","Extra":1` + end, "Unknown field Extra", false},
	} {
		p, err := parsePolicy(c.policy, "bkt")
		message := ""
		if err != nil {
			message = fail("MalformedPolicy").Code
			message = err.Error()[len(message)+2:]
		}
		if message != c.message {
			t.Errorf("%s\n got %q\nwant %q", c.policy, message, c.message)
		}
		if err == nil && p.public() != c.public {
			t.Errorf("%s: public %v", c.policy, p.public())
		}
	}
}
