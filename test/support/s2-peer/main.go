// Command s2-peer encodes and decodes S2 blocks by klauspost/compress/s2, the codec of stock PacketStreamer.
//
// in:  operation u8 ('d' or 'e') · length u32 · bytes, again and again, little-endian
// out: length u32 · bytes for each; ff ff ff ff where a block cannot be decoded
package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"

	"github.com/klauspost/compress/s2"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	head := make([]byte, 5)
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		bytes := make([]byte, binary.LittleEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(in, bytes); err != nil {
			return
		}
		var answer []byte
		failed := false
		if head[0] == 'e' {
			answer = s2.Encode(nil, bytes)
		} else {
			decoded, err := s2.Decode(nil, bytes)
			answer, failed = decoded, err != nil
		}
		length := uint32(len(answer))
		if failed {
			length, answer = 0xffffffff, nil
		}
		binary.Write(out, binary.LittleEndian, length)
		out.Write(answer)
	}
}
