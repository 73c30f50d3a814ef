package wire

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

// restPlan is what REST needs to know of an operation besides its nodes.
type restPlan struct {
	payload   *field // the member that is the input's body, or nil
	bodyIn    bool   // the input has members in the body
	streamIn  bool
	outPay    *field
	bodyOut   bool
	outStatus *field // the member that is the status code
}

func compileREST(p *opPlan) *restPlan {
	r := &restPlan{}
	if n := p.input; n != nil {
		r.payload, r.bodyIn, _ = bodyOf(n)
		r.streamIn = r.payload != nil && r.payload.node.hold == holdReader
	}
	if n := p.output; n != nil {
		r.outPay, r.bodyOut, r.outStatus = bodyOf(n)
	}
	return r
}

func bodyOf(n *node) (payload *field, body bool, status *field) {
	for i := range n.fields {
		f := &n.fields[i]
		switch {
		case f.member.Location == "statusCode":
			status = f
		case n.shape.Payload != "" && f.member.Name == n.shape.Payload:
			payload = f
		case f.member.Location == "" && n.shape.Payload == "":
			body = true
		}
	}
	return payload, body, status
}

// route is an operation's place in the space of requests.
type route struct {
	name     string
	method   string
	segments []string          // of the path: literal, {Name} or {Name+}
	consts   map[string]string // query parameters that must be there; "" is any value
	queries  []string          // required query members
	headers  []string          // required header members
	bound    bool              // in the service's table
}

func (b *bound) compileRoutes() ([]route, error) {
	m, err := b.model()
	if err != nil {
		return nil, err
	}
	var out []route
	for _, name := range b.info.OperationNames {
		op := m.Operations[name]
		path, query, _ := strings.Cut(op.URI, "?")
		rt := route{name: name, method: op.Method, consts: map[string]string{}, bound: b.table[name] != nil,
			segments: strings.Split(strings.Trim(path, "/"), "/")}
		if rt.segments[0] == "" {
			rt.segments = nil
		}
		if query != "" {
			for _, kv := range strings.Split(query, "&") {
				k, v, _ := strings.Cut(kv, "=")
				rt.consts[k] = v
			}
		}
		if op.Input != nil {
			for _, mem := range op.Input.Members {
				switch {
				case !mem.Required:
				case mem.Location == "querystring":
					rt.queries = append(rt.queries, mem.Wire())
				case mem.Location == "header":
					rt.headers = append(rt.headers, mem.Wire())
				}
			}
		}
		out = append(out, rt)
	}
	return out, nil
}

// routeMatch is what a request's address says.
type routeMatch struct {
	name   string
	labels map[string]string // {Bucket} …
	query  url.Values
}

// match finds the operation of a REST request. Several may share method and
// path: S3's differ by sub-resource (?tagging), then by the query parameters
// and headers they require.
func (b *bound) match(r *http.Request) (*routeMatch, error) {
	routes, err := b.routes()
	if err != nil {
		return nil, err
	}
	s3 := b.preferred() == RESTXML
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badURI(s3)
	}
	segments, err := pathSegments(r, s3)
	if err != nil {
		return nil, badURI(s3)
	}
	var best *route
	var bestRank [4]int
	for i := range routes {
		rt := &routes[i]
		literals, ok := rt.fits(segments)
		if !ok || rt.method != r.Method || !rt.constsIn(query) {
			continue
		}
		rank := [4]int{literals, len(rt.consts), rt.required(r, query), 0}
		if rt.bound {
			rank[3] = 2
		}
		if query.Get("x-id") == rt.name {
			rank[3]++ // the SDKs say what they mean: a hint between equals
		}
		if best == nil || slices.Compare(rank[:], bestRank[:]) > 0 {
			best, bestRank = rt, rank
		}
	}
	if best == nil {
		return nil, b.noRoute(r, segments, s3)
	}
	if s3 {
		if sub := strayResource(routes, best, query); sub != "" {
			return nil, b.noRoute(r, append(segments, "?"+sub), s3)
		}
	}
	return &routeMatch{name: best.name, labels: best.labels(segments), query: query}, nil
}

