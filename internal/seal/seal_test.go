package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func files(t *testing.T) Files {
	dir := t.TempDir()
	return Files{Master: filepath.Join(dir, "master.key"), Keyring: filepath.Join(dir, "keyring.json")}
}

func load(t *testing.T, f Files, found Found) *Key {
	t.Helper()
	k, err := f.Load(found)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func opens(t *testing.T, k *Key, sealed, text string) {
	t.Helper()
	if b, err := k.For("test").Open(sealed); err != nil || string(b) != text {
		t.Errorf("opened %q, %v", b, err)
	}
}

func TestBoxes(t *testing.T) {
	k := load(t, files(t), Nothing)
	s := k.For("test").Seal([]byte("hunter2"))
	opens(t, k, s, "hunter2")
	for name, bad := range map[string]string{"empty": "", "short": "abc", "no name": s[9:], "another name": "00000000" + s[8:], "flipped": s[:len(s)-2] + "AA", "not base64": s + "!"} {
		if _, err := k.For("test").Open(bad); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := k.For("other").Open(s); !errors.Is(err, ErrBroken) {
		t.Errorf("another purpose: %v", err)
	}
	if strings.ContainsAny(s, "+/=%& ") {
		t.Errorf("%q needs escaping", s)
	}
}

func TestKeysStay(t *testing.T) {
	f := files(t)
	s := load(t, f, Nothing).For("test").Seal([]byte("x"))
	opens(t, load(t, f, Ringed), s, "x")
	for _, path := range []string{f.Master, f.Keyring} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	master, err := os.ReadFile(f.Master)
	if err != nil {
		t.Fatal(err)
	}
	// The same key in base64, as people make them.
	if err := os.WriteFile(f.Master, []byte(base64.StdEncoding.EncodeToString(master)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opens(t, load(t, f, Ringed), s, "x")
}

func TestLostAndForeignKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(f Files) error
		text string
	}{
		"no master":  {func(f Files) error { return os.Remove(f.Master) }, "master.key is missing"},
		"no keyring": {func(f Files) error { return os.Remove(f.Keyring) }, "keyring.json is missing"},
		"another":    {func(f Files) error { return os.WriteFile(f.Master, random(), 0o600) }, "does not open the keyring"},
		"no key":     {func(f Files) error { return os.WriteFile(f.Master, []byte("secret"), 0o600) }, "is not a key of 32 bytes"},
		"damaged":    {func(f Files) error { return os.WriteFile(f.Keyring, []byte("{"), 0o600) }, "is damaged"},
		"empty":      {func(f Files) error { return os.WriteFile(f.Keyring, []byte("{}"), 0o600) }, "does not open the keyring"},
	} {
		t.Run(name, func(t *testing.T) {
			f := files(t)
			load(t, f, Nothing)
			if err := tt.do(f); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Load(Ringed); err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestBare is an installation whose master key sealed by itself.
func TestBare(t *testing.T) {
	f := files(t)
	master := random()
	if err := os.WriteFile(f.Master, master, 0o600); err != nil {
		t.Fatal(err)
	}
	s := New(master).For("test").Seal([]byte("old"))
	k := load(t, f, Bare)
	opens(t, k, s, "old")
	if again := k.For("test").Seal([]byte("new")); !strings.Contains(again, ".") {
		t.Error("still sealed with the master key")
	}
	if err := f.Rotate(""); err != nil {
		t.Fatal(err)
	}
	opens(t, load(t, f, Ringed), s, "old")
}

func TestRotate(t *testing.T) {
	f := files(t)
	first := load(t, f, Nothing).For("test").Seal([]byte("first"))
	old, err := os.ReadFile(f.Master)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Rotate(""); err != nil {
		t.Fatal(err)
	}
	k := load(t, f, Ringed)
	second := k.For("test").Seal([]byte("second"))
	opens(t, k, first, "first")
	opens(t, k, second, "second")
	if first[:8] == second[:8] {
		t.Error("sealed with the old data key")
	}
	now, err := os.ReadFile(f.Master)
	if err != nil || bytes.Equal(now, old) {
		t.Errorf("the master key is the old one, %v", err)
	}
	// The old one opens nothing any more.
	was := filepath.Join(t.TempDir(), "old")
	if err := os.WriteFile(was, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Files{Master: was, Keyring: f.Keyring}).Load(Ringed); !errors.Is(err, errForeign) {
		t.Errorf("got %v", err)
	}

	// To a key that was made elsewhere.
	next := filepath.Join(t.TempDir(), "next")
	if err := os.WriteFile(next, []byte(base64.StdEncoding.EncodeToString(random())), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := f.Rotate(next); err != nil {
		t.Fatal(err)
	}
	g := Files{Master: next, Keyring: f.Keyring}
	opens(t, load(t, g, Ringed), first, "first")
	opens(t, load(t, g, Ringed), second, "second")
	if err := g.Rotate(next); err == nil {
		t.Error("rotated to the key that is in use")
	}
	if err := f.Rotate(""); !errors.Is(err, errForeign) {
		t.Errorf("rotated without the key: %v", err)
	}
}

// TestRotationBrokenOff looks at the files as they are between any two steps.
func TestRotationBrokenOff(t *testing.T) {
	f := files(t)
	k := load(t, f, Nothing)
	s := k.For("test").Seal([]byte("x"))
	old, err := os.ReadFile(f.Master)
	if err != nil {
		t.Fatal(err)
	}
	master := random()
	for name, in := range map[string][]byte{"before the new master key": old, "after it": master} {
		t.Run(name, func(t *testing.T) {
			if err := writeKeyring(f.Keyring, k, old, master); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f.Master, in, 0o600); err != nil {
				t.Fatal(err)
			}
			opens(t, load(t, f, Ringed), s, "x")
			ring, err := readKeyring(f.Keyring)
			if err != nil || len(ring.Keys[0].By) != 1 {
				t.Errorf("the keyring is still open to both keys: %v", err)
			}
			if err := f.Rotate(""); err != nil {
				t.Fatal(err)
			}
			opens(t, load(t, f, Ringed), s, "x")
		})
	}
	names, err := os.ReadDir(filepath.Dir(f.Master))
	if err != nil || len(names) != 2 {
		t.Errorf("left: %v %v", names, err)
	}
}
