package app

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
)

// credentialsFile and configFile have the AWS tools' own form: they can be
// named in AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE.
const (
	credentialsFile = "credentials"
	configFile      = "config"
)

type rootKey struct{ ID, Secret string }

// openRoot reads the root user's key, or makes it at the first start, and
// records the endpoint for Environment.
func (a *App) openRoot() error {
	path := filepath.Join(a.Data, credentialsFile)
	f, err := readINI(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.root = rootKey{
			ID:     "AKIA" + id.Of(a.IDs, id.Base32, 16),
			Secret: id.Of(a.IDs, id.AlphaNum, 40),
		}
		if err := seal.WriteFile(path, fmt.Appendf(nil, "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", a.root.ID, a.root.Secret)); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		a.root = rootKey{ID: f["aws_access_key_id"], Secret: f["aws_secret_access_key"]}
		if a.root.ID == "" || a.root.Secret == "" {
			return fmt.Errorf("%s has no key; remove the file for a new one", path)
		}
	}
	path = filepath.Join(a.Data, configFile)
	config := fmt.Appendf(nil, "[default]\nregion = %s\nendpoint_url = %s\n", a.Region, a.site.URL)
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, config) {
		return nil // a start need not wait for the disk
	}
	return seal.WriteFile(path, config)
}

// Environment is what AWS's tools need to talk to the Slipway that last ran on
// a data directory, as NAME=value.
func Environment(data string) ([]string, error) {
	c, err := readINI(filepath.Join(data, credentialsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no Slipway in %s yet: start `slipway server` first", data)
	}
	if err != nil {
		return nil, err
	}
	f, err := readINI(filepath.Join(data, configFile))
	if err != nil {
		return nil, err
	}
	return []string{
		"AWS_ENDPOINT_URL=" + f["endpoint_url"],
		"AWS_ENDPOINT_URL_S3=" + site.Site{URL: f["endpoint_url"]}.AddressURL(),
		"AWS_ACCESS_KEY_ID=" + c["aws_access_key_id"],
		"AWS_SECRET_ACCESS_KEY=" + c["aws_secret_access_key"],
		"AWS_REGION=" + f["region"],
		"AWS_DEFAULT_REGION=" + f["region"],
	}, nil
}

// readINI reads the default section's settings.
func readINI(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	values, section := map[string]string{}, "default"
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		if k, v, ok := strings.Cut(line, "="); ok && section == "default" {
			values[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return values, nil
}
