package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

const (
	opText, opBinary, opClose, opPing, opPong = 1, 2, 8, 9, 10

	maxMessage = 8 << 20
)

var mask = [8]byte{0x37, 0xfa, 0x21, 0x3d, 0x37, 0xfa, 0x21, 0x3d}

// client is what speaks over a connection.
type client interface {
	opened()
	heard(message []byte, at int64)
	lost(reason string)
}

// conn is the client's end of one WebSocket (RFC 6455).
type conn struct {
	fd       int
	loop     *loop
	client   client
	rest     []byte // what was read of a message that is not whole
	out      []byte // what the kernel did not take
	frame    []byte
	upgraded bool
	closed   bool
	inflate  *inflater
	began    int64
}

// dial connects and asks for the upgrade; the answer is read by the loop.
func dial(l *loop, address, path string, deflate bool, who client) (*conn, error) {
	target, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return nil, err
	}
	began := l.now()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	socket := &syscall.SockaddrInet4{Port: target.Port, Addr: [4]byte(target.IP.To4())}
	if err = syscall.Connect(fd, socket); err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return nil, err
	}
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	c := &conn{fd: fd, loop: l, client: who, began: began}
	offer := ""
	if deflate {
		offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
	}
	c.write(fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, address, offer))
	return c, l.add(c)
}

func (c *conn) fail(reason string) {
	if !c.closed {
		c.closed = true
		c.loop.drop(c)
		c.client.lost(reason)
	}
}

// take reads the whole messages in data and keeps the rest.
func (c *conn) take(data []byte, at int64) {
	if !c.upgraded {
		data = c.takeUpgrade(data)
	}
	for c.upgraded && !c.closed {
		size := c.takeFrame(data, at)
		if size == 0 {
			break
		}
		data = data[size:]
	}
	if len(data) > maxMessage {
		c.fail("a message is too long")
	}
	c.rest = append(c.rest[:0], data...)
}

func (c *conn) takeUpgrade(data []byte) []byte {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		return data
	}
	head := string(data[:end])
	if !strings.HasPrefix(head, "HTTP/1.1 101") {
		c.fail("no upgrade: " + strings.SplitN(head, "\r\n", 2)[0])
		return nil
	}
	if strings.Contains(strings.ToLower(head), "permessage-deflate") {
		c.inflate = newInflater()
	}
	c.upgraded = true
	c.client.opened()
	return data[end+4:]
}

// takeFrame handles the first frame in data; answers its size, or 0 when it is not whole.
func (c *conn) takeFrame(data []byte, at int64) int {
	if len(data) < 2 {
		return 0
	}
	head, length := 2, int(data[1]&0x7f)
	switch length {
	case 126:
		if len(data) < 4 {
			return 0
		}
		head, length = 4, int(binary.BigEndian.Uint16(data[2:]))
	case 127:
		if len(data) < 10 {
			return 0
		}
		head, length = 10, int(binary.BigEndian.Uint64(data[2:]))
	}
	if head+length > len(data) {
		if head+length > len(c.loop.buffer) {
			c.loop.buffer = make([]byte, 2*(head+length))
		}
		return 0
	}
	c.takeMessage(data[0], data[head:head+length], at)
	return head + length
}

func (c *conn) takeMessage(first byte, body []byte, at int64) {
	if first&0x40 != 0 {
		if c.inflate == nil {
			c.fail("a compressed frame")
			return
		}
		body = c.inflate.message(body)
	}
	switch first & 0x8f {
	case 0x80 | opText, 0x80 | opBinary:
		c.client.heard(body, at)
	case 0x80 | opPing:
		c.send(opPong, body)
	case 0x80 | opPong:
	case 0x80 | opClose:
		reason := "closed by the server"
		if len(body) >= 2 {
			reason = fmt.Sprintf("closed by the server: %d %s", binary.BigEndian.Uint16(body), body[2:])
		}
		c.fail(reason)
	default:
		c.fail(fmt.Sprintf("a frame that begins with %#x", first))
	}
}

// send writes one message of its own.
func (c *conn) send(op byte, message []byte) {
	c.frame = appendFrame(c.frame[:0], op, message)
	c.write(c.frame)
}

// appendFrame adds a client's frame: masked, and with a key that is not zero, for some servers save the work then.
func appendFrame(to []byte, op byte, message []byte) []byte {
	to = append(to, 0x80|op)
	switch length := len(message); {
	case length < 126:
		to = append(to, 0x80|byte(length))
	case length < 1<<16:
		to = binary.BigEndian.AppendUint16(append(to, 0x80|126), uint16(length))
	default:
		to = binary.BigEndian.AppendUint64(append(to, 0x80|127), uint64(length))
	}
	to = append(to, mask[:4]...)
	start := len(to)
	to = append(to, message...)
	body, word := to[start:], binary.NativeEndian.Uint64(mask[:])
	for ; len(body) >= 8; body = body[8:] {
		binary.NativeEndian.PutUint64(body, binary.NativeEndian.Uint64(body)^word)
	}
	for index := range body {
		body[index] ^= mask[index&3]
	}
	return to
}

// write hands bytes to the kernel, and keeps what it does not take.
func (c *conn) write(data []byte) {
	if len(c.out) == 0 {
		count, failed := rawWrite(c.fd, data)
		if failed != 0 && failed != syscall.EAGAIN {
			return // the reader notices
		}
		if data = data[count:]; len(data) == 0 {
			return
		}
		c.loop.watch(c, syscall.EPOLLIN|syscall.EPOLLOUT)
	}
	c.out = append(c.out, data...)
}

func (c *conn) flush() {
	count, failed := rawWrite(c.fd, c.out)
	if failed != 0 {
		return
	}
	c.out = append(c.out[:0], c.out[count:]...)
	if len(c.out) == 0 {
		c.loop.watch(c, syscall.EPOLLIN)
	}
}

// inflater is the reader of one connection's compressed messages (RFC 7692), which share a window.
type inflater struct {
	feed   bytes.Reader
	reader io.ReadCloser
	source []byte
	plain  []byte
}

func newInflater() *inflater {
	i := &inflater{plain: make([]byte, 1<<16)}
	i.reader = flate.NewReader(&i.feed)
	return i
}

func (i *inflater) message(body []byte) []byte {
	i.source = append(append(i.source[:0], body...), 0, 0, 0xff, 0xff)
	i.feed.Reset(i.source)
	size := 0
	for i.feed.Len() > 0 && size < len(i.plain) {
		count, err := i.reader.Read(i.plain[size:])
		if size += count; err != nil {
			break
		}
	}
	return i.plain[:size]
}
