// Slowbucket serves a folder as S3 buckets for reading, at a given rate: a store behind a slow network.
//
//	go run health/testdata/slowbucket.go FOLDER HOST:PORT BYTES_PER_SECOND
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// line is the network: one byte after the other, whoever asks.
type line struct {
	sync.Mutex
	rate float64
}

// slow passes bytes on as fast as the line does.
type slow struct {
	http.ResponseWriter
	line *line
}

func (s slow) Write(p []byte) (int, error) {
	s.line.Lock()
	defer s.line.Unlock()
	time.Sleep(time.Duration(float64(len(p)) / s.line.rate * float64(time.Second)))
	return s.ResponseWriter.Write(p)
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: slowbucket FOLDER HOST:PORT BYTES_PER_SECOND")
	}
	rate, err := strconv.ParseFloat(os.Args[3], 64)
	if err != nil {
		log.Fatal(err)
	}
	l := &line{rate: rate}
	log.Fatal(http.ListenAndServe(os.Args[2], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := filepath.Join(os.Args[1], filepath.FromSlash(filepath.Clean("/"+r.URL.Path)))
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>`)
			return
		}
		f, err := os.Open(path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		defer f.Close()
		w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()))
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(slow{w, l}, r, "", info.ModTime(), f)
	})))
}
