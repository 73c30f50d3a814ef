package iam

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func itoa(n int) string { return strconv.Itoa(n) }

// merge sets tags on old ones. Keys are unique without regard to case; the
// last spelling stays.
func merge(old, set []types.Tag) ([]types.Tag, error) {
	out := slices.Clone(old)
	seen := map[string]bool{}
	for _, t := range set {
		k := strings.ToLower(aws.ToString(t.Key))
		if seen[k] {
			return nil, &types.InvalidInputException{Message: aws.String("Duplicate tag keys found. Please note that Tag keys are case insensitive.")}
		}
		if strings.HasPrefix(k, "aws:") {
			return nil, &types.InvalidInputException{Message: aws.String("aws: prefixed tag key names are not allowed for external use.")}
		}
		seen[k] = true
		out = slices.DeleteFunc(out, func(o types.Tag) bool { return strings.EqualFold(*o.Key, *t.Key) })
		out = append(out, t)
	}
	if len(out) > maxTags {
		return nil, quota("TagsPerResource", maxTags)
	}
	slices.SortFunc(out, func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) })
	return out, nil
}

func without(old []types.Tag, keys []string) []types.Tag {
	return slices.DeleteFunc(slices.Clone(old), func(t types.Tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, *t.Key) })
	})
}

func tagKey(t types.Tag) string { return *t.Key }
