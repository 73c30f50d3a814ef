package cloudwatch

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func TestRules(t *testing.T) {
	states := map[string]types.StateValue{"on": isAlarm, "off": isOK, "new one": isUnsure, "a(b)": isAlarm}
	of := func(n string) types.StateValue { return states[n] }
	for text, want := range map[string]bool{
		"TRUE": true, "FALSE": false, "ALARM(on)": true, "ALARM(off)": false, "OK(off)": true, "ALARM( \"on\" )": true, "INSUFFICIENT_DATA(new one)": true,
		`ALARM("a(b)")`: true, "NOT ALARM(on)": false, "NOT NOT ALARM(on)": true, "ALARM(on) AND OK(off)": true, "ALARM(off) OR OK(off) AND ALARM(on)": true,
		"(ALARM(off) OR OK(off)) AND NOT (ALARM(on))": false, "ALARM(on)\nAND\n(OK(off)OR FALSE)": true,
		"AT_LEAST(1, ALARM, (on, off))": true, "AT_LEAST(2, ALARM, (on, off))": false, `AT_LEAST(2, ALARM, ("a(b)",on, off)) AND TRUE`: true, "AT_LEAST(60%, NOT OK, (on, off, new one))": true,
		"NOT AT_LEAST(100%, OK, ( off ))": false, "false": false,
		"ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:on)": true,
	} {
		r, _, err := parseRule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if r.holds(of) != want {
			t.Errorf("%s is %v", text, !want)
		}
	}
	for _, text := range []string{"", "ALARM", "ALARM(", "ALARM()", "ALARM(x", `ALARM("x)`, "ALARM(x) OK(y)", "x", "AND", "TRUE AND", "(TRUE", "TRUE)", "alarm(x)", "AT_LEAST(3, ALARM, (x, y))", "AT_LEAST(0, ALARM, (x))", "AT_LEAST(101%, ALARM, (x))", "AT_LEAST(1, ALARM, (x)", "AT_LEAST(1, ALARM, ())", "AT_LEAST(1, X, (x))", "AT_LEAST(1, ALARM)", "AT_LEAST", `AT_LEAST(1, OK, ("x`,
		strings.Repeat("TRUE AND ", 500) + "TRUE",
		strings.Repeat("(", 5000), strings.Repeat("NOT ", 2500) + "TRUE"} {
		if _, _, err := parseRule(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if _, names, _ := parseRule("ALARM(b) OR OK(a) OR ALARM(b)"); !slices.Equal(names, []string{"b", "a"}) {
		t.Errorf("names %q", names)
	}
}
