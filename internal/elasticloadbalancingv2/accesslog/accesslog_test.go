package accesslog

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
)

// The lines are those of AWS's documentation.
func TestEntries(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	forward := Entry{
		Type: "http", Time: at("2018-07-02T22:23:00.186641Z"), Balancer: "app/my-loadbalancer/50dc6c495c0c9188", Client: "192.168.131.39:2817", Target: "10.0.0.1:80",
		Took: time.Millisecond, Status: 200, Targets: 200, Received: 34, Sent: 366, Method: "GET", URL: "http://www.example.com:80/", Protocol: "HTTP/1.1", Agent: "curl/7.46.0",
		Group: "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067", Trace: "Root=1-58337262-36d228ad5d99923122bbe354",
		Created: at("2018-07-02T22:22:48.364000Z"), Actions: "forward", TraceConn: "TID_1234abcd5678ef90",
	}
	const want = `http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234abcd5678ef90` + "\n"
	if got := string(forward.Append(nil)); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	bad := Entry{Type: "http", Time: at("2018-07-02T22:23:00Z"), Created: at("2018-07-02T22:23:00Z"), Waited: -1, Took: -1, Answered: -1, Status: 502, Method: "GET", URL: "http://x:80/\"\n", Protocol: "HTTP/1.1", Agent: `a"b\c`, Priority: -1}
	if got := string(bad.Append(nil)); !strings.Contains(got, ` - - -1 -1 -1 502 - 0 0 "GET http://x:80/\"\x0A HTTP/1.1" "a\"b\\c" - - - "-"`) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %s", got)
	}
	c := Connection{Time: at("2023-10-04T17:05:15.514108Z"), Address: "203.0.113.1", Port: "36280", Listener: 443, TLS: "TLSv1.2", Cipher: "ECDHE-RSA-AES128-GCM-SHA256", Handshake: 4036 * time.Microsecond, Trace: "TID_1"}
	if got := string(c.Append(nil)); got != "2023-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 0.004 \"-\" - - - TID_1\n" {
		t.Errorf("got %s", got)
	}
}

func TestNames(t *testing.T) {
	p := Place{Kind: Access, Region: "us-east-2", Balancer: "app/web/1234567890abcdef", Bucket: "b", Prefix: "/my/prefix/"}
	end := time.Date(2022, 5, 1, 23, 40, 5, 0, time.UTC)
	if k := p.Key("123456789012", end, "20sg8hgm"); k != "my/prefix/AWSLogs/123456789012/elasticloadbalancing/us-east-2/2022/05/01/123456789012_elasticloadbalancing_us-east-2_app.web.1234567890abcdef_20220501T2340Z_127.0.0.1_20sg8hgm.log.gz" {
		t.Error(k)
	}
	if k := p.Trial("1"); k != "my/prefix/AWSLogs/1/ELBAccessLogTestFile" {
		t.Error(k)
	}
	p.Kind, p.Prefix = Connections, ""
	if k := p.Key("1", end, "x"); k != "AWSLogs/1/elasticloadbalancing/us-east-2/2022/05/01/conn_log.1_elasticloadbalancing_us-east-2_app.web.1234567890abcdef_20220501T2340Z_127.0.0.1_x.log.gz" {
		t.Error(k)
	}
}

// receiver is a bucket that may be away.
type receiver struct {
	mu    sync.Mutex
	away  error
	files []string
}

func (r *receiver) deliver(_ context.Context, p Place, _ time.Time, body []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away != nil {
		return r.away
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return err
	}
	b, err := io.ReadAll(z)
	r.files = append(r.files, p.Balancer+": "+string(b))
	return err
}

func TestJournal(t *testing.T) {
	now := clock.NewFake(time.Now().Truncate(deliverEvery).Add(time.Minute))
	dir := filepath.Join(t.TempDir(), "logs")
	r := &receiver{}
	cfg := Config{Dir: dir, Clock: now, Log: slog.New(slog.DiscardHandler), Deliver: r.deliver}
	open := func() *Journal {
		j, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	a, b := Place{Kind: Access, Balancer: "a"}, Place{Kind: Access, Balancer: "b"}
	j := open()
	j.Write(a, []byte("1\n"))
	j.Write(b, []byte("2\n"))
	j.Write(a, []byte("3\n"))
	now.Advance(3 * time.Minute)
	if len(r.files) != 0 {
		t.Errorf("early: %q", r.files)
	}
	now.Advance(time.Minute)
	if got := fmt.Sprintf("%q", r.files); got != `["a: 1\n3\n" "b: 2\n"]` && got != `["b: 2\n" "a: 1\n3\n"]` {
		t.Errorf("got %s", got)
	}
	r.files = nil
	now.Advance(10 * time.Minute)
	if len(r.files) != 0 {
		t.Errorf("nothing happened: %q", r.files)
	}
	// While the bucket is away, logs stay; so they do when the process dies.
	r.away = errors.New("away")
	j.Write(a, []byte("4\n"))
	now.Advance(5 * time.Minute)
	j.Write(a, []byte("5\n"))
	now.Advance(saveEvery)
	r.away = nil
	j = open()
	now.Advance(5 * time.Minute)
	if got := strings.Join(r.files, ""); !strings.Contains(got, "a: 4\n") || !strings.Contains(got, "a: 5\n") {
		t.Errorf("after a crash: %q", r.files)
	}
	r.files = nil
	// A large one goes at once, and the rest with the end.
	line := []byte(strings.Repeat("x", 1<<20) + "\n")
	for range 17 {
		j.Write(a, line)
	}
	j.Close()
	total := 0
	for _, f := range r.files {
		total += len(f) - len("a: ")
	}
	if total != 17*len(line) {
		t.Errorf("%d files of %d bytes", len(r.files), total)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	j.Write(a, line) // nobody minds
}

// A directory that cannot be written to costs lines, and one complaint; when it
// can be again, so are logs.
func TestUnwritable(t *testing.T) {
	now := clock.NewFake(time.Now())
	dir := filepath.Join(t.TempDir(), "logs")
	r := &receiver{}
	var said bytes.Buffer
	j, err := Open(Config{Dir: dir, Clock: now, Log: slog.New(slog.NewTextHandler(&said, nil)), Deliver: r.deliver})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	a := Place{Kind: Access, Balancer: "a"}
	for range 100 {
		j.Write(a, []byte("lost\n"))
	}
	if n := strings.Count(said.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d complaints", n)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	now.Advance(failPause)
	j.Write(a, []byte("kept\n"))
	j.Close()
	if got := fmt.Sprintf("%q", r.files); got != `["a: kept\n"]` {
		t.Errorf("got %s", got)
	}
}
