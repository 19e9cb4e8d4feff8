// Reads a capture file with gopacket's tcpassembly and net/http, the way Go sensors do, and prints one line of JSON:
// exchanges (responses parsed), seconds, CPU seconds, peak resident memory in MiB.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/google/gopacket/tcpassembly"
	"github.com/google/gopacket/tcpassembly/tcpreader"
)

var requests, responses, bytesRead atomic.Int64
var streams sync.WaitGroup

type factory struct{}

func (factory) New(_, transport gopacket.Flow) tcpassembly.Stream {
	reader := tcpreader.NewReaderStream()
	streams.Add(1)
	go read(&reader, transport.Src().String() == "80")
	return &reader
}

func read(stream io.Reader, isServer bool) {
	defer streams.Done()
	buffered := bufio.NewReader(stream)
	defer tcpreader.DiscardBytesToEOF(buffered)
	for {
		if isServer {
			response, err := http.ReadResponse(buffered, nil)
			if err != nil {
				return
			}
			n, _ := io.Copy(io.Discard, response.Body)
			response.Body.Close()
			bytesRead.Add(n)
			responses.Add(1)
		} else {
			request, err := http.ReadRequest(buffered)
			if err != nil {
				return
			}
			n, _ := io.Copy(io.Discard, request.Body)
			request.Body.Close()
			bytesRead.Add(n)
			requests.Add(1)
		}
	}
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	begun := time.Now()
	source, err := pcapgo.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	assembler := tcpassembly.NewAssembler(tcpassembly.NewStreamPool(factory{}))
	assembler.MaxBufferedPagesPerConnection = 64
	var ethernet layers.Ethernet
	var ip layers.IPv4
	var tcp layers.TCP
	var payload gopacket.Payload
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &ethernet, &ip, &tcp, &payload)
	decoded := []gopacket.LayerType{}
	for {
		data, info, err := source.ZeroCopyReadPacketData()
		if err != nil {
			break
		}
		if parser.DecodeLayers(data, &decoded) != nil {
			continue
		}
		assembler.AssembleWithTimestamp(ip.NetworkFlow(), &tcp, info.Timestamp)
	}
	assembler.FlushAll()
	streams.Wait()
	seconds := time.Since(begun).Seconds()
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"exchanges": responses.Load(), "seconds": seconds, "cpuSeconds": cpu, "peakMebibytes": usage.Maxrss / 1024,
	})
}
