package gateway

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/sigv4"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// authenticate verifies r's signature and returns r with caller and region in
// its context and, for S3, a body that is checked as it is read.
func (g *Gateway) authenticate(b *wire.Bound, r *http.Request, rec *record, body []byte) (*http.Request, error) {
	protocol := b.Protocol(r)
	claim, err := sigv4.Parse(r, g.cfg.Clock.Now())
	if err != nil {
		return nil, translate(protocol, err)
	}
	if claim.Service != b.SigningName() {
		return nil, translate(protocol, &sigv4.Error{Kind: sigv4.Mismatch,
			Message: "Credential should be scoped to correct service: '" + b.SigningName() + "'. "})
	}
	ctx := r.Context()
	cred, err := g.cfg.Keys.Lookup(ctx, claim.AccessKeyID, claim.Token)
	var told *wire.Error
	if errors.As(err, &told) && told.Code == "InvalidClientTokenId" && claim.Token != "" && protocol == wire.RESTXML {
		return nil, &wire.Error{Code: "InvalidToken", Status: http.StatusBadRequest,
			Message: "The provided token is malformed or otherwise invalid."}
	}
	if err != nil {
		return nil, translate(protocol, err)
	}
	key := g.signing.For(cred.Secret, claim)
	if err := claim.Verify(r, key, body); err != nil {
		return nil, translate(protocol, err)
	}
	rec.caller = cred.Caller
	ctx = identity.WithCaller(identity.WithRegion(ctx, claim.Region), cred.Caller)
	if ip, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		ctx = identity.WithSourceIP(ctx, ip)
	}
	r = r.WithContext(ctx)
	if protocol == wire.RESTXML {
		content, length, err := claim.Body(r, key)
		if err != nil {
			return nil, err
		}
		r.Body, r.ContentLength = io.NopCloser(content), length
		if content == http.NoBody {
			r.Body = http.NoBody
		}
		// aws-chunked is of the transfer, not of the object.
		if e := r.Header.Get("Content-Encoding"); strings.Contains(e, "aws-chunked") {
			r.Header = r.Header.Clone()
			e = strings.Trim(strings.ReplaceAll(strings.ReplaceAll(e, " ", ""), "aws-chunked", ""), ",")
			if r.Header.Del("Content-Encoding"); e != "" {
				r.Header.Set("Content-Encoding", e)
			}
		}
	}
	return r, nil
}

// name is how a protocol calls a condition, and the status it gives it.
type name struct {
	code   string
	status int
}

// names of failed authentication, by condition: Query, JSON, REST-JSON, S3
// (and EC2, whose codes are others still).
type names struct{ query, json, rest, s3, ec2 name }

var (
	namesMissing = names{
		name{"MissingAuthenticationToken", 403}, name{"MissingAuthenticationTokenException", 400},
		name{"MissingAuthenticationTokenException", 403}, name{"AccessDenied", 403}, name{"AuthFailure", 401}}
	namesMalformed = names{
		name{"IncompleteSignature", 400}, name{"IncompleteSignatureException", 400},
		name{"IncompleteSignatureException", 403}, name{"AuthorizationHeaderMalformed", 400}, name{"AuthFailure", 401}}
	namesUnknownKey = names{
		name{"InvalidClientTokenId", 403}, name{"UnrecognizedClientException", 400},
		name{"UnrecognizedClientException", 403}, name{"InvalidAccessKeyId", 403}, name{"AuthFailure", 401}}
	namesExpired = names{
		name{"ExpiredToken", 403}, name{"ExpiredTokenException", 400},
		name{"ExpiredTokenException", 403}, name{"ExpiredToken", 400}, name{"RequestExpired", 400}}
	namesMismatch = names{
		name{"SignatureDoesNotMatch", 403}, name{"InvalidSignatureException", 400},
		name{"InvalidSignatureException", 403}, name{"SignatureDoesNotMatch", 403}, name{"AuthFailure", 401}}
	namesSkewed = names{
		name{"SignatureDoesNotMatch", 403}, name{"InvalidSignatureException", 400},
		name{"InvalidSignatureException", 403}, name{"RequestTimeTooSkewed", 403}, name{"RequestExpired", 400}}
	namesURI = names{
		name{"InvalidURIPath", 400}, name{"InvalidURIPath", 400},
		name{"InvalidURIPath", 400}, name{"InvalidURI", 400}, name{"InvalidURIPath", 400}}
	namesPresign = names{
		name{"IncompleteSignature", 400}, name{"IncompleteSignatureException", 400},
		name{"IncompleteSignatureException", 403}, name{"AuthorizationQueryParametersError", 400}, name{"AuthFailure", 401}}
	namesPresignExpired = names{
		name{"SignatureDoesNotMatch", 403}, name{"InvalidSignatureException", 400},
		name{"InvalidSignatureException", 403}, name{"AccessDenied", 403}, name{"RequestExpired", 400}}
	namesUnsigned = names{
		name{"SignatureDoesNotMatch", 403}, name{"InvalidSignatureException", 400},
		name{"InvalidSignatureException", 403}, name{"AccessDenied", 403}, name{"AuthFailure", 401}}
	namesDenied = names{
		name{"AccessDenied", 403}, name{"AccessDeniedException", 400},
		name{"AccessDeniedException", 403}, name{"AccessDenied", 403}, name{"UnauthorizedOperation", 403}}
)

func (n names) of(p wire.Protocol) name {
	switch p {
	case wire.JSON, wire.CBOR:
		return n.json
	case wire.RESTJSON:
		return n.rest
	case wire.RESTXML:
		return n.s3
	case wire.EC2:
		return n.ec2
	default:
		return n.query
	}
}

// translate gives a failed authentication or authorization the protocol's own
// code and status. Other errors pass.
func translate(p wire.Protocol, err error) error {
	var sig *sigv4.Error
	var told *wire.Error
	switch {
	case errors.As(err, &sig):
		n, message := kindNames(sig.Kind).of(p), sig.Message
		switch {
		case sig.Kind == sigv4.Missing && p == wire.RESTXML:
			message = "Access Denied" // an anonymous request
		case sig.Kind == sigv4.Skewed && p == wire.RESTXML:
			message = "The difference between the request time and the server's time is too large."
		}
		return &wire.Error{Code: n.code, Status: n.status, Message: message}
	case errors.As(err, &told):
		n, message := names{}, told.Message
		switch told.Code {
		case "InvalidClientTokenId":
			n = namesUnknownKey
		case "ExpiredToken":
			n = namesExpired
		case "AccessDenied":
			n = namesDenied
		default:
			return err
		}
		if told.Code == "InvalidClientTokenId" && p == wire.RESTXML {
			message = "The AWS Access Key Id you provided does not exist in our records."
		}
		as := n.of(p)
		return &wire.Error{Code: as.code, Status: as.status, Message: message, Fields: told.Fields, Header: told.Header}
	}
	return err
}

func kindNames(k sigv4.Kind) names {
	switch k {
	case sigv4.Missing:
		return namesMissing
	case sigv4.InvalidURI:
		return namesURI
	case sigv4.Malformed:
		return namesMalformed
	case sigv4.Skewed:
		return namesSkewed
	case sigv4.PresignMalformed:
		return namesPresign
	case sigv4.PresignExpired:
		return namesPresignExpired
	case sigv4.HeadersUnsigned:
		return namesUnsigned
	case sigv4.HashMissing, sigv4.VersionTwo:
		n := namesMalformed
		n.s3 = name{"InvalidRequest", 400}
		return n
	}
	return namesMismatch
}
