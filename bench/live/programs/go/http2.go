package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Files of a directory, over HTTP/2 in clear by prior knowledge.
func serveHTTP2(port, directory string) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: "127.0.0.1:" + port, Handler: http.FileServer(http.Dir(directory)), Protocols: protocols}
	fail(server.ListenAndServe())
}

// As many connections as asked for, some requests on each, all at once and two at a time on a connection. Logs
// `TARGET STATUS BYTES` of each. With GO it makes a first round that it does not log, says "ready", and goes on with the same
// connections when the file GO is there.
func runHTTP2Client(args []string) {
	if len(args) < 3 {
		fail("http2-client BASE CONNECTIONS REQUESTS [GO]")
	}
	base := args[0]
	connections, _ := strconv.Atoi(args[1])
	requests, _ := strconv.Atoi(args[2])
	var opened, id atomic.Int64
	clients := make([]*http.Client, connections)
	for i := range clients {
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			opened.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		clients[i] = &http.Client{Transport: &http.Transport{Protocols: protocols, DialContext: dial, DisableCompression: true}}
	}
	var lock sync.Mutex
	get := func(client *http.Client, name string, isLogged bool) {
		number := id.Add(1) - 1
		path := fmt.Sprintf("/f-%d?%s=%d", number%10, name, number)
		response, err := client.Get(base + path)
		if err != nil {
			fail(err)
		}
		bytes, err := io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err != nil {
			fail(err)
		}
		if isLogged {
			lock.Lock()
			defer lock.Unlock()
			fmt.Printf("%s %d %d\n", path, response.StatusCode, bytes)
		}
	}
	round := func(count int, name string, isLogged bool) {
		var all sync.WaitGroup
		for _, client := range clients {
			all.Add(1)
			go func() {
				defer all.Done()
				// The first alone, so that the second finds its connection.
				for left := count; left > 0; {
					side := min(2, left)
					if left == count && !isLogged {
						side = 1
					}
					var pair sync.WaitGroup
					for range side {
						pair.Add(1)
						go func() { defer pair.Done(); get(client, name, isLogged) }()
					}
					pair.Wait()
					left -= side
				}
			}()
		}
		all.Wait()
	}
	if len(args) > 3 {
		round(2, "early", false)
		fmt.Println("ready")
		for {
			if _, err := os.Stat(args[3]); err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		before := opened.Load()
		defer func() {
			if opened.Load() != before {
				fail(fmt.Sprintf("%d connections were opened anew", opened.Load()-before))
			}
		}()
	}
	round(requests, "id", true)
}
