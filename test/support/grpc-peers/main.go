// A client of gRPC that calls a server of test/e2e/grpc.test.ts in each of the four kinds, and prints what it sent and received,
// a line of JSON a call.
//
//	grpc-go-client HOST:PORT CALLS
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type raw struct{}

func (raw) Marshal(v any) ([]byte, error)   { return *v.(*[]byte), nil }
func (raw) Unmarshal(b []byte, v any) error { *v.(*[]byte) = append([]byte{}, b...); return nil }
func (raw) Name() string                    { return "proto" }

type call struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`
	Sent     []string `json:"sent"`
	Received []string `json:"received"`
	Status   int      `json:"status"`
}

var kinds = []struct {
	name           string
	client, server bool
}{{"Say", false, false}, {"Collect", true, false}, {"List", false, true}, {"Chat", true, true}}

func main() {
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		panic(err)
	}
	calls, _ := strconv.Atoi(os.Args[2])
	out := json.NewEncoder(os.Stdout)
	for i := 0; i < calls; i++ {
		kind := kinds[i%4]
		one := call{Name: fmt.Sprintf("go-%d", i), Kind: kind.name, Sent: []string{}, Received: []string{}}
		ctx := metadata.AppendToOutgoingContext(context.Background(), "x-call", one.Name)
		options := []grpc.CallOption{}
		if i%3 == 0 {
			options = append(options, grpc.UseCompressor(gzip.Name))
		}
		stream, err := connection.NewStream(ctx,
			&grpc.StreamDesc{ClientStreams: kind.client, ServerStreams: kind.server}, "/demo.Greeter/"+kind.name, options...)
		if err != nil {
			panic(err)
		}
		count := 1
		if kind.client {
			count = 4
		}
		for n := 0; n < count; n++ {
			text := fmt.Sprintf("call %d message %d", i, n)
			if i%10 == 9 {
				text += " fail"
			}
			one.Sent = append(one.Sent, text)
			bytes := []byte(text)
			if stream.SendMsg(&bytes) != nil {
				break
			}
		}
		_ = stream.CloseSend()
		for {
			var bytes []byte
			if err = stream.RecvMsg(&bytes); err != nil {
				break
			}
			one.Received = append(one.Received, string(bytes))
		}
		if err != io.EOF {
			one.Status = int(status.Code(err))
		}
		_ = out.Encode(one)
	}
}
