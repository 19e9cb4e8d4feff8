// Reads a capture file of HTTP/2 with gopacket's tcpassembly, and x/net/http2's Framer with hpack, the way Go sensors do, and
// prints one line of JSON: exchanges, seconds, CPU seconds, peak resident memory in MiB.
//
//	http2peer FILE         counts streams that a server ended, and looks at no body
//	http2peer FILE kept    pairs requests with responses, and keeps their fields and bodies until both have ended
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
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
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const preface = 24

var ended, bytesRead, fields atomic.Int64
var streams sync.WaitGroup

type factory struct{}

func (factory) New(network, transport gopacket.Flow) tcpassembly.Stream {
	reader := tcpreader.NewReaderStream()
	streams.Add(1)
	isServer := transport.Src().String() == "80"
	var pairs *connection
	if keeps {
		pairs = connectionOf(network, transport, isServer)
	}
	go func() {
		defer streams.Done()
		defer tcpreader.DiscardBytesToEOF(&reader)
		read(bufio.NewReader(&reader), isServer, pairs)
	}()
	return &reader
}

// Whether messages are kept.
var keeps bool

type message struct {
	fields [][]hpack.HeaderField
	body   []byte
	ended  bool
}

type exchange struct{ request, response message }

type connection struct {
	mutex sync.Mutex
	open  map[uint32]*exchange
}

var connections = map[[2]gopacket.Flow]*connection{}

// Both directions of a connection have one.
func connectionOf(network, transport gopacket.Flow, isServer bool) *connection {
	if isServer {
		network, transport = network.Reverse(), transport.Reverse()
	}
	key := [2]gopacket.Flow{network, transport}
	known := connections[key]
	if known == nil {
		known = &connection{open: map[uint32]*exchange{}}
		connections[key] = known
	}
	return known
}

func (c *connection) take(id uint32, isServer bool, fields []hpack.HeaderField, body []byte, ended bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	one := c.open[id]
	if one == nil {
		one = &exchange{}
		c.open[id] = one
	}
	side := &one.request
	if isServer {
		side = &one.response
	}
	if fields != nil {
		side.fields = append(side.fields, fields)
	}
	side.body = append(side.body, body...)
	side.ended = side.ended || ended
	if one.request.ended && one.response.ended {
		delete(c.open, id)
		paired.Add(1)
		materialised.Add(int64(len(one.request.body) + len(one.response.body) + len(one.request.fields[0])))
	}
}

var paired, materialised atomic.Int64

func read(from io.Reader, isServer bool, pairs *connection) {
	if !isServer {
		if _, err := io.CopyN(io.Discard, from, preface); err != nil {
			return
		}
	}
	framer := http2.NewFramer(io.Discard, from)
	framer.SetReuseFrames()
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			fields.Add(int64(len(frame.Fields)))
			if pairs != nil {
				pairs.take(frame.StreamID, isServer, frame.Fields, nil, frame.StreamEnded())
			}
			if isServer && frame.StreamEnded() {
				ended.Add(1)
			}
		case *http2.DataFrame:
			bytesRead.Add(int64(len(frame.Data())))
			if pairs != nil {
				pairs.take(frame.StreamID, isServer, nil, frame.Data(), frame.StreamEnded())
			}
			if isServer && frame.StreamEnded() {
				ended.Add(1)
			}
		}
	}
}

func assemble(path string, pool *tcpassembly.StreamPool) {
	file, err := os.Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer file.Close()
	source, err := pcapgo.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	assembler := tcpassembly.NewAssembler(pool)
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
}

func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func main() {
	keeps = len(os.Args) > 2
	begun := time.Now()
	assemble(os.Args[1], tcpassembly.NewStreamPool(factory{}))
	streams.Wait()
	seconds := time.Since(begun).Seconds()
	cpuSeconds := cpu()
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	exchanges := ended.Load()
	if keeps {
		exchanges = paired.Load()
	}

	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"exchanges": exchanges, "seconds": seconds, "cpuSeconds": cpuSeconds, "peakMebibytes": usage.Maxrss / 1024,
	})
}
