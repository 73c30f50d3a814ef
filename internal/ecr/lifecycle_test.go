package ecr

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)

func img(digest string, days int, tags ...string) *image {
	return &image{Digest: digest, Tags: tags, Pushed: now.Add(-time.Duration(days)*24*time.Hour - time.Minute)}
}

func refers(digest string, days int, subject string) *image {
	im := img(digest, days)
	im.Subject = subject
	return im
}

func rules(rs ...string) string { return `{"rules":[` + strings.Join(rs, ",") + `]}` }

func prefixRule(priority int, keep int, prefixes string) string {
	return fmt.Sprintf(`{"rulePriority":%d,"selection":{"tagStatus":"tagged","tagPrefixList":[%s],"countType":"imageCountMoreThan","countNumber":%d},"action":{"type":"expire"}}`, priority, prefixes, keep)
}

// The examples are those of ECR's user guide.
func TestLifecycleEvaluation(t *testing.T) {
	abc := []*image{img("A", 10, "beta-1", "prod-1"), img("B", 9, "beta-2", "prod-2"), img("C", 8, "beta-3")}
	index := img("index", 1, "v1")
	index.Children = []string{"child"}
	pulled := img("pulled", 20, "old")
	pulled.Pulled = now.Add(-time.Hour)
	for name, tc := range map[string]struct {
		policy string
		images []*image
		want   []string
	}{
		"an earlier rule protects": {rules(prefixRule(1, 1, `"prod"`), prefixRule(2, 1, `"beta"`)), abc, []string{"A"}},
		"the order matters":        {rules(prefixRule(1, 1, `"beta"`), prefixRule(2, 1, `"prod"`)), abc, []string{"A", "B"}},
		"all prefixes must match": {rules(`{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPrefixList":["alpha","beta"],"countType":"sinceImagePushed","countUnit":"days","countNumber":5},"action":{"type":"expire"}}`),
			[]*image{img("A", 12, "alpha-1"), img("B", 11, "beta-1"), img("C", 10, "alpha-2", "beta-2"), img("E", 4, "alpha-4", "beta-4")}, []string{"C"}},
		"untagged by age": {rules(`{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14},"action":{"type":"expire"}}`),
			[]*image{img("old", 15), img("young", 13), img("tagged", 15, "x")}, []string{"old"}},
		"keep the last two": {rules(`{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2},"action":{"type":"expire"}}`),
			[]*image{img("1", 4), img("4", 1, "d"), img("2", 3, "b"), img("3", 2, "c")}, []string{"1", "2"}},
		"what an index names stays": {rules(`{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}`),
			[]*image{index, img("child", 9), img("new", 1)}, nil},
		"patterns": {rules(`{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPatternList":["*web*-dev"],"countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}`),
			[]*image{img("a", 3, "myweb1-dev"), img("b", 2, "web-dev"), img("c", 9, "web-prod")}, []string{"a"}},
		"what an index that goes names is judged, too": {rules(`{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPrefixList":["v"],"countType":"sinceImagePushed","countUnit":"days","countNumber":1},"action":{"type":"expire"}}`,
			`{"rulePriority":2,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":1},"action":{"type":"expire"}}`),
			[]*image{index, img("child", 2)}, []string{"index", "child"}},
		"a signature goes with its image": {rules(`{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPrefixList":["v"],"countType":"sinceImagePushed","countUnit":"days","countNumber":5},"action":{"type":"expire"}}`,
			`{"rulePriority":2,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}`),
			[]*image{img("old", 9, "v1"), refers("signature", 8, "old"), img("new", 3, "v2"), refers("note", 2, "new")}, []string{"old", "signature"}},
		"since the last pull": {rules(`{"rulePriority":1,"selection":{"tagStatus":"any","countType":"sinceImagePulled","countUnit":"days","countNumber":7},"action":{"type":"expire"}}`),
			[]*image{pulled, img("never", 8, "x")}, []string{"never"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parsePolicy(tc.policy)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			due, _ := p.evaluate(tc.images, now)
			for _, e := range due {
				got = append(got, e.image.Digest)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("expired %v, want %v", got, tc.want)
			}
		})
	}
}

