package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// dashboard is a document that tells how metrics are shown. Slipway keeps it for
// who shows them; its console does not.
type dashboard struct {
	Name, Body string
	Modified   time.Time
	Tags       tag.Set `json:",omitempty"`
}

// dashboards are the account's, whatever the region: name.
const dashboards store.Table[dashboard] = "cloudwatch.dashboard"

var dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

const maxDeletedDashboards = 100

func (s *Service) dashboardARN(name string) string {
	return arn.New("cloudwatch", "", s.cfg.Site.Account, "dashboard/"+name)
}

// PutDashboard makes a dashboard, or replaces its body. Tags are of new ones only.
// The body is a JSON object with a list of widgets, each of which has a type.
//
// Errors: DashboardInvalidInputError.
func (s *Service) PutDashboard(ctx context.Context, in *cloudwatch.PutDashboardInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutDashboardOutput, error) {
	if !dashboardName.MatchString(*in.DashboardName) {
		return nil, badDashboard("The field DashboardName must have 1 to 255 characters of A-Z, a-z, 0-9, - and _", "")
	}
	if path, problem := bodyProblem(*in.DashboardBody); problem != "" {
		return nil, badDashboard(problem, path)
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	return &cloudwatch.PutDashboardOutput{DashboardValidationMessages: []types.DashboardValidationMessage{}}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		d := &dashboard{Name: *in.DashboardName, Body: *in.DashboardBody, Modified: tx.Now(), Tags: tags}
		old, err := dashboards.Get(tx, d.Name)
		switch {
		case err == nil:
			d.Tags = old.Tags
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		return dashboards.Put(tx, d, d.Name)
	})
}

func badDashboard(problem, path string) error {
	return &types.DashboardInvalidInputError{Message: aws.String("The dashboard body is invalid, there are validation errors: " + problem),
		DashboardValidationMessages: []types.DashboardValidationMessage{{DataPath: &path, Message: &problem}}}
}

// bodyProblem tells what is wrong with a body, and where; "" if nothing is.
func bodyProblem(text string) (path, problem string) {
	var body struct {
		Widgets *[]struct{ Type string } `json:"widgets"`
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		return "/", "The field DashboardBody must be a valid JSON object"
	}
	if body.Widgets == nil {
		return "/", "Should have required property 'widgets'"
	}
	for i, w := range *body.Widgets {
		if !slices.Contains([]string{"metric", "text", "log", "alarm", "explorer", "custom"}, w.Type) {
			return fmt.Sprintf("/widgets/%d/type", i), "Should match one of the types metric, text, log, alarm, explorer and custom"
		}
	}
	return "", ""
}

func noDashboard(name string) error {
	return &types.DashboardNotFoundError{Message: aws.String("Dashboard " + name + " does not exist")}
}

// GetDashboard answers the body as it was put.
//
// Errors: DashboardNotFoundError.
func (s *Service) GetDashboard(ctx context.Context, in *cloudwatch.GetDashboardInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetDashboardOutput, error) {
	out := &cloudwatch.GetDashboardOutput{DashboardName: in.DashboardName, DashboardArn: aws.String(s.dashboardARN(*in.DashboardName))}
	return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
		d, err := dashboards.Get(r, *in.DashboardName)
		if errors.Is(err, store.ErrNotFound) {
			return noDashboard(*in.DashboardName)
		}
		if err == nil {
			out.DashboardBody = &d.Body
		}
		return err
	})
}

// ListDashboards lists dashboards by name, 1,000 a page.
func (s *Service) ListDashboards(ctx context.Context, in *cloudwatch.ListDashboardsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListDashboardsOutput, error) {
	prefix := aws.ToString(in.DashboardNamePrefix)
	out := &cloudwatch.ListDashboardsOutput{}
	return out, s.page(ctx, page.Request{Scope: "ListDashboards/" + prefix, Token: in.NextToken, Max: 1000}, func(r store.Reader, q page.Request) (err error) {
		out.DashboardEntries, out.NextToken, err = page.Of(r, dashboards, q, func(d *dashboard) (types.DashboardEntry, bool, error) {
			return types.DashboardEntry{DashboardName: &d.Name, DashboardArn: aws.String(s.dashboardARN(d.Name)), LastModified: &d.Modified, Size: aws.Int64(int64(len(d.Body)))},
				strings.HasPrefix(d.Name, prefix), nil
		})
		return err
	})
}

// DeleteDashboards deletes dashboards, all of them or, if one is not there, none.
//
// Errors: DashboardNotFoundError.
func (s *Service) DeleteDashboards(ctx context.Context, in *cloudwatch.DeleteDashboardsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteDashboardsOutput, error) {
	if n := len(in.DashboardNames); n == 0 || n > maxDeletedDashboards {
		return nil, badValue("DashboardNames must have 1 to %d names.", maxDeletedDashboards)
	}
	return &cloudwatch.DeleteDashboardsOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		for _, name := range in.DashboardNames {
			if _, err := dashboards.Get(tx, name); errors.Is(err, store.ErrNotFound) {
				return noDashboard(name)
			} else if err != nil {
				return err
			}
			if err := dashboards.Delete(tx, name); err != nil {
				return err
			}
		}
		return nil
	})
}
