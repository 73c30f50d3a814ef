package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxListed is the most keys of one answer.
const maxListed = 1000

// beyond follows every byte of UTF-8, so prefix+beyond follows all keys that
// begin with the prefix.
const beyond = "\xff"

// listing is a question to the current versions of a bucket.
type listing struct {
	prefix, delimiter string
	after             string // keys and common prefixes up to it are left out
	limit             int
}

// listed is the answer: objects and common prefixes in one order.
type listed struct {
	objects   []*object
	prefixes  []string
	truncated bool
	last      string // the last key or common prefix
}

// list walks the keys of a bucket, jumping over what a common prefix covers.
func list(r store.Reader, bucket string, q listing) (*listed, error) {
	out := &listed{}
	if q.limit == 0 {
		return out, nil
	}
	base := store.Prefix(string(objects), bucket)
	start := ""
	if q.after != "" {
		start = base + q.after
		if q.delimiter != "" && strings.HasPrefix(q.after, q.prefix) {
			if cp := commonPrefix(q.after, q.prefix, q.delimiter); cp != "" && cp == q.after {
				start += beyond // the answer before ended with this common prefix
			}
		}
	}
	p := newPager(r, base+q.prefix, start)
	for {
		e, err := p.peek()
		if err != nil || e == nil {
			return out, err
		}
		key := e.Key[len(base):]
		if q.after != "" && key <= q.after {
			p.pop()
			continue
		}
		var o object
		if err := json.Unmarshal(e.Value, &o); err != nil {
			return nil, fmt.Errorf("s3: decode object: %w", err)
		}
		if o.Marker {
			p.pop()
			continue
		}
		if len(out.objects)+len(out.prefixes) == q.limit {
			out.truncated = true
			return out, nil
		}
		if cp := commonPrefix(key, q.prefix, q.delimiter); cp != "" {
			out.prefixes = append(out.prefixes, cp)
			out.last = cp
			p.seek(base + cp + beyond)
			continue
		}
		out.objects = append(out.objects, &o)
		out.last = key
		p.pop()
	}
}

// commonPrefix is what key rolls up into; "" if it does not.
func commonPrefix(key, prefix, delimiter string) string {
	if delimiter == "" {
		return ""
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(prefix)+i+len(delimiter)]
}

// ListObjectsV2 lists current versions in the order of their keys' bytes.
func (s *Service) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	limit, err := checkLimit("max-keys", in.MaxKeys)
	if err != nil {
		return nil, err
	}
	q := listing{prefix: aws.ToString(in.Prefix), delimiter: aws.ToString(in.Delimiter), after: aws.ToString(in.StartAfter), limit: limit}
	scope := strings.Join([]string{"s3.ListObjectsV2", aws.ToString(in.Bucket), q.prefix, q.delimiter}, "\x00")
	if in.ContinuationToken != nil {
		var ok bool
		if q.after, ok = wire.DecodeToken(scope, *in.ContinuationToken); !ok {
			return nil, invalid("continuation-token", *in.ContinuationToken, "The continuation token provided is incorrect")
		}
	}
	var got *listed
	var b *bucket
	err = s.engine.View(ctx, func(r store.Reader) error {
		if b, err = s.bucket(ctx, r, in.Bucket, in.ExpectedBucketOwner); err != nil {
			return err
		}
		got, err = list(r, b.Name, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	enc, now := encoder(in.EncodingType), s.engine.Now()
	out := &s3.ListObjectsV2Output{
		Name: in.Bucket, Prefix: enc(q.prefix), MaxKeys: aws.Int32(int32(limit)), EncodingType: in.EncodingType,
		IsTruncated: &got.truncated, KeyCount: aws.Int32(int32(len(got.objects) + len(got.prefixes))),
		ContinuationToken: in.ContinuationToken, CommonPrefixes: commonPrefixes(got.prefixes, enc),
	}
	if in.Delimiter != nil && q.delimiter != "" {
		out.Delimiter = enc(q.delimiter)
	}
	if in.StartAfter != nil {
		out.StartAfter = enc(*in.StartAfter)
	}
	if got.truncated {
		out.NextContinuationToken = aws.String(wire.EncodeToken(scope, got.last))
	}
	for _, o := range got.objects {
		item := listedObject(o, enc)
		item.RestoreStatus = o.restoreStatus(in.OptionalObjectAttributes, now)
		if aws.ToBool(in.FetchOwner) {
			item.Owner = owner(b.Account)
		}
		out.Contents = append(out.Contents, item)
	}
	return out, nil
}

// ListObjects is the first version, which goes on at a key.
func (s *Service) ListObjects(ctx context.Context, in *s3.ListObjectsInput, _ ...func(*s3.Options)) (*s3.ListObjectsOutput, error) {
	limit, err := checkLimit("max-keys", in.MaxKeys)
	if err != nil {
		return nil, err
	}
	q := listing{prefix: aws.ToString(in.Prefix), delimiter: aws.ToString(in.Delimiter), after: aws.ToString(in.Marker), limit: limit}
	var got *listed
	var b *bucket
	err = s.engine.View(ctx, func(r store.Reader) error {
		if b, err = s.bucket(ctx, r, in.Bucket, in.ExpectedBucketOwner); err != nil {
			return err
		}
		got, err = list(r, b.Name, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	enc, now := encoder(in.EncodingType), s.engine.Now()
	out := &s3.ListObjectsOutput{
		Name: in.Bucket, Prefix: enc(q.prefix), Marker: enc(q.after), MaxKeys: aws.Int32(int32(limit)),
		EncodingType: in.EncodingType, IsTruncated: &got.truncated, CommonPrefixes: commonPrefixes(got.prefixes, enc),
	}
	if q.delimiter != "" {
		out.Delimiter = enc(q.delimiter)
		if got.truncated {
			out.NextMarker = enc(got.last) // without a delimiter, the last key is the marker
		}
	}
	for _, o := range got.objects {
		item := listedObject(o, enc)
		item.RestoreStatus = o.restoreStatus(in.OptionalObjectAttributes, now)
		item.Owner = owner(b.Account)
		out.Contents = append(out.Contents, item)
	}
	return out, nil
}

func listedObject(o *object, enc func(string) *string) types.Object {
	return types.Object{
		Key: enc(o.Key), ETag: &o.ETag, Size: &o.Size, LastModified: o.modified(),
		StorageClass: types.ObjectStorageClass(o.class()), ChecksumAlgorithm: algorithmsOf(&o.Checksum), ChecksumType: o.Checksum.ChecksumType,
	}
}

func commonPrefixes(prefixes []string, enc func(string) *string) []types.CommonPrefix {
	var out []types.CommonPrefix
	for _, p := range prefixes {
		out = append(out, types.CommonPrefix{Prefix: enc(p)})
	}
	return out
}

// checkLimit reads max-keys and its like: more than the most is the most.
func checkLimit(name string, n *int32) (int, error) {
	switch {
	case n == nil:
		return maxListed, nil
	case *n < 0:
		return 0, invalid(name, itoa(*n), "Argument "+name+" must be an integer between 0 and 2147483647")
	}
	return min(int(*n), maxListed), nil
}

// encoder encodes keys in answers if the client asked for it, as XML cannot
// carry every character of a key.
func encoder(t types.EncodingType) func(string) *string {
	if t != types.EncodingTypeUrl {
		return func(s string) *string { return &s }
	}
	return func(s string) *string {
		e := urlEncode(s)
		return &e
	}
}

// urlEncode is S3's form of URL encoding: a space is '+', slashes stay.
func urlEncode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.*/", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
