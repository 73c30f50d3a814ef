package registry

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
)

func TestInternalErrorsKeepTheirPaths(t *testing.T) {
	for _, tt := range []struct {
		detail, want string
		status       int
	}{
		{"write /var/lib/x/data: no space left on device", "There is no space left on the disk", http.StatusInsufficientStorage},
		{"open /var/lib/x/data: permission denied", "internal error", http.StatusInternalServerError},
		{"", "internal error", http.StatusInternalServerError},
	} {
		rec := httptest.NewRecorder()
		w := &renaming{ResponseWriter: rec, from: "/v2/r1", to: "/v2/app"}
		w.WriteHeader(http.StatusInternalServerError)
		if tt.detail != "" {
			if _, err := w.Write([]byte(tt.detail)); err != nil {
				t.Fatal(err)
			}
		}
		w.fail(nil)
		if body := rec.Body.String(); rec.Code != tt.status || !strings.Contains(body, tt.want) || strings.Contains(body, "/var/lib") {
			t.Errorf("%q: %d %s", tt.detail, rec.Code, body)
		}
	}
}

func TestRefusals(t *testing.T) {
	answered := func(status int, body string) error {
		a := &answer{status: status}
		a.body.WriteString(body)
		return a.refusal()
	}
	var refused *Refused
	if _, err := checkSchema([]byte("{}")); !errors.As(err, &refused) || refused.Code != "MANIFEST_INVALID" {
		t.Error(err)
	}
	if _, err := checkSchema([]byte(`{"schemaVersion":2}`)); err != nil {
		t.Error(err)
	}
	if err := answered(400, `{"errors":[{"code":"UNKNOWN","message":"unknown error"}]}`); !errors.As(err, &refused) || refused.Code != "MANIFEST_INVALID" {
		t.Error(err)
	}
	if err := answered(404, `{"errors":[{"code":"NAME_UNKNOWN","message":"m"}]}`); !errors.As(err, &refused) || refused.Code != "NAME_UNKNOWN" {
		t.Error(err)
	}
	if err := answered(500, `{"errors":[{"code":"UNKNOWN","detail":"write: no space left on device"}]}`); !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	if err := answered(500, `{"errors":[{"code":"UNKNOWN"}]}`); errors.As(err, &refused) {
		t.Error(err)
	}
}
