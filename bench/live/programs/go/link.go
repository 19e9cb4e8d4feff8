package main

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A wire between two network namespaces, for kernels without sch_netem: a TUN device at each end, and a queue between
// them that each packet spends the delay in, unless it is lost.
//
//	live-go link -delay 40ms -loss 0.0005 -seed 1 NAMESPACE:DEVICE NAMESPACE:DEVICE
//
// Prints a line when both devices are there; ends at SIGTERM with the number of packets carried and lost.
func runLink(args []string) {
	flags := flag.NewFlagSet("link", flag.ExitOnError)
	delay := flags.Duration("delay", 40*time.Millisecond, "that a packet takes, one way")
	loss := flags.Float64("loss", 0, "share of the packets that are lost")
	seed := flags.Int64("seed", 1, "that decides which")
	flags.Parse(args)
	if flags.NArg() != 2 {
		fail("two ends, NAMESPACE:DEVICE each")
	}
	near, far := openTun(flags.Arg(0)), openTun(flags.Arg(1))
	there := newPipe(near, far, *delay, *loss, *seed)
	back := newPipe(far, near, *delay, *loss, *seed+1)
	fmt.Println("linked")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	fmt.Printf("carried %d lost %d\n", there.carried+back.carried, there.lost+back.lost)
}

type packet struct {
	due   time.Time
	bytes []byte
}

// A pipe is one direction. Packets beyond the queue are lost as on a full router.
type pipe struct {
	carried, lost int
}

func newPipe(from, to *os.File, delay time.Duration, loss float64, seed int64) *pipe {
	p := &pipe{}
	queue := make(chan packet, 1<<16)
	chance := rand.New(rand.NewSource(seed))
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			length, err := from.Read(buffer)
			if err != nil {
				return
			}
			if chance.Float64() < loss {
				p.lost++
				continue
			}
			select {
			case queue <- packet{time.Now().Add(delay), append([]byte(nil), buffer[:length]...)}:
			default:
				p.lost++
			}
		}
	}()
	go func() {
		for next := range queue {
			time.Sleep(time.Until(next.due))
			if _, err := to.Write(next.bytes); err == nil {
				p.carried++
			}
		}
	}()
	return p
}

// openTun makes the device of NAMESPACE:DEVICE, still down, in the namespace that `ip netns` calls so.
func openTun(where string) *os.File {
	namespace, device, _ := strings.Cut(where, ":")
	runtime.LockOSThread() // for good: the thread stays in the other namespace until the program ends
	handle, err := os.Open("/var/run/netns/" + namespace)
	if err != nil {
		fail(err)
	}
	if err := unix.Setns(int(handle.Fd()), unix.CLONE_NEWNET); err != nil {
		fail(err)
	}
	tun, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		fail(err)
	}
	var request struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:15], device)
	request.flags = unix.IFF_TUN | unix.IFF_NO_PI
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(tun), unix.TUNSETIFF, uintptr(unsafe.Pointer(&request))); errno != 0 {
		fail(errno)
	}
	return os.NewFile(uintptr(tun), device)
}
