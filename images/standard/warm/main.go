// Command warm imports what most services do, so that the image has it compiled.
package main

import (
	_ "bufio"
	_ "context"
	_ "database/sql"
	_ "embed"
	_ "encoding/json"
	_ "errors"
	_ "flag"
	_ "html/template"
	_ "log"
	_ "log/slog"
	_ "net/http"
	_ "os/signal"
	_ "text/template"
)

func main() {}
