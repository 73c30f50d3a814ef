package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
)

// eventDetail has the form of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
type eventDetail struct {
	Version      string      `json:"version"`
	Bucket       eventBucket `json:"bucket"`
	Object       eventObject `json:"object"`
	RequestID    string      `json:"request-id,omitempty"`
	Requester    string      `json:"requester"`
	Reason       string      `json:"reason"`
	DeletionType string      `json:"deletion-type,omitempty"`
}

type eventBucket struct {
	Name string `json:"name"`
}

type eventObject struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"etag,omitempty"`
	VersionID string `json:"version-id,omitempty"`
	Sequencer string `json:"sequencer"`
}

func (s *Service) emitCreated(ctx context.Context, tx *engine.Tx, b *bucket, o *object, reason string) error {
	return s.emit(tx, b, "Object Created", eventDetail{
		Object:    eventObject{Key: o.Key, Size: &o.Size, ETag: strings.Trim(o.ETag, `"`), VersionID: aws.ToString(o.versionOf(b)), Sequencer: fmt.Sprintf("%016X", o.Seq)},
		RequestID: identity.RequestID(ctx), Requester: account(ctx), Reason: reason,
	})
}

func (s *Service) emitDeleted(ctx context.Context, tx *engine.Tx, b *bucket, key string, d deletion, markerCreated bool, reason string) error {
	return s.emit(tx, b, "Object Deleted", eventDetail{
		Object:    eventObject{Key: key, VersionID: aws.ToString(d.version), Sequencer: fmt.Sprintf("%016X", s.engine.Now().UnixNano())},
		RequestID: identity.RequestID(ctx), Requester: account(ctx), Reason: reason, DeletionType: deletionType(markerCreated),
	})
}

// emitExpired is emitDeleted of a lifecycle rule, which has no caller.
func (s *Service) emitExpired(tx *engine.Tx, b *bucket, key string, d deletion, markerCreated bool) error {
	return s.emit(tx, b, "Object Deleted", eventDetail{
		Object:    eventObject{Key: key, VersionID: aws.ToString(d.version), Sequencer: fmt.Sprintf("%016X", s.engine.Now().UnixNano())},
		Requester: "s3.amazonaws.com", Reason: "Lifecycle Expiration", DeletionType: deletionType(markerCreated),
	})
}

func deletionType(markerCreated bool) string {
	if markerCreated {
		return "Delete Marker Created"
	}
	return "Permanently Deleted"
}

// emit sends an event of every bucket: pipelines with an S3 source that AWS
// would poll for are started by it. EventBridge's rules see those only of the
// buckets that have it switched on.
func (s *Service) emit(tx *engine.Tx, b *bucket, detailType string, d eventDetail) error {
	d.Version, d.Bucket.Name = "0", b.Name
	detail, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return s.bus.Emit(tx, bus.Event{
		DetailType: detailType, Source: "aws.s3", Account: b.Account, Region: b.Region,
		Resources: []string{bucketARN(b.Name)}, Detail: detail, Private: !b.EventBridge,
	})
}
