package lint

import (
	"errors"

	"github.com/slipway-dev/slipway/internal/appspec"
)

func (l *linter) appspec(file string, text []byte) {
	l.checked(file)
	_, err := appspec.Parse(text)
	if err == nil {
		return
	}
	at := place{file: file}
	var wrong *appspec.Error
	if errors.As(err, &wrong) {
		at.line, at.column, err = wrong.Line, wrong.Column, errors.New(wrong.Message)
	}
	l.report.add(ruleAppspec, at, "CodeDeploy cannot use it: "+err.Error()+".", "Correct the key or its value; see the reference of the appspec.")
}
