package seal

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Files are where the keys of an installation are.
type Files struct {
	Master  string // 32 bytes, as they are or in base64; mode 0600
	Keyring string // the data keys, wrapped; mode 0600
}

// keyring is the file of data keys, the newest first. While the master key is
// being replaced each is wrapped twice.
type keyring struct {
	Keys []wrapped `json:"keys"`
}

type wrapped struct {
	ID string `json:"id"` // "" for the key of the first installations
	// By is the data key under each master key, by the master key's name.
	By map[string][]byte `json:"by"`
}

// Found is what there is of an installation before its keys are read.
type Found int

// The zero value is that of a directory without data.
const (
	Nothing Found = iota
	// Bare is an installation of the time before keyrings: the master key itself
	// sealed.
	Bare
	Ringed
)

// Load reads the keys, or makes them for an installation that has no data yet.
// Keys that are missing of one that has data are an error: new ones would open
// nothing.
func (f Files) Load(found Found) (*Key, error) {
	lost := func(path string) error {
		return fmt.Errorf("%s is missing, and without it nothing that is encrypted in the data directory can be read: bring it back", path)
	}
	ring, rerr := readKeyring(f.Keyring)
	ringless := errors.Is(rerr, fs.ErrNotExist)
	if rerr != nil && !ringless {
		return nil, rerr
	}
	master, err := readMaster(f.Master)
	if errors.Is(err, fs.ErrNotExist) {
		if found != Nothing || !ringless {
			return nil, lost(f.Master)
		}
		master = random()
		err = WriteFile(f.Master, master)
	}
	if err != nil {
		return nil, err
	}
	if ringless {
		if found == Ringed {
			return nil, lost(f.Keyring)
		}
		fresh := random()
		k := &Key{[]dataKey{{name(fresh), fresh}}}
		if found == Bare {
			k.data = append(k.data, dataKey{secret: master})
		}
		return k, writeKeyring(f.Keyring, k, master)
	}
	k, err := ring.unwrap(master)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Master, err)
	}
	if len(ring.Keys[0].By) > 1 { // a rotation ended early
		return k, writeKeyring(f.Keyring, k, master)
	}
	return k, nil
}

// Rotate replaces the master key and adds a data key, with which everything is
// sealed from then on. No server may run. With a next, the new master key is read
// there and Files' stays as it is; else it is made in the place of the old.
//
// It may be broken off at any instant: the keyring opens with whichever master
// key is in place then, and Rotate can run again.
func (f Files) Rotate(next string) error {
	old, err := readMaster(f.Master)
	if err != nil {
		return err
	}
	ring, err := readKeyring(f.Keyring)
	if err != nil {
		return err
	}
	k, err := ring.unwrap(old)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Master, err)
	}
	fresh := random()
	k.data = append([]dataKey{{name(fresh), fresh}}, k.data...)
	if next != "" {
		master, err := readMaster(next)
		if err != nil {
			return err
		}
		if name(master) == name(old) {
			return fmt.Errorf("%s has the key that is in use: give a new one", next)
		}
		return writeKeyring(f.Keyring, k, master)
	}
	master := random()
	if err := writeKeyring(f.Keyring, k, old, master); err != nil {
		return err
	}
	if err := WriteFile(f.Master, master); err != nil {
		return err
	}
	return writeKeyring(f.Keyring, k, master)
}

// errForeign says that master key and keyring do not belong together.
var errForeign = errors.New("this master key does not open the keyring of the data directory")

func (r *keyring) unwrap(master []byte) (*Key, error) {
	k := &Key{}
	for _, w := range r.Keys {
		secret, err := decrypt(gcm(master), w.By[name(master)])
		if err != nil {
			return nil, errForeign
		}
		k.data = append(k.data, dataKey{w.ID, secret})
	}
	if len(k.data) == 0 {
		return nil, errForeign
	}
	return k, nil
}

func readMaster(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == keySize {
		return b, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%s is not a key of %d bytes, as they are or in base64", path, keySize)
	}
	return key, nil
}

func readKeyring(path string) (*keyring, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &keyring{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return r, nil
}

func writeKeyring(path string, k *Key, masters ...[]byte) error {
	r := keyring{}
	for _, d := range k.data {
		w := wrapped{ID: d.id, By: map[string][]byte{}}
		for _, m := range masters {
			w.By[name(m)] = encrypt(gcm(m), d.secret)
		}
		r.Keys = append(r.Keys, w)
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(path, append(b, '\n'))
}

// WriteFile replaces a file of secrets, of mode 0600, whole or not at all, and so
// that it is there after a crash.
func WriteFile(path string, b []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
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
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
