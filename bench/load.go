package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// load sends requests over keep-alive connections, one waiting for its answer
// at a time on each, for a while. The client does as little as it can: the
// requests are bytes made before, answers are looked at only for status and
// length, so that what is measured is the server.
func load(address string, connections [][][]byte, d time.Duration) (perSecond float64, err error) {
	var mu sync.Mutex
	var total int
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	began := time.Now()
	for _, requests := range connections {
		wg.Go(func() {
			n, cerr := drive(address, requests, end)
			mu.Lock()
			total += n
			err = errors.Join(err, cerr)
			mu.Unlock()
		})
	}
	wg.Wait()
	return float64(total) / time.Since(began).Seconds(), err
}

func drive(address string, requests [][]byte, end time.Time) (n int, err error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(end.Add(10 * time.Second)); err != nil {
		return 0, err
	}
	r := bufio.NewReaderSize(c, 16<<10)
	for ; time.Now().Before(end); n++ {
		if _, err := c.Write(requests[n%len(requests)]); err != nil {
			return n, err
		}
		if _, err := answer(r, nil); err != nil {
			return n, err
		}
	}
	return n, nil
}

var lengthName = []byte("Content-Length: ")

// answer reads one answer, into body if that is not nil.
func answer(r *bufio.Reader, body *bytes.Buffer) (status string, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	ok := bytes.HasPrefix(line, []byte("HTTP/1.1 200 "))
	if !ok {
		status = string(bytes.TrimSpace(line))
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if len(line) <= 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, lengthName); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return "", err
			}
		}
	}
	if length < 0 {
		return "", errors.New("an answer without Content-Length")
	}
	if !ok {
		text, _ := io.ReadAll(io.LimitReader(r, int64(min(length, 1000))))
		return status, fmt.Errorf("%s: %s", status, text)
	}
	if body != nil {
		_, err = io.CopyN(body, r, int64(length))
		return status, err
	}
	_, err = r.Discard(length)
	return status, err
}
