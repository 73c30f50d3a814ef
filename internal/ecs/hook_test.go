package ecs

import (
	"encoding/json"
	"strings"
	"testing"
)

// A function that is given no details is not told of any; what it answers is
// added to those that it is given.
func TestHookPayload(t *testing.T) {
	for _, c := range []struct{ own, answered, want string }{
		{"null", "", ""},
		{"null", `{"n":1}`, `"hookDetails":{"n":1}`},
		{`{"team":"web"}`, "", `"hookDetails":{"team":"web"}`},
		{`{"team":"web"}`, `{"n":1}`, `"hookDetails":{"n":1,"team":"web"}`},
	} {
		svc := &service{Deploy: &deployment{ID: "d", Details: []json.RawMessage{json.RawMessage(c.own)}}}
		got, err := (&Service{}).hookPayload(svc, &errand{At: "PRE_SCALE_UP", Details: json.RawMessage(c.answered)})
		if err != nil || !strings.Contains(string(got), c.want) || strings.Contains(string(got), "hookDetails") != (c.want != "") {
			t.Errorf("%s and %s: %s, %v", c.own, c.answered, got, err)
		}
	}
}