// The next look at a repository is when something will be due, not sooner.
func TestNextEvaluation(t *testing.T) {
	age := func(priority int, status, count string, days int) string {
		return fmt.Sprintf(`{"rulePriority":%d,"selection":{"tagStatus":%s,"countType":%q,"countUnit":"days","countNumber":%d},"action":{"type":"expire"}}`, priority, status, count, days)
	}
	pulled := img("pulled", 9, "x")
	pulled.Pulled = now.Add(-24 * time.Hour)
	for name, tc := range map[string]struct {
		policy string
		images []*image
		want   time.Duration // from now; 0 for never
	}{
		"by count":      {rules(prefixRule(1, 1, `"v"`)), []*image{img("a", 1, "v1")}, 0},
		"no images":     {rules(age(1, `"untagged"`, "sinceImagePushed", 2)), nil, 0},
		"the oldest":    {rules(age(1, `"untagged"`, "sinceImagePushed", 2)), []*image{img("a", 0), img("b", 1)}, 24*time.Hour - time.Minute},
		"others' rules": {rules(prefixRule(1, 9, `"v"`), age(2, `"any"`, "sinceImagePushed", 2)), []*image{img("a", 1, "v1")}, 0},
		"after some go": {rules(age(1, `"untagged"`, "sinceImagePushed", 2)), []*image{img("a", 0), img("b", 5)}, 48*time.Hour - time.Minute},
		"by pull":       {rules(age(1, `"any"`, "sinceImagePulled", 2)), []*image{pulled}, 24 * time.Hour},
	} {
		p, err := parsePolicy(tc.policy)
		if err != nil {
			t.Fatal(err)
		}
		_, next := p.evaluate(tc.images, now)
		if next.IsZero() != (tc.want == 0) || tc.want != 0 && !next.Equal(now.Add(tc.want)) {
			t.Errorf("%s: next %v", name, next)
		}
	}
}

func TestLifecyclePoliciesThatAreRefused(t *testing.T) {
	selection := func(s string) string {
		return rules(`{"rulePriority":1,"selection":{` + s + `},"action":{"type":"expire"}}`)
	}
	for text, want := range map[string]string{
		`{`:            "parse",
		`{"rules":[]}`: "no rules",
		selection(`"tagStatus":"tagged","countType":"imageCountMoreThan","countNumber":1`):                                                                               "tagPrefixList",
		selection(`"tagStatus":"any","tagPrefixList":["a"],"countType":"imageCountMoreThan","countNumber":1`):                                                            "tagged only",
		selection(`"tagStatus":"any","countType":"sinceImagePushed","countNumber":1`):                                                                                    "countUnit",
		selection(`"tagStatus":"any","countType":"imageCountMoreThan","countUnit":"days","countNumber":1`):                                                               "countUnit",
		selection(`"tagStatus":"any","countType":"imageCountMoreThan","countNumber":0`):                                                                                  "at least 1",
		selection(`"tagStatus":"any","countType":"sinceImageTransitioned","countUnit":"days","countNumber":1`):                                                           "not implemented",
		selection(`"tagStatus":"some","countType":"imageCountMoreThan","countNumber":1`):                                                                                 "tagStatus",
		selection(`"tagStatus":"tagged","tagPatternList":["a*b*c*d*e*"],"countType":"imageCountMoreThan","countNumber":1`):                                               "wildcards",
		rules(prefixRule(1, 1, `"a"`), prefixRule(1, 1, `"b"`)):                                                                                                          "more than once",
		rules(prefixRule(1, 1, `"a"`), prefixRule(2, 1, `"a"`)):                                                                                                          "more than one rule",
		rules(`{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}`, prefixRule(2, 1, `"a"`)): "highest",
	} {
		if _, err := parsePolicy(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\tgave %v, want it to say %q", text, err, want)
		}
	}
}
