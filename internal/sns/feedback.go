package sns

import (
	"context"
	"crypto/md5" //nolint:gosec // a member of SNS's reports, nothing rests on it
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/id"
)

// feedbackOf are the beginnings of the attributes that ask for reports.
var feedbackOf = map[string]string{"http": "HTTP", "https": "HTTP", "lambda": "Lambda", "sqs": "SQS", "firehose": "Firehose", "application": "Application"}

// report is what a log group gets of a delivery ("Amazon SNS message delivery
// status"), with members in SNS's order.
type report struct {
	Notification struct {
		MD5       string `json:"messageMD5Sum"`
		ID        string `json:"messageId"`
		TopicARN  string `json:"topicArn"`
		Timestamp string `json:"timestamp"`
	} `json:"notification"`
	Delivery struct {
		ID          string `json:"deliveryId"`
		Destination string `json:"destination"`
		Response    string `json:"providerResponse"`
		Dwell       int64  `json:"dwellTimeMs"`
		Attempts    int    `json:"attempts"`
		Status      int    `json:"statusCode,omitempty"`
	} `json:"delivery"`
	Status string `json:"status"`
}

// tell writes the report of a delivery that is over, if the topic asks for it:
// of failures each, of successes the share that its sample rate says. It does
// so in the role that the topic names. Nothing fails for want of a report.
func (s *Service) tell(ctx context.Context, t *topic, sub *subscription, d *delivery, a answer, failed error) {
	what, group := "Success", "sns/"+t.Region+"/"+s.Site.Account+"/"+t.Name
	if failed != nil {
		what, group = "Failure", group+"/Failure"
	}
	role := t.Attributes[feedbackOf[sub.Protocol]+what+"FeedbackRoleArn"]
	if role == "" || d.Message.Kind != notification || failed == nil && !s.sampled(t.Attributes[feedbackOf[sub.Protocol]+"SuccessFeedbackSampleRate"]) {
		return
	}
	now := s.Engine.Now()
	var r report
	sum := md5.Sum([]byte(d.Message.Text)) //nolint:gosec // as above
	r.Notification.MD5, r.Notification.ID, r.Notification.TopicARN = hex.EncodeToString(sum[:]), d.Message.ID, s.topicARN(t)
	r.Notification.Timestamp = d.Message.Time.UTC().Format("2006-01-02 15:04:05.000")
	r.Delivery.ID, r.Delivery.Destination, r.Delivery.Response, r.Delivery.Status = id.UUID(s.IDs), place(sub), a.text, a.status
	r.Delivery.Dwell, r.Delivery.Attempts, r.Status = now.Sub(d.Message.Time).Milliseconds(), d.Tries, "SUCCESS"
	if failed != nil {
		r.Status, r.Delivery.Response = "FAILURE", failed.Error()
	} else {
		r.Delivery.Attempts++
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = s.log(ctx, t, role, group, now.Format("2006/01/02"), logs.InputLogEvent{Message: aws.String(string(text)), Timestamp: aws.Int64(now.UnixMilli())})
	}
	if err != nil {
		s.Log.Warn("the status of a delivery was not logged", "topic", s.topicARN(t), "role", role, "group", group, "err", err)
	}
}

// sampled decides whether one success of many is reported; rate is in percent.
func (s *Service) sampled(rate string) bool {
	percent, _ := strconv.Atoi(rate) // none asks for none
	var b [4]byte
	s.IDs.Bytes(b[:])
	return int(binary.BigEndian.Uint32(b[:])%100) < percent
}

// log appends to a stream, which it makes if it is not there.
func (s *Service) log(ctx context.Context, t *topic, role, group, stream string, e logs.InputLogEvent) error {
	cfg, err := s.Sessions.Config(ctx, session.Request{RoleARN: role, Name: "sns-" + t.Name, Service: principal, SourceARN: s.topicARN(t), Region: t.Region})
	if err != nil {
		return err
	}
	client := cloudwatchlogs.NewFromConfig(cfg)
	put := func() error {
		_, err := client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: []logs.InputLogEvent{e}})
		return err
	}
	var missing *logs.ResourceNotFoundException
	if err = put(); !errors.As(err, &missing) {
		return err
	}
	var there *logs.ResourceAlreadyExistsException
	if _, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}); err != nil && !errors.As(err, &there) {
		return err
	}
	if _, err := client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}); err != nil && !errors.As(err, &there) {
		return err
	}
	return put()
}
