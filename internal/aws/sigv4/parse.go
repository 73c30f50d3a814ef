package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	regionPattern = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	hexPattern    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

const (
	maxHeader  = 16 << 10 // bytes of an Authorization header
	maxSigned  = 128      // signed headers
	maxExpires = 604800   // seconds, S3's limit
)

// Parse reads the claim of r and checks all that needs no secret.
func Parse(r *http.Request, now time.Time) (*Claim, error) {
	if err := checkURI(r); err != nil {
		return nil, err
	}
	header := r.Header.Get("Authorization")
	query, presigned := presignedQuery(r)
	switch {
	case strings.HasPrefix(header, "AWS "),
		!presigned && strings.Contains(r.URL.RawQuery, "AWSAccessKeyId=") && strings.Contains(r.URL.RawQuery, "Signature="):
		return nil, fail(VersionTwo, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	case header == "" && !presigned:
		return nil, fail(Missing, "Request is missing Authentication Token")
	case header != "" && presigned:
		return nil, fail(Mismatch, "Authentication is accepted in the Authorization header or in the query string, not in both.")
	case presigned:
		return parseQuery(query, now)
	}
	return parseHeader(r, header, now)
}

func checkURI(r *http.Request) error {
	path, query := target(r)
	if bad := badEscape(path); bad != "" {
		return fail(InvalidURI, "Illegal hex character in escape % pattern: "+bad)
	}
	if bad := badEscape(query); bad != "" {
		return fail(InvalidURI, "Illegal hex character in escape % pattern: "+bad)
	}
	return nil
}

func badEscape(s string) string {
	for i := strings.IndexByte(s, '%'); i >= 0; {
		if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
			return s[i:min(i+3, len(s))]
		}
		n := strings.IndexByte(s[i+3:], '%')
		if n < 0 {
			break
		}
		i += 3 + n
	}
	return ""
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func presignedQuery(r *http.Request) (url.Values, bool) {
	if !strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm") && !strings.Contains(r.URL.RawQuery, "X-Amz-Signature") {
		return nil, false
	}
	q := r.URL.Query()
	return q, q.Has("X-Amz-Algorithm") || q.Has("X-Amz-Signature")
}

func parseHeader(r *http.Request, header string, now time.Time) (*Claim, error) {
	if len(header) > maxHeader {
		return nil, fail(Malformed, "Authorization header is too long.")
	}
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != Algorithm {
		return nil, fail(Malformed, fmt.Sprintf("Unsupported AWS 'algorithm': '%s'.", clip(algorithm)))
	}
	var credential, signed, signature string
	for part := range strings.SplitSeq(rest, ",") {
		part = strings.TrimSpace(part)
		k, v, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fail(Malformed, fmt.Sprintf("'%s' not a valid key=value pair (missing equal-sign) in Authorization header.", clip(part)))
		}
		switch k {
		case "Credential":
			credential = v
		case "SignedHeaders":
			signed = v
		case "Signature":
			signature = v
		}
	}
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		date = httpDate(r.Header.Get("Date"))
	}
	missing := ""
	for _, p := range []struct{ value, text string }{
		{credential, "Authorization header requires 'Credential' parameter. "},
		{signature, "Authorization header requires 'Signature' parameter. "},
		{signed, "Authorization header requires 'SignedHeaders' parameter. "},
		{date, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "},
	} {
		if p.value == "" {
			missing += p.text
		}
	}
	if missing != "" {
		return nil, fail(Malformed, missing+"Authorization="+Algorithm)
	}
	c := &Claim{
		Token:     r.Header.Get("X-Amz-Security-Token"),
		signature: []byte(signature),
		payload:   r.Header.Get("X-Amz-Content-Sha256"),
	}
	if err := c.setSigned(signed); err != nil {
		return nil, err
	}
	if err := c.setTime(date); err != nil {
		return nil, err
	}
	if err := c.checkSkew(now, Skew); err != nil {
		return nil, err
	}
	return c, c.setCredential(credential, Malformed)
}

// httpDate turns the Date header, in whatever form HTTP or AWS's older clients
// have for it, into X-Amz-Date's.
func httpDate(s string) string {
	if t, err := http.ParseTime(s); err == nil {
		return t.UTC().Format(timeFormat)
	}
	return s
}

