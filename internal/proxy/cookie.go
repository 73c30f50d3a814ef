package proxy

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// The load balancer's cookies, in AWS's names. Each has a twin for browsers
// that ask from other sites. Values name a group or a target by a digest; who
// makes one up gets to a target that the rule would send anyone to.
const (
	groupCookie  = "AWSALBTG"
	targetCookie = "AWSALB"
	appCookie    = "AWSALBAPP-0" // beside the application's own
	twin         = "CORS"
)

func groupMark(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return hex.EncodeToString(sum[:16])
}

// value is that of the first of the cookies that a request has.
func value(h plane.Fields, names ...string) string {
	r := http.Request{Header: http.Header{"Cookie": h.Values("Cookie")}} // it reads what browsers send
	for _, n := range names {
		if c, err := r.Cookie(n); err == nil && c.Value != "" {
			return c.Value
		}
	}
	return ""
}

// groupOf is the group that a client stays with; -1 if it has none, or one in
// which nobody takes requests: other groups may. Its weight does not matter any
// more.
func (x *rule) groupOf(h plane.Fields) int {
	mark := value(h, groupCookie, groupCookie+twin)
	if mark == "" {
		return -1
	}
	for i, g := range x.Forward.Groups {
		if groupMark(g.Group) == mark && x.pools[i] != nil && len(x.pools[i].turns) > 0 {
			return i
		}
	}
	return -1
}

// stayed is the target that a client stays with; nil if it has none, or that
// takes no requests.
func (p *pool) stayed(h plane.Fields) *target {
	switch p.Cookie {
	case "lb_cookie":
		return p.marked(value(h, targetCookie, targetCookie+twin))
	case "app_cookie":
		if value(h, p.CookieName) != "" {
			return p.marked(value(h, appCookie))
		}
	}
	return nil
}

// cookies are set on an answer, by Set-Cookie, so that the client stays.
func (f *flight) cookies(answer plane.Fields) (out []string) {
	if f.group == "" && f.pool.Cookie == "" {
		return nil
	}
	set := func(name, v string, life time.Duration, pair bool) {
		c := http.Cookie{Name: name, Value: v, Path: "/", Expires: f.proxy.cfg.Clock.Now().Add(life)}
		out = append(out, c.String())
		if pair {
			c.Name, c.SameSite, c.Secure = name+twin, http.SameSiteNoneMode, true
			out = append(out, c.String())
		}
	}
	if f.group != "" {
		set(groupCookie, f.group, f.life, true)
	}
	switch f.pool.Cookie {
	case "lb_cookie":
		set(targetCookie, f.target.mark, f.pool.CookieLife, true)
	case "app_cookie":
		for _, line := range answer.Values("Set-Cookie") {
			if c, err := http.ParseSetCookie(line); err == nil && c.Name == f.pool.CookieName {
				set(appCookie, f.target.mark, f.pool.CookieLife, false)
			}
		}
	}
	return out
}
