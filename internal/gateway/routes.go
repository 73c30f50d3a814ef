package gateway

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/sigv4"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// routes finds the service a request is for.
type routes struct {
	all     []*wire.Bound
	target  map[string]*wire.Bound // X-Amz-Target's prefix
	signing map[string]*wire.Bound // credential scope
	version map[string]*wire.Bound // of Query: unsigned requests name nothing else
	model   map[string]*wire.Bound
}

func newRoutes() routes {
	return routes{
		target:  map[string]*wire.Bound{},
		signing: map[string]*wire.Bound{},
		version: map[string]*wire.Bound{},
		model:   map[string]*wire.Bound{},
	}
}

func (t *routes) add(b *wire.Bound) error {
	if t.model[b.Name()] != nil {
		return fmt.Errorf("gateway: service %s is there twice", b.Name())
	}
	t.all = append(t.all, b)
	t.model[b.Name()] = b
	if p := b.TargetPrefix(); p != "" {
		t.target[p] = b
		// com.amazonaws.codeconnections.CodeConnections_20231201 is what botocore
		// sends; other SDKs send the name after the last dot.
		t.target[p[strings.LastIndexByte(p, '.')+1:]] = b
	}
	t.signing[b.SigningName()] = b
	t.version[b.APIVersion()] = b
	return nil
}

func (t *routes) named(model string) *wire.Bound { return t.model[model] }

// find returns the service of r, or an error that names what was asked for.
// The order is: target (or its like in CBOR's paths), credential scope, host, version, and then S3, whose
// paths may be anything.
func (t *routes) find(r *http.Request) (*wire.Bound, error) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		prefix := target[:max(0, strings.LastIndexByte(target, '.'))]
		if b := t.target[prefix]; b != nil {
			return b, nil
		}
		return nil, &wire.Error{Code: "UnknownOperationException", Status: http.StatusBadRequest,
			Message: "The service of the operation " + printable(target) + " is not implemented by Slipway."}
	}
	if prefix := wire.CBORService(r); prefix != "" {
		if b := t.target[prefix]; b != nil {
			return b, nil
		}
		return nil, &wire.Error{Code: "UnknownOperationException", Status: http.StatusBadRequest,
			Message: "The service " + printable(prefix) + " is not implemented by Slipway."}
	}
	if sigv4.Signed(r) {
		name := sigv4.Service(r)
		if b := t.signing[name]; b != nil {
			return b, nil
		}
		if name != "" && name != "s3" {
			return nil, notImplemented(r, name)
		}
	}
	if b := t.byHost(r.Host); b != nil {
		return b, nil
	}
	if b := t.version[queryVersion(r)]; b != nil {
		return b, nil
	}
	if !sigv4.Signed(r) && isForm(r) {
		// Which service would be in the form. It does not matter: no operation
		// of Query is there for strangers, and S3 has none at this address.
		return nil, translate(wire.Query, &sigv4.Error{Kind: sigv4.Missing, Message: "Request is missing Authentication Token"})
	}
	if b := t.signing["s3"]; b != nil {
		return b, nil
	}
	return nil, &wire.Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
		Message: "The service s3 is not implemented by Slipway."}
}

// byHost finds a service in SERVICE.REGION.amazonaws.com, for clients whose
// resolver points AWS's names here, and in SERVICE.localhost. Names that SDKs
// put in front (streaming-, stream-) change nothing.
func (t *routes) byHost(host string) *wire.Bound {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if net.ParseIP(host) != nil || host == "localhost" {
		return nil
	}
	first, _, _ := strings.Cut(host, ".")
	for _, p := range []string{"streaming-", "stream-"} {
		first = strings.TrimPrefix(first, p)
	}
	if first == "s3" || !strings.HasSuffix(host, ".amazonaws.com") {
		return nil
	}
	return t.signing[first]
}

// queryVersion is the API version in an unsigned Query request's URL.
func queryVersion(r *http.Request) string {
	if strings.Contains(r.URL.RawQuery, "Version=") {
		return r.URL.Query().Get("Version")
	}
	return ""
}

// isForm tells whether r is a call of Query that has its parameters in the body.
func isForm(r *http.Request) bool {
	ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodPost && r.URL.Path == "/" && ct == "application/x-www-form-urlencoded"
}

// spoken is the protocol of a request whose service is not here. Signed ones
// that look like REST are of one of the many services that answer JSON, but
// for the few that have S3's protocol.
func spoken(r *http.Request) wire.Protocol {
	p := wire.GuessProtocol(r)
	if p == wire.RESTXML && sigv4.Signed(r) && !slices.Contains([]string{"", "s3", "route53", "cloudfront"}, sigv4.Service(r)) {
		return wire.RESTJSON
	}
	return p
}

func notImplemented(r *http.Request, service string) error {
	e := &wire.Error{Code: "InvalidAction", Status: http.StatusBadRequest,
		Message: "The service " + printable(service) + " is not implemented by Slipway."}
	if spoken(r) == wire.RESTJSON {
		e.Code, e.Status = "UnknownOperationException", http.StatusNotFound
	}
	return e
}

func printable(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return url.PathEscape(s)
}
