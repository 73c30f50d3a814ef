package proxy

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
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

func value(r *http.Request, names ...string) string {
	for _, n := range names {
		if c, err := r.Cookie(n); err == nil && c.Value != "" {
			return c.Value
		}
	}
	return ""
}

// groupOf is the group that a client stays with; -1 if it has none. Its weight
// does not matter any more.
func (x *rule) groupOf(r *http.Request) int {
	mark := value(r, groupCookie, groupCookie+twin)
	if mark == "" {
		return -1
	}
	for i, g := range x.Forward.Groups {
		if groupMark(g.Group) == mark {
			return i
		}
	}
	return -1
}

// stayed is the target that a client stays with; nil if it has none, or that
// takes no requests.
func (p *pool) stayed(r *http.Request) *target {
	switch p.Cookie {
	case "lb_cookie":
		return p.marked(value(r, targetCookie, targetCookie+twin))
	case "app_cookie":
		if value(r, p.CookieName) != "" {
			return p.marked(value(r, appCookie))
		}
	}
	return nil
}

// cookies are set on an answer so that the client stays.
func (f *flight) cookies(resp *http.Response) {
	set := func(name, v string, life time.Duration, pair bool) {
		c := http.Cookie{Name: name, Value: v, Path: "/", Expires: f.proxy.cfg.Clock.Now().Add(life)}
		resp.Header.Add("Set-Cookie", c.String())
		if pair {
			c.Name, c.SameSite, c.Secure = name+twin, http.SameSiteNoneMode, true
			resp.Header.Add("Set-Cookie", c.String())
		}
	}
	if f.group != "" {
		set(groupCookie, f.group, f.life, true)
	}
	switch f.pool.Cookie {
	case "lb_cookie":
		set(targetCookie, f.target.mark, f.pool.CookieLife, true)
	case "app_cookie":
		for _, c := range resp.Cookies() {
			if c.Name == f.pool.CookieName {
				set(appCookie, f.target.mark, f.pool.CookieLife, false)
			}
		}
	}
}
