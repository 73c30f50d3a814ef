package registry

import (
	"net/http"
	"net/http/httptest"
	"strings"
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
