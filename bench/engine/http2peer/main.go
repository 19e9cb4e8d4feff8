// Reads a capture file of HTTP/2 with gopacket's tcpassembly, and x/net/http2's Framer with hpack, the way Go sensors do, and
// prints one line of JSON: exchanges (streams that a server ended), seconds, CPU seconds, peak resident memory in MiB; and
// seconds for the Framer alone, on the same streams out of memory, one after the other.
package main

import (
	"bufio"
	"bytes"
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

type stream struct {
	isServer bool
	bytes    []byte
}

var kept []*stream

type factory struct{}

func (factory) New(_, transport gopacket.Flow) tcpassembly.Stream {
	reader := tcpreader.NewReaderStream()
	streams.Add(1)
	isServer := transport.Src().String() == "80"
	go func() {
		defer streams.Done()
		defer tcpreader.DiscardBytesToEOF(&reader)
		read(bufio.NewReader(&reader), isServer)
	}()
	return &reader
}

func read(from io.Reader, isServer bool) {
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
			if isServer && frame.StreamEnded() {
				ended.Add(1)
			}
		case *http2.DataFrame:
			bytesRead.Add(int64(len(frame.Data())))
			if isServer && frame.StreamEnded() {
				ended.Add(1)
			}
		}
	}
}

type keeper struct{ stream *stream }

func (k keeper) Reassembled(parts []tcpassembly.Reassembly) {
	for _, part := range parts {
		k.stream.bytes = append(k.stream.bytes, part.Bytes...)
	}
}
func (keeper) ReassemblyComplete() {}

type keepers struct{}

func (keepers) New(_, transport gopacket.Flow) tcpassembly.Stream {
	one := &stream{isServer: transport.Src().String() == "80"}
	kept = append(kept, one)
	return keeper{one}
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
	begun := time.Now()
	assemble(os.Args[1], tcpassembly.NewStreamPool(factory{}))
	streams.Wait()
	seconds := time.Since(begun).Seconds()
	cpuSeconds := cpu()
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	exchanges := ended.Load()

	assemble(os.Args[1], tcpassembly.NewStreamPool(keepers{}))
	begun = time.Now()
	for _, one := range kept {
		read(bytes.NewReader(one.bytes), one.isServer)
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"exchanges": exchanges, "seconds": seconds, "cpuSeconds": cpuSeconds, "peakMebibytes": usage.Maxrss / 1024,
		"framerSeconds": time.Since(begun).Seconds(),
	})
}
