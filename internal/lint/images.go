package lint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// unpinned says what is loose about an image's name; "" if it is pinned, or
// made of variables that nobody knows here.
func unpinned(image string) string {
	image = strings.TrimSpace(image)
	if image == "" || strings.ContainsAny(image, "${}<>") || strings.Contains(image, "@sha256:") {
		return ""
	}
	last := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, tagged := strings.Cut(last, ":")
	switch {
	case !tagged || tag == "":
		return "has no tag, which means latest"
	case tag == "latest":
		return "has the tag latest"
	}
	return ""
}

func (l *linter) image(at place, image, fix string) {
	if what := unpinned(image); what != "" {
		l.report.add(rulePinned, at, fmt.Sprintf("The image %s %s.", clip(image), what), fix)
	}
}

var (
	fromLine = regexp.MustCompile(`(?i)^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$`)
	copyFrom = regexp.MustCompile(`(?i)^\s*COPY\s+.*--from=(\S+)`)
)

func (l *linter) dockerfile(file string, text []byte) {
	l.checked(file)
	stages := map[string]bool{"scratch": true} // and those of the file
	const fix = "Name a version, or better a digest (NAME@sha256:…)."
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		image, stage := "", ""
		if m := fromLine.FindStringSubmatch(line); m != nil {
			image, stage = m[1], m[2]
		} else if m := copyFrom.FindStringSubmatch(line); m != nil && strings.Trim(m[1], "0123456789") != "" { // not a stage's number
			image = m[1]
		}
		if !stages[strings.ToLower(image)] {
			l.image(place{file: file, line: n}, image, fix)
		}
		stages[strings.ToLower(stage)] = true
	}
}

// imageDefinitions checks the file of the ECS deploy action: a list of objects
// with name and imageUri.
func (l *linter) imageDefinitions(file string, text []byte) {
	l.checked(file)
	var list []map[string]any
	if err := json.Unmarshal(text, &list); err != nil {
		l.report.add(ruleDefinitions, jsonPlace(file, text, err), "It is not a list of objects"+jsonReason(err)+".",
			`Write [{"name": "CONTAINER", "imageUri": "REPOSITORY:TAG"}].`)
		return
	}
	if len(list) == 0 {
		l.report.add(ruleDefinitions, place{file: file, line: 1}, "It names no container.", `Write [{"name": "CONTAINER", "imageUri": "REPOSITORY:TAG"}].`)
	}
	for i, d := range list {
		name, _ := d["name"].(string)
		uri, _ := d["imageUri"].(string)
		at := place{file: file, line: max(1, lineOf(text, `"`+uri+`"`)), subject: name}
		if name == "" || uri == "" {
			at.line = 1
			l.report.add(ruleDefinitions, at, fmt.Sprintf("Entry %d needs name and imageUri, both text.", i+1), `Write {"name": "CONTAINER", "imageUri": "REPOSITORY:TAG"}.`)
			continue
		}
		l.image(at, uri, "Deploy the tag or digest that this build pushed, for example the commit's.")
	}
}

// container is what is checked of a container definition.
type container struct {
	Name        string `json:"name"`
	Image       string `json:"image"`
	Environment []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"environment"`
}

// containers checks container definitions. text, if there is one, gives lines.
func (l *linter) containers(at place, text []byte, list []container) {
	for _, c := range list {
		here := at
		here.subject = strings.TrimPrefix(here.subject+"/"+c.Name, "/")
		if n := lineOf(text, `"`+c.Image+`"`); n > 0 {
			here.line = n
		}
		if c.Image != "<IMAGE1_NAME>" { // CodeDeploy's placeholder
			l.image(here, c.Image, "Name a version or a digest; the pipeline's deploy action registers newer ones.")
		}
		for _, v := range c.Environment {
			if n := lineOf(text, `"`+v.Name+`"`); n > 0 {
				here.line = n
			}
			l.variable(here, v.Name, v.Value, "Keep it in Secrets Manager or Parameter Store, and name it under the container's secrets.")
		}
	}
}

func (l *linter) taskDefinition(file string, text []byte) {
	var d struct {
		TaskDefinition       *struct{ ContainerDefinitions []container } `json:"taskDefinition"`
		ContainerDefinitions []container                                 `json:"containerDefinitions"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		l.report.add(ruleUnreadable, jsonPlace(file, text, err), "It is not a task definition in JSON"+jsonReason(err)+".", "Correct the file.")
		return
	}
	l.checked(file)
	list := d.ContainerDefinitions
	if d.TaskDefinition != nil {
		list = append(list, d.TaskDefinition.ContainerDefinitions...)
	}
	l.containers(place{file: file}, text, list)
}

// jsonPlace is where a JSON error is, as far as it tells.
func jsonPlace(file string, text []byte, err error) place {
	offset := int64(-1)
	switch e := err.(type) {
	case *json.SyntaxError:
		offset = e.Offset
	case *json.UnmarshalTypeError:
		offset = e.Offset
	}
	if offset < 0 || offset > int64(len(text)) {
		return place{file: file, line: 1}
	}
	before := text[:offset]
	return place{file: file, line: bytes.Count(before, []byte("\n")) + 1, column: len(before) - bytes.LastIndexByte(before, '\n') - 1}
}

// jsonReason is why a text is no JSON; that it is other JSON than it should be
// has been said.
func jsonReason(err error) string {
	if e, ok := err.(*json.SyntaxError); ok {
		return ": " + e.Error()
	}
	return ""
}

// clip keeps what hostile input may print short, and on its line.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}
