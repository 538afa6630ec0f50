// Runs the receiver of docs/SIGNATURES.md, which is compiled together with this file.
// `../src/process.rs` documents the format of requests and replies.

package main

import (
	"encoding/json"
	"net/http"
	"os"
)

type request struct {
	Secret  string
	Headers [][2]string
	Body    []byte
	Now     int64
}

func main() {
	requests, replies := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	replies.Encode([]string{"document"})
	for {
		var call request
		if requests.Decode(&call) != nil {
			return
		}
		headers := http.Header{}
		for _, header := range call.Headers {
			headers.Add(header[0], header[1])
		}
		accepted := verify(call.Secret, headers, call.Body, call.Now)
		replies.Encode(map[string]bool{"accepted": accepted})
	}
}
