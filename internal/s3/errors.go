package s3

import (
	"errors"
	"net/http"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/blob"
)

// S3 has more error codes than its model names, so all of them are made here
// by code. Texts follow the list of error responses in AWS's S3 API reference.
var failures = map[string]struct {
	status  int
	message string
}{
	"AccessControlListNotSupported":                  {400, "The bucket does not allow ACLs"},
	"AccessDenied":                                   {403, "Access Denied"},
	"BadDigest":                                      {400, "The Content-MD5 you specified did not match what we received."},
	"BucketAlreadyExists":                            {409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."},
	"BucketAlreadyOwnedByYou":                        {409, "Your previous request to create the named bucket succeeded and you already own it."},
	"BucketNotEmpty":                                 {409, "The bucket you tried to delete is not empty"},
	"CrossLocationLoggingProhibited":                 {403, "Cross S3 location logging not allowed."},
	"EntityTooLarge":                                 {400, "Your proposed upload exceeds the maximum allowed size"},
	"EntityTooSmall":                                 {400, "Your proposed upload is smaller than the minimum allowed size"},
	"IllegalLocationConstraintException":             {400, "The specified location constraint is incompatible for the region specific endpoint this request was sent to."},
	"IncompleteBody":                                 {400, "You did not provide the number of bytes specified by the Content-Length HTTP header"},
	"InsufficientStorage":                            {507, "There is no space left on the disk that keeps the objects"},
	"InvalidArgument":                                {400, "Invalid Argument"},
	"InvalidBucketAclWithObjectOwnership":            {400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"},
	"InvalidBucketName":                              {400, "The specified bucket is not valid."},
	"InvalidBucketState":                             {409, "The request is not valid with the current state of the bucket."},
	"InvalidDigest":                                  {400, "The Content-MD5 you specified was invalid."},
	"InvalidLocationConstraint":                      {400, "The specified location-constraint is not valid"},
	"InvalidObjectState":                             {403, "The operation is not valid for the object's storage class"},
	"InvalidPart":                                    {400, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
	"InvalidPartNumber":                              {416, "The requested partnumber is not satisfiable"},
	"InvalidPartOrder":                               {400, "The list of parts was not in ascending order. Parts must be ordered by part number."},
	"InvalidRange":                                   {416, "The requested range is not satisfiable"},
	"InvalidRequest":                                 {400, "Invalid Request"},
	"InvalidStorageClass":                            {400, "The storage class you specified is not valid"},
	"InvalidTargetBucketForLogging":                  {400, "The target bucket for logging does not exist"},
	"InvalidTag":                                     {400, "The tag provided was not a valid tag."},
	"InvalidURI":                                     {400, "Couldn't parse the specified URI."},
	"KeyTooLongError":                                {400, "Your key is too long"},
	"MalformedACLError":                              {400, "The XML you provided was not well-formed or did not validate against our published schema"},
	"MalformedPolicy":                                {400, "Policies must be valid JSON and the first byte must be '{'"},
	"MalformedXML":                                   {400, "The XML you provided was not well-formed or did not validate against our published schema"},
	"MissingSecurityHeader":                          {400, "Your request was missing a required header"},
	"MetadataTooLarge":                               {400, "Your metadata headers exceed the maximum allowed metadata size"},
	"MethodNotAllowed":                               {405, "The specified method is not allowed against this resource."},
	"NoSuchBucket":                                   {404, "The specified bucket does not exist"},
	"NoSuchBucketPolicy":                             {404, "The bucket policy does not exist"},
	"NoSuchConfiguration":                            {404, "The specified configuration does not exist."},
	"NoSuchCORSConfiguration":                        {404, "The CORS configuration does not exist"},
	"NoSuchKey":                                      {404, "The specified key does not exist."},
	"NoSuchLifecycleConfiguration":                   {404, "The lifecycle configuration does not exist"},
	"NoSuchPublicAccessBlockConfiguration":           {404, "The public access block configuration was not found"},
	"NoSuchTagSet":                                   {404, "The TagSet does not exist"},
	"NoSuchUpload":                                   {404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."},
	"NoSuchVersion":                                  {404, "The specified version does not exist."},
	"NoSuchWebsiteConfiguration":                     {404, "The specified bucket does not have a website configuration"},
	"NotFound":                                       {404, "Not Found"},
	"NotImplemented":                                 {501, "A header you provided implies functionality that is not implemented"},
	"NotModified":                                    {304, "Not Modified"},
	"ObjectLockConfigurationNotFoundError":           {404, "Object Lock configuration does not exist for this bucket"},
	"OwnershipControlsNotFoundError":                 {404, "The bucket ownership controls were not found"},
	"PreconditionFailed":                             {412, "At least one of the pre-conditions you specified did not hold"},
	"ReplicationConfigurationNotFoundError":          {404, "The replication configuration was not found"},
	"ServerSideEncryptionConfigurationNotFoundError": {404, "The server side encryption configuration was not found"},
	"UnexpectedContent":                              {400, "This request does not support content"},
	"UnresolvableGrantByEmailAddress":                {400, "The e-mail address you provided does not match any account on record"},
	"TooManyBuckets":                                 {400, "You have attempted to create more buckets than allowed"},
}

// fail is the error of a code; fields are pairs of a name and a value. The
// name "Message" replaces the usual text.
func fail(code string, fields ...string) *wire.Error {
	f := failures[code]
	e := &wire.Error{Code: code, Message: f.message, Status: f.status}
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "Message" {
			e.Message = fields[i+1]
			continue
		}
		if e.Fields == nil {
			e.Fields = map[string]string{}
		}
		e.Fields[fields[i]] = fields[i+1]
	}
	return e
}

// say is fail with a text of its own.
func say(code, message string, fields ...string) *wire.Error {
	return fail(code, append(fields, "Message", message)...)
}

// invalid is InvalidArgument about one argument.
func invalid(name, value, message string) *wire.Error {
	return fail("InvalidArgument", "Message", message, "ArgumentName", name, "ArgumentValue", value)
}

// notImplemented names what Slipway's S3 does not do.
func notImplemented(what string) *wire.Error {
	return say("NotImplemented", what+" is not implemented.")
}

// with adds response headers to an error.
func with(e *wire.Error, pairs ...string) *wire.Error {
	e.Header = http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		e.Header.Set(pairs[i], pairs[i+1])
	}
	return e
}

// storageError is what a client learns of a failure to write bytes. 507 is not
// among the statuses SDKs retry, which would only fill the disk again.
func storageError(err error) error {
	if errors.Is(err, blob.ErrNoSpace) {
		return fail("InsufficientStorage")
	}
	return err
}

// bodyError is what a client learns of a failure to read its body. The gateway
// gives wire errors for bodies that are not what was signed or checksummed.
func bodyError(err error) error {
	var we *wire.Error
	if errors.As(err, &we) {
		return we
	}
	var stored *storedReadError
	if errors.As(err, &stored) {
		return err
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fail("EntityTooLarge")
	}
	return fail("IncompleteBody")
}

// invalidInput says what S3 says of a request that breaks its model.
func invalidInput(v wire.Violation) error {
	switch {
	case strings.HasPrefix(v.Path, "key") || strings.HasPrefix(v.Path, "Key"):
		return say("InvalidURI", v.Message)
	case v.Path == "policy": // an empty body
		return fail("MalformedPolicy")
	case v.Rule == "required" || v.Rule == "type":
		return say("MalformedXML", failures["MalformedXML"].message+": "+v.Message)
	default:
		return say("InvalidArgument", v.Message)
	}
}
