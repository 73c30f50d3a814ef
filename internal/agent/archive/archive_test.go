package archive

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

type item struct {
	name, body string
	mode       fs.FileMode
}

func makeZip(t *testing.T, items ...item) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.name, Method: zip.Deflate}
		h.SetMode(i.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(i.body))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestUnzipRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		items []item
		want  string
	}{
		{"parent", []item{{"../evil", "x", 0o644}}, `"../evil": the path leaves`},
		{"parent inside", []item{{"a/../../evil", "x", 0o644}}, "the path leaves"},
		{"absolute", []item{{"/etc/evil", "x", 0o644}}, "the path is absolute"},
		{"backslash", []item{{`..\evil`, "x", 0o644}}, "not allowed"},
		{"link out", []item{{"l", "../x", fs.ModeSymlink | 0o777}}, `"l": the link to "../x" leaves`},
		{"link absolute", []item{{"l", "/etc/passwd", fs.ModeSymlink | 0o777}}, "leaves the directory"},
		{"through a link", []item{{"l", "d", fs.ModeSymlink | 0o777}, {"l/x", "y", 0o644}, {"d/", "", fs.ModeDir | 0o755}}, "cannot be made"},
		{"links together", []item{{"d/e/", "", fs.ModeDir | 0o755}, {"a", "d/e", fs.ModeSymlink | 0o777}, {"b", "a/../../..", fs.ModeSymlink | 0o777}}, "leaves the directory"},
		{"device", []item{{"dev", "", fs.ModeDevice | 0o644}}, "neither a file"},
		{"bomb", []item{{"zeros", strings.Repeat("0", 2000), 0o644}}, `"zeros": the archive unpacks to more`},
		{"many", []item{{"1", "", 0o644}, {"2", "", 0o644}, {"3", "", 0o644}, {"4", "", 0o644}}, "4 entries, at most 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			top := t.TempDir()
			dir := filepath.Join(top, "a", "b")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			err := Unzip(makeZip(t, tt.items...), dir, Limits{Entries: 3, Bytes: 1000, Ratio: 100})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if found, _ := filepath.Glob(filepath.Join(top, "*evil*")); found != nil {
				t.Errorf("written outside: %v", found)
			}
		})
	}
}

func TestZipAndBack(t *testing.T) {
	dir := t.TempDir()
	write := func(name, body string, mode os.FileMode) {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(body), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("a.txt", "A", 0o644)
	write(".hidden", "h", 0o644)
	write("bin/run", "#!", 0o755)
	write("bin/deep/b.txt", "B", 0o600)
	if err := os.Symlink("a.txt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"bin/circle": "..", "outside": "../elsewhere", "nowhere": "bin/none"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	names := func(files []File) (out []string) {
		for _, f := range files {
			name := f.Name
			if f.Link != "" {
				name += " → " + f.Link
			}
			out = append(out, name)
		}
		return out
	}
	for _, tt := range []struct {
		patterns, exclude []string
		links             Links
		want, unmatched   []string
	}{
		{[]string{"**/*"}, []string{"bin/circle/**"}, Follow, []string{".hidden", "a.txt", "bin/deep/b.txt", "bin/run", "link"}, nil},
		{[]string{"**/*"}, nil, KeepInside, []string{".hidden", "a.txt", "bin/circle → ..", "bin/deep/b.txt", "bin/run", "link → a.txt", "nowhere → bin/none"}, nil},
		{[]string{"bin/*", "outside", "link"}, nil, KeepAll, []string{"bin/circle → ..", "bin/run", "link → a.txt", "outside → ../elsewhere"}, nil},
		{[]string{"bin/*"}, nil, Follow, []string{"bin/run"}, nil},
		{[]string{"./a.txt", "no", "../x", "nowhere"}, nil, Follow, []string{"a.txt"}, []string{"no", "../x", "nowhere"}},
		{[]string{"**/*.txt"}, []string{"bin/**/*"}, Follow, []string{"a.txt"}, nil},
	} {
		files, unmatched, err := Find(dir, tt.patterns, tt.exclude, tt.links)
		if got := names(files); err != nil || !reflect.DeepEqual(got, tt.want) || !reflect.DeepEqual(unmatched, tt.unmatched) {
			t.Errorf("%v: %v, unmatched %v, %v", tt.patterns, got, unmatched, err)
		}
	}
	var b bytes.Buffer
	files, _, err := Find(dir, []string{"a.txt", "bin/run", "link", "bin/circle"}, nil, KeepInside)
	if err != nil {
		t.Fatal(err)
	}
	if err := Zip(&b, files); err != nil {
		t.Fatal(err)
	}
	file, out := filepath.Join(t.TempDir(), "b.zip"), t.TempDir()
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Unzip(file, out, DefaultLimits); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(filepath.Join(out, "link")); target != "a.txt" {
		t.Errorf("link: %q, %v", target, err)
	}
	if st, err := os.Stat(filepath.Join(out, "bin/run")); err != nil || st.Mode().Perm() != 0o755 {
		t.Errorf("mode: %v, %v", st, err)
	}
}
