// Command sprig times Go's text/template with sprig on recorded templates:
// one line per template with nanoseconds for parsing and for rendering.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

type recorded struct {
	Cases []struct {
		Name, Group, Template string
		Data                  map[string]string
		Output                *string
	}
}

// perCall gives the nanoseconds of one call, the fastest of several rounds.
func perCall(work func()) int64 {
	const rounds, span = 5, 10 * time.Millisecond
	best := int64(1<<63 - 1)
	for range rounds {
		start, calls := time.Now(), int64(0)
		for time.Since(start) < span {
			for range 16 {
				work()
			}
			calls += 16
		}
		best = min(best, time.Since(start).Nanoseconds()/calls)
	}
	return best
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var all recorded
	if err := json.Unmarshal(text, &all); err != nil {
		panic(err)
	}
	functions := template.FuncMap(sprig.GenericFuncMap())
	for _, c := range all.Cases {
		if c.Group != os.Args[2] || c.Output == nil {
			continue
		}
		parse := func() *template.Template {
			return template.Must(template.New("out").Funcs(functions).Parse(c.Template))
		}
		parsed := parse()
		render := func() {
			var out bytes.Buffer
			if err := parsed.Execute(&out, c.Data); err != nil || out.String() != *c.Output {
				panic(c.Name)
			}
		}
		fmt.Printf("%s %d %d\n", c.Name, perCall(func() { parse() }), perCall(render))
	}
}
