package ecs

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestFailStart(t *testing.T) {
	for _, tt := range []struct {
		name string
		box  int
		err  startError
		want string // the second container's reason
	}{
		{"a container", 1, startError{"CannotPullContainerError", "no"}, "CannotPullContainerError: no"},
		{"the network", noBox, startError{"CannotStartContainerError", "no"}, ""},
		{"the task's resources", 1, startError{"ResourceInitializationError", "no"}, ""},
	} {
		task := &task{Task: types.Task{Containers: make([]types.Container, 2)}}
		task.failStart(tt.box, &tt.err)
		if task.StopCode != types.TaskStopCodeTaskFailedToStart || aws.ToString(task.StoppedReason) != tt.err.Error() ||
			aws.ToString(task.Containers[1].Reason) != tt.want || task.Containers[0].Reason != nil {
			t.Errorf("%s: %+v", tt.name, task.Task)
		}
	}
}
