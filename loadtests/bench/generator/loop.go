package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
)

const (
	eventsAtOnce = 32 // few, so that what is due to be sent never waits for long
	readBytes    = 1 << 18
)

// loop is one thread that polls all sockets and a timer: no goroutine, no channel, no lock.
type loop struct {
	epoll, timer int
	origin       time.Time
	operations   int
	conns        map[int32]*conn
	buffer       []byte
	events       [eventsAtOnce]syscall.EpollEvent
}

func newLoop() (*loop, error) {
	runtime.LockOSThread()
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	const monotonic = 1
	timer, _, failed := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, monotonic, syscall.O_NONBLOCK, 0)
	if failed != 0 {
		return nil, failed
	}
	l := &loop{
		epoll: epoll, timer: int(timer), origin: time.Now(), conns: map[int32]*conn{}, buffer: make([]byte, readBytes),
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(timer)}
	return l, syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, int(timer), &event)
}

// now is in nanoseconds since the loop was made.
func (l *loop) now() int64 { return int64(time.Since(l.origin)) }

// uuid is a new operation's id: version 4 in form, the time of the start and a count in fact.
func (l *loop) uuid() string {
	l.operations++
	start := l.origin.UnixNano()
	return fmt.Sprintf("%08x-%04x-4%03x-8000-%012x", start>>32&0xffffffff, start>>16&0xffff, start&0xfff, l.operations)
}

func (l *loop) add(c *conn) error {
	l.conns[int32(c.fd)] = c
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(c.fd)}
	return syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, c.fd, &event)
}

func (l *loop) watch(c *conn, events uint32) {
	event := syscall.EpollEvent{Events: events, Fd: int32(c.fd)}
	_ = syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_MOD, c.fd, &event)
}

func (l *loop) drop(c *conn) {
	if l.conns[int32(c.fd)] == c {
		delete(l.conns, int32(c.fd))
		_ = syscall.Close(c.fd)
	}
}

// turn handles what is ready, or waits for it until the given time.
func (l *loop) turn(until int64) error {
	patience := 0
	if wait := until - l.now(); wait > 0 {
		patience = -1
		rawAlarm(l.timer, wait)
	}
	count, failed := rawWait(l.epoll, l.events[:], patience)
	if failed != 0 && failed != syscall.EINTR {
		return failed
	}
	for _, event := range l.events[:count] {
		if int(event.Fd) == l.timer {
			var expirations [8]byte
			_, _ = rawRead(l.timer, expirations[:])
		} else if c := l.conns[event.Fd]; c != nil {
			l.serve(c, event.Events)
		}
	}
	return nil
}

func (l *loop) serve(c *conn, events uint32) {
	if events&syscall.EPOLLOUT != 0 {
		c.flush()
	}
	if events&(syscall.EPOLLIN|syscall.EPOLLHUP|syscall.EPOLLERR) == 0 {
		return
	}
	kept := copy(l.buffer, c.rest)
	count, failed := rawRead(c.fd, l.buffer[kept:])
	if failed == syscall.EAGAIN || failed == syscall.EINTR {
		return
	}
	if failed != 0 || count == 0 {
		c.fail("the server closed the connection")
		return
	}
	c.take(l.buffer[:kept+count], l.now())
}
