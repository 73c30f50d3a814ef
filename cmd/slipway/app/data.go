package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/store/sqlite"
)

// Files of the data directory.
const (
	lockFile         = "lock"
	masterFile       = "master.key"
	installationFile = "installation.json"
	databaseFile     = "slipway.db"
	socketFile       = "gateway.sock" // in runDir
	// runDir holds nothing but the socket and is made anew by nobody: containers
	// that mount it see the socket of the next server too.
	runDir = "run"
)

// installation is what must not change while there is data.
type installation struct {
	ID      string `json:"id"`
	Account string `json:"account"`
}

// openData takes the data directory for this process and reads what it is.
func (a *App) openData() error {
	if err := os.MkdirAll(a.Data, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(a.Data, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("data directory %s is in use by another slipway server", a.Data)
		}
		return fmt.Errorf("lock data directory %s: %w", a.Data, err)
	}
	a.lock = f
	if a.keys, err = seal.Load(filepath.Join(a.Data, masterFile)); err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	return a.identify()
}

// identify reads or makes the installation's identity.
func (a *App) identify() error {
	path := filepath.Join(a.Data, installationFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		in := installation{ID: id.Hex(a.IDs, 16), Account: a.Account}
		a.site.Installation, a.site.Account = in.ID, in.Account
		if b, err = json.Marshal(in); err != nil {
			return err
		}
		return writeFile(path, append(b, '\n'))
	}
	if err != nil {
		return err
	}
	var in installation
	if err := json.Unmarshal(b, &in); err != nil || in.ID == "" {
		return fmt.Errorf("%s is damaged", path)
	}
	if in.Account != a.Account {
		// ARNs with the account's number are everywhere in the data.
		return fmt.Errorf("data directory %s belongs to account %s, not %s: use another --data or --account %s",
			a.Data, in.Account, a.Account, in.Account)
	}
	a.site.Installation, a.site.Account = in.ID, in.Account
	return nil
}

func (a *App) openStore() error {
	s, err := sqlite.Open(filepath.Join(a.Data, databaseFile))
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	a.store = s
	return nil
}

// writeFile replaces a file of mode 0600 whole or not at all.
func writeFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
