package files_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/blob"
	"github.com/slipway-dev/slipway/internal/blob/blobtest"
	"github.com/slipway-dev/slipway/internal/blob/files"
	"github.com/slipway-dev/slipway/internal/id"
)

func TestConformance(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store {
		s, err := files.Open(t.TempDir(), id.Random)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestOpenRemovesWhatWasNeverCommitted(t *testing.T) {
	dir := t.TempDir()
	s, err := files.Open(dir, id.Random)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Open(dir, id.Random); err != nil { // as after kill -9
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

func TestIDsCannotLeaveTheDirectory(t *testing.T) {
	dir := t.TempDir()
	s, err := files.Open(filepath.Join(dir, "blobs"), id.Random)
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", ".", "../secret", "../../secret/../../../../etc/passwd", "..//////////////////////../secret"} {
		if _, err := s.Open(context.Background(), bad, 0, -1); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Open(%q) = %v", bad, err)
		}
		if err := s.Remove(context.Background(), bad); err != nil {
			t.Errorf("Remove(%q) = %v", bad, err)
		}
	}
	if _, err := os.Stat(secret); err != nil {
		t.Error(err)
	}
}

// A tiny tmpfs is a real full disk; without root the test cannot have one.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("needs root to mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	s, err := files.Open(dir, id.Random)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write(make([]byte, 1<<20)); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("Write: %v, want ErrNoSpace", err)
	}
	if _, err := w.Commit(); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("Commit after a failed Write: %v, want ErrNoSpace", err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