// pathSegments are the decoded parts of the path. S3's are at most two, bucket
// and key, since slashes belong to the key; the bucket may be in the host.
func pathSegments(r *http.Request, s3 bool) ([]string, error) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	var raw []string
	if s3 {
		if bucket, ok := VirtualHostBucket(r.Host); ok {
			raw = append(raw, url.PathEscape(bucket))
			if path != "" {
				raw = append(raw, path)
			}
		} else if path != "" {
			bucket, key, _ := strings.Cut(path, "/")
			raw = append(raw, bucket)
			if key != "" {
				raw = append(raw, key)
			}
		}
	} else if path = strings.TrimSuffix(path, "/"); path != "" {
		raw = strings.Split(path, "/")
	}
	for i, s := range raw {
		var err error
		if raw[i], err = url.PathUnescape(s); err != nil {
			return nil, err
		}
	}
	return raw, nil
}

// fits tells whether the path fits, and how many literal segments it has.
func (rt *route) fits(segments []string) (literals int, ok bool) {
	for i, s := range rt.segments {
		if i >= len(segments) {
			return 0, false
		}
		switch {
		case strings.HasSuffix(s, "+}"):
			return literals, true
		case strings.HasPrefix(s, "{"):
			if segments[i] == "" {
				return 0, false
			}
		case s == segments[i]:
			literals++
		default:
			return 0, false
		}
	}
	return literals, len(segments) == len(rt.segments)
}

func (rt *route) labels(segments []string) map[string]string {
	labels := make(map[string]string, len(rt.segments))
	for i, s := range rt.segments {
		if name, ok := strings.CutSuffix(s, "+}"); ok {
			labels[name[1:]] = strings.Join(segments[i:], "/")
		} else if name, ok := strings.CutSuffix(s, "}"); ok {
			labels[name[1:]] = segments[i]
		}
	}
	return labels
}

func (rt *route) constsIn(query url.Values) bool {
	for k, v := range rt.consts {
		if got, ok := query[k]; !ok || v != "" && got[0] != v {
			return false
		}
	}
	return true
}

// required counts what the operation requires and the request has; it is
// negative if something lacks, so that another is taken if there is one.
func (rt *route) required(r *http.Request, query url.Values) int {
	n := 0
	for _, q := range rt.queries {
		if !query.Has(q) {
			return -len(rt.queries) - len(rt.headers)
		}
		n++
	}
	for _, h := range rt.headers {
		if r.Header.Get(h) == "" {
			return -len(rt.queries) - len(rt.headers)
		}
		n++
	}
	return n
}

// strayResource is a sub-resource of S3 that the request names but the
// operation does not know: DELETE ?versioning must not delete the bucket.
func strayResource(routes []route, best *route, query url.Values) string {
	for i := range routes {
		for k, v := range routes[i].consts {
			if _, used := best.consts[k]; !used && v == "" && query.Has(k) {
				return k
			}
		}
	}
	return ""
}

func badURI(s3 bool) error {
	if s3 {
		return &Error{Code: "InvalidURI", Message: "Couldn't parse the specified URI.", Status: http.StatusBadRequest}
	}
	return &Error{Code: "MalformedQueryString", Message: "The URI can not be parsed", Status: http.StatusBadRequest}
}

func (b *bound) noRoute(r *http.Request, segments []string, s3 bool) error {
	if !s3 {
		return &Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "No operation has the address " + r.Method + " /" + clip(strings.Join(segments, "/"))}
	}
	if r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return b.unknown("PostObject", RESTXML)
	}
	what := "SERVICE"
	if len(segments) > 0 {
		what = []string{"BUCKET", "OBJECT"}[min(len(segments), 2)-1]
		if sub, ok := strings.CutPrefix(segments[len(segments)-1], "?"); ok {
			what = strings.ToUpper(sub)
		}
	}
	return &Error{Code: "MethodNotAllowed", Status: http.StatusMethodNotAllowed,
		Message: "The specified method is not allowed against this resource.",
		Fields:  map[string]string{"Method": r.Method, "ResourceType": what}}
}

// member finds an input member by the first part of a violation's path.
func member(s *model.Shape, path string) *model.Member {
	name, _, _ := strings.Cut(path, ".")
	for _, m := range s.Members {
		if lowerCamel(m.Name) == name {
			return m
		}
	}
	return nil
}
