package agent

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"os"
)

// output is the one pipe that all commands of a build write to, so that their
// stdout and stderr stay in order and what they leave running can go on
// writing. A mark that the agent puts into the pipe after a command has ended
// tells when all of its output has been read.
type output struct {
	pipe    *os.File // for writing
	mark    []byte
	settled chan struct{}
	done    chan struct{}
}

func newOutput(log *buildLog) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	o := &output{
		pipe: w, mark: []byte("\x00" + hex.EncodeToString(random) + "\x00"),
		settled: make(chan struct{}), done: make(chan struct{}),
	}
	go o.read(r, log)
	return o, nil
}

// settle returns when everything that was written before has been logged.
func (o *output) settle() {
	if _, err := o.pipe.Write(o.mark); err != nil { // atomic: shorter than PIPE_BUF
		return
	}
	select {
	case <-o.settled:
	case <-o.done:
	}
}

func (o *output) read(r *os.File, log *buildLog) {
	defer close(o.done)
	defer r.Close()
	var held []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if n == 0 && err != nil {
			return
		}
		data := append(held, buf[:n]...)
		for {
			i := bytes.Index(data, o.mark)
			if i < 0 {
				break
			}
			_, _ = log.Write(data[:i])
			log.Flush()
			data = data[i+len(o.mark):]
			o.settled <- struct{}{}
		}
		keep := len(data)
		if i := bytes.LastIndexByte(data, 0); i >= 0 && len(data)-i < len(o.mark) && bytes.HasPrefix(o.mark, data[i:]) {
			keep = i
		}
		_, _ = log.Write(data[:keep])
		held = bytes.Clone(data[keep:])
	}
}

func (o *output) close() { _ = o.pipe.Close() }
