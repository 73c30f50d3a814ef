package wire

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"reflect"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/model"
)

const (
	s3Namespace    = "http://s3.amazonaws.com/doc/2006-03-01/"
	xmlDeclaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
)

// s3Roots are the root elements of S3's answers, as its API reference shows
// them; the model does not name them.
var s3Roots = map[string]string{
	"CompleteMultipartUpload":            "CompleteMultipartUploadResult",
	"CreateMultipartUpload":              "InitiateMultipartUploadResult",
	"CreateSession":                      "CreateSessionResult",
	"DeleteObjects":                      "DeleteResult",
	"GetBucketAccelerateConfiguration":   "AccelerateConfiguration",
	"GetBucketAcl":                       "AccessControlPolicy",
	"GetBucketCors":                      "CORSConfiguration",
	"GetBucketLifecycleConfiguration":    "LifecycleConfiguration",
	"GetBucketLogging":                   "BucketLoggingStatus",
	"GetBucketNotificationConfiguration": "NotificationConfiguration",
	"GetBucketRequestPayment":            "RequestPaymentConfiguration",
	"GetBucketTagging":                   "Tagging",
	"GetBucketVersioning":                "VersioningConfiguration",
	"GetBucketWebsite":                   "WebsiteConfiguration",
	"GetObjectAcl":                       "AccessControlPolicy",
	"GetObjectAttributes":                "GetObjectAttributesResponse",
	"GetObjectTagging":                   "Tagging",
	"ListBucketAnalyticsConfigurations":  "ListBucketAnalyticsConfigurationResult",
	"ListBucketInventoryConfigurations":  "ListInventoryConfigurationsResult",
	"ListBucketMetricsConfigurations":    "ListMetricsConfigurationsResult",
	"ListBuckets":                        "ListAllMyBucketsResult",
	"ListDirectoryBuckets":               "ListAllMyDirectoryBucketsResult",
	"ListMultipartUploads":               "ListMultipartUploadsResult",
	"ListObjectVersions":                 "ListVersionsResult",
	"ListObjects":                        "ListBucketResult",
	"ListObjectsV2":                      "ListBucketResult",
	"ListParts":                          "ListPartsResult",
}

func (c *call) appendS3(b []byte, n *node, v reflect.Value) ([]byte, error) {
	x := xmlEncoder{b: append(b, xmlDeclaration...), millis: true}
	op := c.plan.op.Name
	if op == "GetBucketLocation" {
		// The root itself holds the value; us-east-1 is empty.
		x.open("LocationConstraint", model.Namespace{URI: s3Namespace})
		for i := range n.fields {
			if f := &n.fields[i]; f.member.Name == "LocationConstraint" {
				x.text(v.Field(f.index).String())
			}
		}
		x.close("LocationConstraint")
		return x.b, nil
	}
	root := s3Roots[op]
	if root == "" {
		root = op + "Result"
	}
	x.open(root, model.Namespace{URI: s3Namespace})
	err := x.fields(n, v)
	x.close(root)
	return x.b, err
}

// s3Statuses are the statuses of S3's errors: its model leaves most out. The
// rest are 400.
var s3Statuses = map[int][]string{
	http.StatusNotModified: {"NotModified"},
	http.StatusForbidden: {"AccessDenied", "AccountProblem", "AllAccessDisabled", "ExpiredObjectDeleteMarker",
		"InvalidAccessKeyId", "InvalidObjectState", "InvalidPayer", "InvalidSecurity", "NotSignedUp",
		"ObjectAlreadyInActiveTierError", "ObjectNotInActiveTierError", "RequestTimeTooSkewed", "SignatureDoesNotMatch"},
	http.StatusNotFound: {"NoSuchAccessPoint", "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchCORSConfiguration",
		"NoSuchConfiguration", "NoSuchKey", "NoSuchLifecycleConfiguration", "NoSuchObjectLockConfiguration",
		"NoSuchPublicAccessBlockConfiguration", "NoSuchTagSet", "NoSuchUpload", "NoSuchVersion",
		"NoSuchWebsiteConfiguration", "NotFound", "ObjectLockConfigurationNotFoundError",
		"OwnershipControlsNotFoundError", "ReplicationConfigurationNotFoundError",
		"ServerSideEncryptionConfigurationNotFoundError"},
	http.StatusMethodNotAllowed: {"MethodNotAllowed"},
	http.StatusConflict: {"BucketAlreadyExists", "BucketAlreadyOwnedByYou", "BucketNotEmpty",
		"ConditionalRequestConflict", "InvalidBucketState", "OperationAborted"},
	http.StatusLengthRequired:               {"MissingContentLength"},
	http.StatusPreconditionFailed:           {"PreconditionFailed"},
	http.StatusRequestedRangeNotSatisfiable: {"InvalidRange"},
	http.StatusNotImplemented:               {"NotImplemented"},
	http.StatusInternalServerError:          {"InternalError"},
	http.StatusServiceUnavailable:           {"ServiceUnavailable", "SlowDown"},
}

// hostID is x-amz-id-2, which support asks for; here it only has the form.
func hostID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func writeS3Fault(w http.ResponseWriter, r *http.Request, f *fault) {
	if r.Method == http.MethodHead || f.status == http.StatusNotModified {
		w.WriteHeader(f.status) // clients go by the status
		return
	}
	id := identity.RequestID(r.Context())
	_ = answer(w, f.status, xmlREST, func(b []byte) ([]byte, error) {
		x := xmlEncoder{b: append(b, xmlDeclaration...), millis: true}
		x.open("Error", model.Namespace{})
		x.leaf("Code", f.code)
		x.leaf("Message", f.message)
		x.faultFields(f)
		if _, own := f.fields["Resource"]; !own {
			x.leaf("Resource", r.URL.Path)
		}
		x.leaf("RequestId", id)
		x.leaf("HostId", hostID(id))
		x.close("Error")
		return x.b, nil
	})
}
