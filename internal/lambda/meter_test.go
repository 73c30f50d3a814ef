package lambda

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/clock"
)

// However many events there are, CloudWatch gets a few data of each second.
func TestMeter(t *testing.T) {
	c := clock.NewFake(time.Unix(1000, 0))
	s := &Service{Config: Config{Clock: c}}
	on := &target{version: &version{}, Region: "us-east-1", Function: "f"}
	on.Version = aws.String("1")
	s.meter.due = true // nobody takes them but this test
	for i := range 1000 {
		s.count(on, name{"us-east-1", "f", "live"}, counted(i%2), time.Duration(1+i%200)*time.Millisecond)
	}
	total, errors, durations := 0, 0.0, 0.0
	for at, values := range s.meter.data {
		for _, d := range at.data(values) {
			total++
			for k, v := range d.Values {
				switch {
				case at.version != "1":
				case at.metric == "Errors":
					errors += v * d.Counts[k]
				case at.metric == "Duration":
					durations += d.Counts[k]
				}
			}
			if *d.Timestamp != time.Unix(1000, 0) || len(d.Values) > maxValues || d.Unit == metrics.StandardUnitNone {
				t.Errorf("%+v", d)
			}
		}
	}
	// Four metrics under four sets of dimensions, and more values than a datum takes for one of them.
	if total != 4*4+4 || errors != 500 || durations != 1000 {
		t.Errorf("%d data, %v errors, %v durations", total, errors, durations)
	}
}
