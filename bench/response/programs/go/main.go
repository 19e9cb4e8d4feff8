// The server of active response that is written in Go: net/http, over HTTP/1.1 and, in clear, HTTP/2.
//
//	server ADDRESS
//
// What is asked for below /admin/slow goes on until its client is gone; the server then prints for how many milliseconds it did.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{Protocols: &protocols, Handler: http.HandlerFunc(answer)}
	panic(server.Serve(listener))
}

func answer(response http.ResponseWriter, request *http.Request) {
	if !strings.HasPrefix(request.URL.Path, "/admin/slow") {
		fmt.Fprint(response, "ok")
		return
	}
	began := time.Now()
	fmt.Fprint(response, "a")
	response.(http.Flusher).Flush()
	<-request.Context().Done()
	fmt.Printf("ended %d\n", time.Since(began).Milliseconds())
}
