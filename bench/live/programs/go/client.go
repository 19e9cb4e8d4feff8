package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

type item struct {
	ID         string      `json:"id"`
	Method     string      `json:"method"`
	Target     string      `json:"target"`
	Headers    [][2]string `json:"headers"`
	Body       *string     `json:"body"`
	IsChunked  bool        `json:"isChunked"`
	IsFollowed bool        `json:"isFollowed"`
	IsClosing  bool        `json:"isClosing"`
}

type outcome struct {
	ID      string      `json:"id"`
	Status  int         `json:"status,omitempty"`
	Headers [][2]string `json:"headers,omitempty"`
	Error   string      `json:"error,omitempty"`
}

type client struct {
	base      string
	directory string
	pause     time.Duration
	lock      sync.Mutex
}

func runClient(args []string) {
	this := &client{base: args[0], directory: args[2]}
	connections := 1
	if len(args) > 3 {
		connections, _ = strconv.Atoi(args[3])
	}
	if len(args) > 4 {
		this.pause, _ = time.ParseDuration(args[4])
	}
	plan, err := os.Open(args[1])
	if err != nil {
		fail(err)
	}
	items := make([][]item, connections)
	lines := bufio.NewScanner(plan)
	for i := 0; lines.Scan(); i++ {
		var next item
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			fail(err)
		}
		items[i%connections] = append(items[i%connections], next)
	}
	var running sync.WaitGroup
	for _, share := range items {
		running.Go(func() { this.sendAll(share) })
	}
	running.Wait()
}

// sendAll sends the items in order over a connection of their own.
func (c *client) sendAll(items []item) {
	transport := &http.Transport{
		DisableCompression:    true,
		MaxConnsPerHost:       1,
		ExpectContinueTimeout: 5 * time.Second,
	}
	defer transport.CloseIdleConnections()
	if c.pause > 0 {
		time.Sleep(rand.N(c.pause)) // not all at once
	}
	for _, next := range items {
		time.Sleep(c.pause)
		if err := c.send(transport, next); err != nil {
			c.say(outcome{ID: next.ID, Error: err.Error()})
		}
	}
}

func (c *client) send(transport *http.Transport, next item) error {
	var body io.Reader
	if next.Body != nil {
		content, err := os.ReadFile(*next.Body)
		if err != nil {
			return err
		}
		body = bytes.NewReader(content)
		if next.IsChunked {
			body = io.MultiReader(body) // hides the length
		}
	}
	request, err := http.NewRequest(next.Method, c.base+next.Target, body)
	if err != nil {
		return err
	}
	request.Close = next.IsClosing
	for _, header := range next.Headers {
		request.Header.Add(header[0], header[1])
	}
	user := &http.Client{Transport: transport, Timeout: 120 * time.Second}
	id := next.ID
	user.CheckRedirect = func(*http.Request, []*http.Request) error {
		if !next.IsFollowed {
			return http.ErrUseLastResponse
		}
		id = next.ID + "-2"
		return nil
	}
	response, err := user.Do(request)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.directory, id), content, 0o644); err != nil {
		return err
	}
	c.say(outcome{ID: id, Status: response.StatusCode, Headers: headersOf(response)})
	return nil
}

func headersOf(response *http.Response) [][2]string {
	headers := [][2]string{}
	for name, values := range response.Header {
		for _, value := range values {
			headers = append(headers, [2]string{strings.ToLower(name), value})
		}
	}
	return headers
}

func (c *client) say(o outcome) {
	line, _ := json.Marshal(o)
	c.lock.Lock()
	defer c.lock.Unlock()
	os.Stdout.Write(append(line, '\n'))
}
