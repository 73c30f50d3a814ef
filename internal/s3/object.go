package s3

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// object is the stored document of one version, or of a delete marker.
type object struct {
	Key string
	// Version is where it sorts among the key's versions (see versionID) and,
	// unless Null, the VersionId that clients see.
	Version string
	Null    bool `json:",omitempty"`
	Marker  bool `json:",omitempty"`
	// Seq is the time that Version encodes, made to grow with every version.
	Seq      int64
	Modified time.Time
	// Superseded is when it became noncurrent; zero while it is current.
	Superseded time.Time `json:",omitzero"`

	Size int64
	ETag string `json:",omitempty"` // with its quotes
	// Data names the bytes: a blob, or the upload whose parts they are if
	// Parts is not zero. Empty objects have none.
	Data  string `json:",omitempty"`
	Parts int32  `json:",omitempty"`
	// Upload is set for what CompleteMultipartUpload made.
	Upload string `json:",omitempty"`

	Attributes attributes
	Checksum   types.Checksum
	Tags       []types.Tag   `json:",omitempty"`
	Grants     []types.Grant `json:",omitempty"` // nil: all for the owner
	// Restored is until when an archived object can be read.
	Restored time.Time `json:",omitzero"`
}

// attributes are what a client says of an object when it puts it, and hears
// again when it gets it. Names and types are those of the SDK's inputs and
// outputs, see copyFields.
type attributes struct {
	CacheControl            *string                    `json:",omitempty"`
	ContentDisposition      *string                    `json:",omitempty"`
	ContentEncoding         *string                    `json:",omitempty"`
	ContentLanguage         *string                    `json:",omitempty"`
	ContentType             *string                    `json:",omitempty"`
	Expires                 *time.Time                 `json:",omitempty"`
	WebsiteRedirectLocation *string                    `json:",omitempty"`
	Metadata                map[string]string          `json:",omitempty"`
	StorageClass            types.StorageClass         `json:",omitempty"` // "" is STANDARD
	ServerSideEncryption    types.ServerSideEncryption `json:",omitempty"`
	SSEKMSKeyId             *string                    `json:",omitempty"`
	BucketKeyEnabled        *bool                      `json:",omitempty"`
}

const (
	objects  = store.Table[object]("s3.object")  // BUCKET KEY: current versions
	versions = store.Table[object]("s3.version") // BUCKET KEY VERSION: noncurrent ones
	nulls    = store.Table[string]("s3.null")    // BUCKET KEY: Version of the noncurrent null version
)

const (
	nullVersion   = "null"
	versionLength = 32
	seqDigits     = 11 // of base 62: enough for 63 bits
)

// versionID makes an id that sorts before those of all smaller seq.
func versionID(ids id.Source, seq int64) string {
	return ordered(uint64(1<<63-1)-uint64(seq)) + id.Of(ids, id.AlphaNum, versionLength-seqDigits)
}

// ordered writes n so that the texts sort as the numbers do.
func ordered(n uint64) string {
	var b [seqDigits]byte
	for i := seqDigits - 1; i >= 0; i-- {
		b[i] = id.AlphaNum[n%62]
		n /= 62
	}
	return string(b[:])
}

// validVersion tells whether S3 could have given this id.
func validVersion(v string) bool {
	if v == nullVersion {
		return true
	}
	return len(v) == versionLength && strings.Trim(v, id.AlphaNum) == ""
}

// versionOf is the id that clients of the bucket see; nil where versioning
// never was.
func (o *object) versionOf(b *bucket) *string {
	switch {
	case b.Versioning == "":
		return nil
	case o.Null:
		v := nullVersion
		return &v
	default:
		return &o.Version
	}
}

// listedVersion is the id in lists, which always have one.
func (o *object) listedVersion() *string {
	if o.Null {
		v := nullVersion
		return &v
	}
	return &o.Version
}

// class is the storage class where it is always said.
func (o *object) class() types.StorageClass {
	if o.Attributes.StorageClass == "" {
		return types.StorageClassStandard
	}
	return o.Attributes.StorageClass
}

// modified is the time to the second, as HTTP has it and S3 keeps it.
func (o *object) modified() *time.Time {
	t := o.Modified.Truncate(time.Second)
	return &t
}
