module http2-peer

go 1.26.0

require (
	github.com/google/gopacket v1.1.19
	golang.org/x/net v0.60.0
)

require (
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
)
