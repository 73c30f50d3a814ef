package wire

import (
	"net"
	"strings"
)

// VirtualHostBucket is the bucket that a virtual-host style S3 request names in
// its Host header: BUCKET.s3.localhost, BUCKET.s3.REGION.localhost or
// BUCKET.localhost, each with or without a port. Load balancers' names
// (NAME.elb.localhost) are none. Bound.Find does this by itself; the gateway
// needs it to route.
func VirtualHostBucket(host string) (bucket string, ok bool) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	name, ok := strings.CutSuffix(strings.TrimSuffix(host, "."), ".localhost")
	if !ok || name == "s3" || strings.HasPrefix(name, "s3.") {
		return "", false
	}
	if bucket, ok := strings.CutSuffix(name, ".s3"); ok {
		return bucket, bucket != ""
	}
	if i := strings.LastIndex(name, ".s3."); i > 0 && !strings.Contains(name[i+4:], ".") {
		return name[:i], true
	}
	if name == "elb" || strings.HasSuffix(name, ".elb") {
		return "", false
	}
	return name, true
}