func parseQuery(q url.Values, now time.Time) (*Claim, error) {
	missing := ""
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if q.Get(name) == "" {
			missing += "AWS query-string parameters must include '" + name + "'. "
		}
	}
	if missing != "" {
		return nil, fail(PresignMalformed, missing+"Re-examine the query-string parameters.")
	}
	if a := q.Get("X-Amz-Algorithm"); a != Algorithm {
		return nil, fail(PresignMalformed, fmt.Sprintf("Unsupported AWS 'algorithm': '%s'.", clip(a)))
	}
	c := &Claim{
		Presigned: true,
		Token:     q.Get("X-Amz-Security-Token"),
		signature: []byte(q.Get("X-Amz-Signature")),
		payload:   q.Get("X-Amz-Content-Sha256"),
	}
	if err := c.setSigned(q.Get("X-Amz-SignedHeaders")); err != nil {
		return nil, err
	}
	if err := c.setTime(q.Get("X-Amz-Date")); err != nil {
		return nil, err
	}
	if err := c.setCredential(q.Get("X-Amz-Credential"), PresignMalformed); err != nil {
		return nil, err
	}
	return c, c.setExpires(q.Get("X-Amz-Expires"), now)
}

// setExpires checks a presigned request's life. S3 wants one; elsewhere a
// request without it lives as long as one signed in a header.
func (c *Claim) setExpires(s string, now time.Time) error {
	seconds, err := strconv.Atoi(s)
	switch {
	case s == "" && c.Service != "s3":
		seconds = int(15 * time.Minute / time.Second)
	case s == "":
		return fail(PresignMalformed, "AWS query-string parameters must include 'X-Amz-Expires'. Re-examine the query-string parameters.")
	case err != nil:
		return fail(PresignMalformed, "X-Amz-Expires should be a number")
	case seconds < 0:
		return fail(PresignMalformed, "X-Amz-Expires must be non-negative")
	case seconds > maxExpires:
		return fail(PresignMalformed, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	c.Expires = time.Duration(seconds) * time.Second
	if now.After(c.Time.Add(c.Expires)) {
		return fail(PresignExpired, "Request has expired")
	}
	if c.Time.After(now.Add(Skew)) {
		return c.checkSkew(now, Skew)
	}
	return nil
}

func (c *Claim) setSigned(s string) error {
	if strings.Count(s, ";") >= maxSigned {
		return fail(Malformed, "Too many signed headers.")
	}
	c.SignedHeaders = strings.Split(strings.ToLower(s), ";")
	slices.Sort(c.SignedHeaders)
	if !slices.Contains(c.SignedHeaders, "host") && !slices.Contains(c.SignedHeaders, ":authority") {
		return fail(Mismatch, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return nil
}

func (c *Claim) setTime(date string) error {
	t, err := time.Parse(timeFormat, date)
	if err != nil {
		return fail(Malformed, fmt.Sprintf("Date must be in ISO-8601 'basic format'. Got '%s'.", clip(date)))
	}
	c.Time, c.timestamp = t, date
	return nil
}

func (c *Claim) checkSkew(now time.Time, skew time.Duration) error {
	minutes := int(skew / time.Minute)
	early, late := now.Add(-skew).UTC(), now.Add(skew).UTC()
	now = now.UTC()
	switch {
	case c.Time.Before(early.Truncate(time.Second)):
		return fail(Skewed, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			c.timestamp, early.Format(timeFormat), now.Format(timeFormat), minutes))
	case c.Time.After(late):
		return fail(Skewed, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			c.timestamp, late.Format(timeFormat), now.Format(timeFormat), minutes))
	}
	return nil
}

func (c *Claim) setCredential(s string, malformed Kind) error {
	p := strings.Split(s, "/")
	if len(p) != 5 {
		return fail(malformed, fmt.Sprintf("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", clip(s)))
	}
	c.AccessKeyID, c.Date, c.Region, c.Service = p[0], p[1], p[2], p[3]
	var faults []string
	if !regionPattern.MatchString(c.Region) {
		faults = append(faults, fmt.Sprintf("Credential should be scoped to a valid region, not '%s'. ", clip(c.Region)))
	}
	if p[4] != "aws4_request" {
		faults = append(faults, fmt.Sprintf("Credential should be scoped with a valid terminator: 'aws4_request', not '%s'. ", clip(p[4])))
	}
	if day := c.timestamp[:8]; c.Date != day {
		faults = append(faults, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", clip(c.Date), day, c.timestamp))
	}
	if len(faults) > 0 {
		return fail(Mismatch, strings.TrimSpace(strings.Join(faults, "")))
	}
	return nil
}

// clip keeps hostile input in messages short and printable.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) > 128 {
		s = strings.ToValidUTF8(s[:128], "")
	}
	return s
}
