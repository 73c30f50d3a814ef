// Command hello is the application of the tutorial: one page that says which
// version is running.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

// version is set by the build: go build -ldflags "-X main.version=…".
var version = "development"

// greeting is what the page says. Change it, push, and watch it travel.
const greeting = "Hello from Slipway"

func page() string { return fmt.Sprintf("%s, version %s\n", greeting, version) }

func main() {
	addr := ":8080"
	if p := os.Getenv("PORT"); p != "" {
		addr = ":" + p
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, page())
	})
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	log.Printf("hello %s listens on %s (%s)", version, addr, os.Getenv("STAGE"))
	log.Fatal(http.ListenAndServe(addr, nil))
}
