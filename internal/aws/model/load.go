package model

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// MODELS is the directory with the models: MODELS=DIR go generate ./internal/aws/model
//
//go:generate sh -c "go run ./gen $MODELS patches data"

//go:embed data/*.gz
var data embed.FS

// The index is read at start, in a millisecond; a model only when its service
// is called first.
var index = sync.OnceValues(func() (map[string]*entry, error) {
	raw, err := unzip("index")
	if err != nil {
		return nil, err
	}
	var infos []Info
	if err := json.Unmarshal(raw, &infos); err != nil {
		return nil, fmt.Errorf("model index: %w", err)
	}
	m := make(map[string]*entry, len(infos))
	for _, info := range infos {
		m[info.Name] = &entry{info: info, load: sync.OnceValues(func() (*Service, error) {
			raw, err := unzip(info.Name)
			if err != nil {
				return nil, err
			}
			s, err := Parse(info.Name, raw)
			if err != nil {
				return nil, err
			}
			return amend(s), nil
		})}
	}
	return m, nil
})

type entry struct {
	info Info
	load func() (*Service, error)
}

// Lookup says what the model of that name is, without parsing it.
func Lookup(name string) (Info, error) {
	e, err := find(name)
	if err != nil {
		return Info{}, err
	}
	return e.info, nil
}

// Load returns the model of that name. It is parsed once.
func Load(name string) (*Service, error) {
	e, err := find(name)
	if err != nil {
		return nil, err
	}
	return e.load()
}

func find(name string) (*entry, error) {
	m, err := index()
	if err != nil {
		return nil, err
	}
	e := m[name]
	if e == nil {
		return nil, fmt.Errorf("no API model %q", name)
	}
	return e, nil
}

// Index makes the index of these models, for the generator.
func Index(services []*Service) ([]byte, error) {
	infos := make([]Info, len(services))
	for i, s := range services {
		infos[i] = s.Info
	}
	return json.Marshal(infos)
}

func unzip(name string) ([]byte, error) {
	b, err := data.ReadFile("data/" + name + ".json.gz")
	if err != nil {
		return nil, fmt.Errorf("API model: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("API model %s: %w", name, err)
	}
	return io.ReadAll(z)
}
