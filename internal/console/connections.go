package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/codeconnections/handshake"
)

const updatePath = connectionsPath + "/update"

type connectionsPage struct {
	Caller, Region string
	Completed      string // the name of a connection
	Problem        string
	Connections    []connectionRow
	UpdatePath     string
	SignOut, Self  string
}

type connectionRow struct {
	Name, ARN, Provider, Status string
	Pending                     bool // not AVAILABLE
}

func row(c *types.Connection) connectionRow {
	return connectionRow{Name: aws.ToString(c.ConnectionName), ARN: aws.ToString(c.ConnectionArn), Provider: string(c.ProviderType),
		Status: string(c.ConnectionStatus), Pending: c.ConnectionStatus != types.ConnectionStatusAvailable}
}

func (c *Console) listConnections(w http.ResponseWriter, r *http.Request, s *session) {
	page := connectionsPage{Caller: s.Caller, Region: s.Region, Completed: r.URL.Query().Get("completed"), UpdatePath: updatePath, SignOut: signOutPath, Self: connectionsPath}
	if region := strings.TrimSpace(r.URL.Query().Get("region")); region != "" {
		page.Region = region
	}
	client := codeconnections.NewFromConfig(c.config(s.Keys, page.Region))
	for pages := codeconnections.NewListConnectionsPaginator(client, &codeconnections.ListConnectionsInput{}); pages.HasMorePages(); {
		out, err := pages.NextPage(r.Context())
		if ended(err) {
			c.toSignIn(w, r)
			return
		}
		if err != nil {
			page.Problem = words(err)
			break
		}
		for i := range out.Connections {
			page.Connections = append(page.Connections, row(&out.Connections[i]))
		}
	}
	status := http.StatusOK
	if page.Problem != "" {
		status = http.StatusForbidden
	}
	c.show(w, status, "connections.html", page)
}

type updatePage struct {
	Caller, Problem string
	Connection      connectionRow
	// Fixed says that the base URL is that of the connection's host.
	Fixed            bool
	BaseURL, Dialect string
	Back, Self       string
	SignOut          string
}

// homes are the base URLs that the form offers.
var homes = map[types.ProviderType]string{
	types.ProviderTypeGithub: "https://github.com", types.ProviderTypeGitlab: "https://gitlab.com", types.ProviderTypeBitbucket: "https://bitbucket.org",
}

func (c *Console) updateForm(w http.ResponseWriter, r *http.Request, s *session) {
	page, ok := c.describe(w, r, s, r.URL.Query().Get("arn"))
	if ok {
		c.show(w, http.StatusOK, "update.html", page)
	}
}

// describe reads a connection for the form; it has answered if ok is false.
func (c *Console) describe(w http.ResponseWriter, r *http.Request, s *session, name string) (page updatePage, ok bool) {
	cfg := c.config(s.Keys, regionOf(name, s))
	client := codeconnections.NewFromConfig(cfg)
	page = updatePage{Caller: s.Caller, Back: connectionsPath, Self: updatePath, SignOut: signOutPath}
	out, err := client.GetConnection(r.Context(), &codeconnections.GetConnectionInput{ConnectionArn: &name})
	if err == nil && out.Connection.HostArn != nil {
		var h *codeconnections.GetHostOutput
		if h, err = client.GetHost(r.Context(), &codeconnections.GetHostInput{HostArn: out.Connection.HostArn}); err == nil {
			page.Fixed, page.BaseURL = true, aws.ToString(h.ProviderEndpoint)
		}
	}
	switch {
	case ended(err):
		c.toSignIn(w, r)
		return page, false
	case err != nil:
		c.show(w, http.StatusBadRequest, "message.html", message{Title: "Update connection", Text: words(err)})
		return page, false
	}
	page.Connection = row(out.Connection)
	if !page.Fixed {
		page.BaseURL = homes[out.Connection.ProviderType]
	}
	return page, true
}

// update asks for the handshake. The token goes with the request and is not
// shown again.
func (c *Console) update(w http.ResponseWriter, r *http.Request, s *session) {
	in := &handshake.Input{ConnectionArn: r.PostFormValue("arn"), BaseURL: r.PostFormValue("url"), Dialect: r.PostFormValue("dialect"), Token: r.PostFormValue("token")}
	region := regionOf(in.ConnectionArn, s)
	_, err := handshake.Complete(r.Context(), c.config(s.Keys, region), in)
	if ended(err) {
		c.toSignIn(w, r)
		return
	}
	page, ok := c.describe(w, r, s, in.ConnectionArn)
	switch {
	case !ok:
	case err != nil:
		page.Problem, page.Dialect = words(err), in.Dialect
		if !page.Fixed {
			page.BaseURL = in.BaseURL
		}
		c.show(w, http.StatusBadRequest, "update.html", page)
	default:
		http.Redirect(w, r, connectionsPath+"?"+url.Values{"completed": {page.Connection.Name}, "region": {region}}.Encode(), http.StatusSeeOther)
	}
}

// regionOf is the region of a connection, which its page must be asked in.
func regionOf(name string, s *session) string {
	if a, ok := arn.Parse(name); ok && a.Region != "" {
		return a.Region
	}
	return s.Region
}
