package s3

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// colder are the classes in the order in which objects may move, see
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
var colder = []types.TransitionStorageClass{
	types.TransitionStorageClassStandardIa, types.TransitionStorageClassIntelligentTiering, types.TransitionStorageClassOnezoneIa,
	types.TransitionStorageClassGlacierIr, types.TransitionStorageClassGlacier, types.TransitionStorageClassDeepArchive,
}

// step is a transition, or an expiration, on the common scale of its rule: days
// or a date.
type step struct {
	class types.TransitionStorageClass
	at    int64
	unit  string // Days, Date, NoncurrentDays
}

func stepOf(class types.TransitionStorageClass, days *int32, date *time.Time) step {
	if date != nil {
		return step{class, date.Unix(), "Date"}
	}
	return step{class, int64(aws.ToInt32(days)), "Days"}
}

// checkOrder wants the actions of a rule to be able to follow each other.
func checkOrder(r *types.LifecycleRule) error {
	var moves []step
	for _, t := range r.Transitions {
		moves = append(moves, stepOf(t.StorageClass, t.Days, t.Date))
	}
	var end *step
	if e := r.Expiration; e != nil && (e.Days != nil || e.Date != nil) {
		s := stepOf("", e.Days, e.Date)
		end = &s
	}
	if err := checkSteps(r, moves, end, "Transition", "Expiration"); err != nil {
		return err
	}
	moves, end = nil, nil
	for _, t := range r.NoncurrentVersionTransitions {
		moves = append(moves, step{t.StorageClass, int64(*t.NoncurrentDays), "NoncurrentDays"})
	}
	if e := r.NoncurrentVersionExpiration; e != nil {
		end = &step{at: int64(*e.NoncurrentDays), unit: "NoncurrentDays"}
	}
	return checkSteps(r, moves, end, "NoncurrentVersionTransition", "NoncurrentVersionExpiration")
}

func checkSteps(r *types.LifecycleRule, moves []step, end *step, action, last string) error {
	prefix, _, _, _ := filter(r)
	about := "filter '(prefix=" + prefix + ")'"
	moves = slices.Clone(moves)
	slices.SortStableFunc(moves, func(a, b step) int { return slices.Index(colder, a.class) - slices.Index(colder, b.class) })
	for i, m := range moves {
		if i > 0 {
			before := moves[i-1]
			switch {
			case before.unit != m.unit:
				return say("InvalidRequest", "Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for "+about)
			case before.class == m.class:
				return say("InvalidRequest", "'StorageClass' must be different for '"+action+"' actions in same 'Rule' with "+about)
			case before.at >= m.at:
				return say("InvalidArgument", "'"+m.unit+"' in the "+action+" action for StorageClass '"+string(m.class)+"' for "+about+
					" must be greater than '"+m.unit+"' in the "+action+" action for StorageClass '"+string(before.class)+"' for "+about)
			}
		}
		switch {
		case end == nil:
		case end.unit != m.unit:
			return say("InvalidRequest", "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for "+about)
		case end.at <= m.at:
			return say("InvalidArgument", "'"+m.unit+"' in the "+last+" action for "+about+" must be greater than '"+m.unit+"' in the "+action+" action")
		}
	}
	return nil
}
