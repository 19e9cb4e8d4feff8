// The programs of the live matrix that are written in Go:
//
//	live-go serve PORT|unix:SOCKET                       the application on net/http
//	live-go client BASE PLAN DIRECTORY [CONNECTIONS [PAUSE]]
//	                                                     the client on net/http; each connection waits PAUSE before each request
//	live-go http2-serve PORT DIRECTORY                   files, over HTTP/2 in clear (http2.go)
//	live-go http2-client BASE CONNECTIONS REQUESTS [GO]
//	live-go link NAMESPACE:DEVICE NAMESPACE:DEVICE …     a wire with delay and loss (link.go)
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail("serve, client, http2-serve, http2-client or link?")
	}
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2])
	case "client":
		runClient(os.Args[2:])
	case "http2-serve":
		serveHTTP2(os.Args[2], os.Args[3])
	case "http2-client":
		runHTTP2Client(os.Args[2:])
	case "link":
		runLink(os.Args[2:])
	default:
		fail("there is no " + os.Args[1])
	}
}

func fail(problem any) {
	fmt.Fprintln(os.Stderr, problem)
	os.Exit(1)
}
