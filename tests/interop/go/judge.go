// The receiver of docs/SIGNATURES.md, compiled with this, as a judge. `../src/process.rs` has the
// form of questions and answers.

package main

import (
	"encoding/json"
	"net/http"
	"os"
)

type question struct {
	Secret  string
	Headers [][2]string
	Body    []byte
	Now     int64
}

func main() {
	questions, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	answers.Encode([]string{"document"})
	for {
		var asked question
		if questions.Decode(&asked) != nil {
			return
		}
		headers := http.Header{}
		for _, header := range asked.Headers {
			headers.Add(header[0], header[1])
		}
		accepted := verify(asked.Secret, headers, asked.Body, asked.Now)
		answers.Encode(map[string]bool{"accepted": accepted})
	}
}
