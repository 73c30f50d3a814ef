package identity

import "context"

type sourceKey struct{}

// WithSourceIP returns a context of a request from an address.
func WithSourceIP(ctx context.Context, ip string) context.Context {
	return context.WithValue(ctx, sourceKey{}, ip)
}

// SourceIP is the address a request came from, "" for those through the socket.
func SourceIP(ctx context.Context) string {
	ip, _ := ctx.Value(sourceKey{}).(string)
	return ip
}

// RegionOf is Region for those who can do without one.
func RegionOf(ctx context.Context) (region string, ok bool) {
	region, ok = ctx.Value(regionKey).(string)
	return region, ok
}
