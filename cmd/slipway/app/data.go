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
	keyringFile      = "keyring.json"
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
	// Keyring says that there is one. The first installations had none.
	Keyring bool `json:"keyring"`
}

// openData takes the data directory for this process and reads what it is.
func (a *App) openData() error {
	if err := os.MkdirAll(a.Data, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	var err error
	if a.lock, err = lock(a.Data); err != nil {
		return err
	}
	in, found, err := a.identify()
	if err != nil {
		return err
	}
	if a.keys, err = keyFiles(a.Data, a.MasterKey).Load(found); err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	a.site.Installation, a.site.Account = in.ID, in.Account
	a.site.DeploymentMinute = a.DeploymentMinute
	if found == seal.Ringed {
		return nil
	}
	in.Keyring = true
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return seal.WriteFile(filepath.Join(a.Data, installationFile), append(b, '\n'))
}

// lock keeps other processes out of a data directory until the file is closed.
func lock(data string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(data, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("data directory %s is in use by another slipway server", data)
		}
		return nil, fmt.Errorf("lock data directory %s: %w", data, err)
	}
	return f, nil
}

// keyFiles are an installation's. master is "" for that in the data directory.
func keyFiles(data, master string) seal.Files {
	if master == "" {
		master = filepath.Join(data, masterFile)
	}
	return seal.Files{Master: master, Keyring: filepath.Join(data, keyringFile)}
}

// identify reads or makes the installation's identity.
func (a *App) identify() (in installation, found seal.Found, err error) {
	path := filepath.Join(a.Data, installationFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return installation{ID: id.Hex(a.IDs, 16), Account: a.Account}, seal.Nothing, nil
	}
	if err != nil {
		return in, 0, err
	}
	if err := json.Unmarshal(b, &in); err != nil || in.ID == "" {
		return in, 0, fmt.Errorf("%s is damaged", path)
	}
	if in.Account != a.Account {
		// ARNs with the account's number are everywhere in the data.
		return in, 0, fmt.Errorf("data directory %s belongs to account %s, not %s: use another --data or --account %s",
			a.Data, in.Account, a.Account, in.Account)
	}
	if in.Keyring {
		return in, seal.Ringed, nil
	}
	return in, seal.Bare, nil
}

// RotateMasterKey replaces the master key of a data directory that no server
// uses: by a new one in its place, or by the one in the file next. master is the
// file of the old one, "" for that in the data directory.
func RotateMasterKey(data, master, next string) error {
	if _, err := os.Stat(filepath.Join(data, installationFile)); err != nil {
		return fmt.Errorf("no Slipway in %s yet", data)
	}
	f, err := lock(data)
	if err != nil {
		return err
	}
	defer f.Close()
	return keyFiles(data, master).Rotate(next)
}

func (a *App) openStore() error {
	s, err := sqlite.Open(filepath.Join(a.Data, databaseFile))
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	a.store = s
	return nil
}
