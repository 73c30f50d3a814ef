package meter

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Balancer is what happens at one load balancer.
type Balancer struct {
	Region string
	Path   string // app/NAME/ID or net/NAME/ID
	TCP    bool   // it is a network load balancer
	// Zone is where its only node is said to be, "" nowhere; not to be changed
	// while Take runs.
	Zone string

	Connections atomic.Int64 // that clients began
	Rejected    atomic.Int64 // that were closed because there were too many
	Handshakes  atomic.Int64 // of TLS that failed
	Bytes       atomic.Int64 // of requests and answers, headers included
	Fixed       atomic.Int64
	Redirects   atomic.Int64

	open, peak atomic.Int64
	own        [5]atomic.Int64 // answers by class: [3] is 3XX
	special    [4]atomic.Int64 // 500, 502, 503, 504

	mu     sync.Mutex
	groups []*Group
	minute int64 // of which the peak was reported
}

// Namespace is CloudWatch's for the load balancer.
func (b *Balancer) Namespace() string {
	if b.TCP {
		return "AWS/NetworkELB"
	}
	return "AWS/ApplicationELB"
}

// Opened counts a connection of a client.
func (b *Balancer) Opened() {
	b.Connections.Add(1)
	n := b.open.Add(1)
	for {
		p := b.peak.Load()
		if n <= p || b.peak.CompareAndSwap(p, n) {
			return
		}
	}
}

// Closed is the end of what Opened counted.
func (b *Balancer) Closed() { b.open.Add(-1) }

// Answered counts an answer that the load balancer gave itself because it had
// to, or that a fixed response is.
func (b *Balancer) Answered(status int) {
	if class := status / 100; class >= 3 && class <= 5 {
		b.own[class-1].Add(1)
	}
	switch status {
	case 500:
		b.special[0].Add(1)
	case 502, 503, 504:
		b.special[status-501].Add(1)
	}
}

// Group is the counter of one of its target groups.
func (b *Balancer) Group(path string) *Group {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range b.groups {
		if g.Path == path {
			return g
		}
	}
	g := &Group{Path: path, balancer: b}
	b.groups = append(b.groups, g)
	return g
}

// Keep forgets target groups that the load balancer has no more. What they
// counted last is lost.
func (b *Balancer) Keep(wanted func(path string) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.groups[:0:0]
	for _, g := range b.groups {
		if wanted(g.Path) {
			kept = append(kept, g)
		}
	}
	b.groups = kept
}

// Take takes out what was counted since the last time. minute is a number that
// is another one in each minute: connections are reported once in it.
func (b *Balancer) Take(minute int64) []types.MetricDatum {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := data{at: []types.Dimension{{Name: aws.String("LoadBalancer"), Value: &b.Path}}, zone: b.Zone, tcp: b.TCP}
	var sum taken
	for _, g := range b.groups {
		t := g.take()
		sum.add(&t)
		d.group(g, &t)
	}
	connections, bytes := b.Connections.Swap(0), b.Bytes.Swap(0)
	d.count("ClientTLSNegotiationErrorCount", b.Handshakes.Swap(0))
	peak := int64(0)
	if b.minute != minute {
		b.minute = minute
		peak = b.peak.Swap(b.open.Load())
	}
	if b.TCP {
		for _, suffix := range []string{"", "_TCP"} {
			d.total("NewFlowCount"+suffix, float64(connections), types.StandardUnitCount)
			d.total("ActiveFlowCount"+suffix, float64(peak), types.StandardUnitCount)
			d.total("ProcessedBytes"+suffix, float64(bytes), types.StandardUnitBytes)
		}
		d.count("RejectedFlowCount", b.Rejected.Swap(0))
		return d.list
	}
	d.count("NewConnectionCount", connections)
	d.total("ActiveConnectionCount", float64(peak), types.StandardUnitCount)
	d.total("ProcessedBytes", float64(bytes), types.StandardUnitBytes)
	d.count("RejectedConnectionCount", b.Rejected.Swap(0))
	d.count("HTTP_Fixed_Response_Count", b.Fixed.Swap(0))
	d.count("HTTP_Redirect_Count", b.Redirects.Swap(0))
	for class := 3; class <= 5; class++ {
		d.count("HTTPCode_ELB_"+strconv.Itoa(class)+"XX_Count", b.own[class-1].Swap(0))
	}
	for i, code := range []string{"500", "502", "503", "504"} {
		d.count("HTTPCode_ELB_"+code+"_Count", b.special[i].Swap(0))
	}
	d.targets(&sum)
	return d.list
}
