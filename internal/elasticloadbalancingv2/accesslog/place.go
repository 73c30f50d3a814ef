package accesslog

import (
	"fmt"
	"strings"
	"time"
)

// Kind of a log.
type Kind string

// The kinds, spelled as in the load balancer's attributes.
const (
	Access      Kind = "access_logs"
	Connections Kind = "connection_logs"
)

// Place is where a log goes.
type Place struct {
	Kind     Kind
	Region   string
	Balancer string // app/NAME/ID
	Bucket   string
	Prefix   string
}

// folder is where all logs of an account go.
func (p Place) folder(account string) string {
	f := "AWSLogs/" + account + "/"
	if prefix := strings.Trim(p.Prefix, "/"); prefix != "" {
		f = prefix + "/" + f
	}
	return f
}

// Trial is the key of the object that is written when the log is turned on.
func (p Place) Trial(account string) string {
	name := "ELBAccessLogTestFile"
	if p.Kind == Connections {
		name = "ELBConnectionLogTestFile"
	}
	return p.folder(account) + name
}

// Key is the key of a log file whose last line is of end. unique is random.
func (p Place) Key(account string, end time.Time, unique string) string {
	end = end.UTC()
	before := ""
	if p.Kind == Connections {
		before = "conn_log."
	}
	return fmt.Sprintf("%selasticloadbalancing/%s/%s/%s%s_elasticloadbalancing_%s_%s_%s_127.0.0.1_%s.log.gz", p.folder(account), p.Region, end.Format("2006/01/02"),
		before, account, p.Region, strings.ReplaceAll(p.Balancer, "/", "."), end.Format("20060102T1504Z"), unique)
}
