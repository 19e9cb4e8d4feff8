package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
)

const modified = "Wed, 01 Jan 2020 00:00:00 GMT"

type record struct {
	ID             string  `json:"id"`
	Method         string  `json:"method"`
	Target         string  `json:"target"`
	Status         int     `json:"status"`
	RequestBytes   *int    `json:"requestBytes,omitempty"`
	RequestSha256  *string `json:"requestSha256,omitempty"`
	ResponseBytes  int     `json:"responseBytes"`
	ResponseSha256 string  `json:"responseSha256"`
}

func serve(where string) {
	page, err := os.ReadFile(os.Getenv("LIVE_PAGE"))
	if err != nil {
		fail(err)
	}
	var log io.Writer = io.Discard
	if name := os.Getenv("LIVE_LOG"); name != "" {
		file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			fail(err)
		}
		log = file
	}
	app := &application{page: page, log: log}
	network, address := "tcp", ":"+where
	if path, isUnix := strings.CutPrefix(where, "unix:"); isUnix {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		fail(err)
	}
	fmt.Println("serving")
	fail(http.Serve(listener, app))
}

type application struct {
	page []byte
	lock sync.Mutex
	log  io.Writer
}

func (app *application) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	id := request.URL.Query().Get("id")
	entry := record{ID: id, Method: request.Method, Target: request.RequestURI}
	var body []byte
	if request.URL.Path != "/refuse" {
		body, _ = io.ReadAll(request.Body)
		length, sum := len(body), digest(body)
		entry.RequestBytes, entry.RequestSha256 = &length, &sum
	}
	status, content := app.answer(response.Header(), request, id, body)
	entry.Status = status
	header := response.Header()
	header.Set("x-live-id", id)
	hasBody := request.Method != "HEAD" && status != 204 && status != 304
	if request.URL.Path != "/chunks" && status != 204 && status != 304 {
		header.Set("Content-Length", strconv.Itoa(len(content)))
	}
	response.WriteHeader(status)
	if !hasBody {
		content = nil
	}
	if request.URL.Path == "/chunks" {
		for _, line := range bytes.SplitAfter(content, []byte("\n")) {
			response.Write(line)
			response.(http.Flusher).Flush()
		}
	} else {
		response.Write(content)
	}
	entry.ResponseBytes, entry.ResponseSha256 = len(content), digest(content)
	line, _ := json.Marshal(entry)
	app.lock.Lock()
	defer app.lock.Unlock()
	app.log.Write(append(line, '\n'))
}

func (app *application) answer(header http.Header, request *http.Request, id string, body []byte) (int, []byte) {
	method := request.Method
	if method == "HEAD" {
		method = "GET"
	}
	header.Set("Content-Type", "text/plain")
	switch method + " " + request.URL.Path {
	case "GET /hello":
		header.Set("Content-Type", "application/json")
		header["Set-Cookie"] = []string{"a=1; Path=/", "b=2; Path=/"}
		return 200, []byte(`{"id":"` + id + `","hello":"world"}`)
	case "GET /page.txt":
		header.Set("Last-Modified", modified)
		if request.Header.Get("If-Modified-Since") != "" {
			return 304, nil
		}
		return 200, app.page
	case "GET /zipped.txt":
		if !strings.Contains(request.Header.Get("Accept-Encoding"), "gzip") {
			return 200, app.page
		}
		header.Set("Content-Encoding", "gzip")
		var zipped bytes.Buffer
		writer := gzip.NewWriter(&zipped)
		writer.Write(app.page)
		writer.Close()
		return 200, zipped.Bytes()
	case "GET /chunks":
		var lines bytes.Buffer
		for i := range 50 {
			fmt.Fprintf(&lines, "chunk %d of %s\n", i, id)
		}
		return 200, lines.Bytes()
	case "GET /nothing":
		header.Del("Content-Type")
		return 204, nil
	case "GET /moved":
		header.Set("Location", "/hello?id="+id+"-2")
		return 302, []byte("moved\n")
	case "GET /last":
		header.Set("Connection", "close")
		return 200, app.page
	case "POST /echo":
		header.Set("Content-Type", request.Header.Get("Content-Type"))
		return 200, body
	case "POST /refuse":
		header.Set("Connection", "close")
		return 413, []byte("too much\n")
	case "PUT /store":
		return 201, fmt.Appendf(nil, "stored %d\n", len(body))
	case "DELETE /store":
		return 200, []byte("deleted\n")
	}
	return 404, []byte("absent\n")
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
