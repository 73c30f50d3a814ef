package codebuild

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// pageSize is of all lists.
const pageSize = 100

// listing is a page of projects or report groups, in one of three orders. A
// region has at most 5000 of them: they are sorted here.
type listing struct {
	scope string // operation and region
	by    string // NAME (or ""), CREATED_TIME or LAST_MODIFIED_TIME
	order types.SortOrderType
	token *string
	size  int
	items []listed
}

type listed struct{ key, item string }

func (l *listing) add(name, item string, created, modified *time.Time) {
	key := name
	switch l.by {
	case string(types.ProjectSortByTypeCreatedTime):
		key = timeKey(aws.ToTime(created)) + " " + name
	case string(types.ProjectSortByTypeLastModifiedTime):
		key = timeKey(aws.ToTime(modified)) + " " + name
	}
	l.items = append(l.items, listed{key, item})
}

// page is never a nil slice. A token holds the key at which its page begins.
func (l *listing) page() (items []string, next *string, err error) {
	desc := l.order == types.SortOrderTypeDescending
	slices.SortFunc(l.items, func(a, b listed) int {
		if desc {
			a, b = b, a
		}
		return cmp.Compare(a.key, b.key)
	})
	scope := strings.Join([]string{l.scope, l.by, string(l.order)}, " ")
	from, err := continueAt(scope, l.token)
	if err != nil {
		return nil, nil, err
	}
	rest := l.items
	if from != "" {
		rest = rest[sort.Search(len(rest), func(i int) bool {
			if desc {
				return rest[i].key <= from
			}
			return rest[i].key >= from
		}):]
	}
	items = []string{}
	for i, e := range rest {
		if i == l.size {
			return items, aws.String(wire.EncodeToken(scope, e.key)), nil
		}
		items = append(items, e.item)
	}
	return items, nil, nil
}

func continueAt(scope string, token *string) (string, error) {
	if aws.ToString(token) == "" {
		return "", nil
	}
	key, ok := wire.DecodeToken(scope, *token)
	if !ok {
		return "", invalid("Invalid next token provided")
	}
	return key, nil
}
