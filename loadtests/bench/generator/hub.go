package main

import (
	"bytes"
	"strconv"
)

const stampSize = 1 + 16 + 4 + 8

var (
	stampSign = byte('~')
	signOK    = []byte(`"ok":true`)
	signIn    = []byte(`"status":"in"`)
	signDoc   = []byte(`"document_id":"`)
)

// room is a group of people who hear each other.
type room struct {
	id      string
	members []*person
}

// person is one Socket.IO client (protocol 5 on Engine.IO 4, over a WebSocket).
type person struct {
	*conn
	hub       *hub
	seat      *seat
	room      *room
	place     int
	connected bool
	entered   bool
	document  string
	gone      string
	sent      uint32
	waiting   int      // messages on the way, in a closed loop
	last      []uint32 // from each member of the room
	digest    uint64   // of everything heard, in its order
	ackFrom   int
	acks      []int64 // when each message from ackFrom on was meant to be sent
	text      []byte
}

// hub is a swarm of people in rooms.
type hub struct {
	*loop
	people  []*person
	rooms   []*room
	tally   *tally
	event   string
	onOwn   func(*person) // what a closed loop does when something of one's own came back
	byAck   bool
	deflate bool
}

func newHub(l *loop, ask *command) *hub {
	h := &hub{loop: l, deflate: ask.Deflate, tally: newTally(0)}
	rooms := map[string]*room{}
	for index := range ask.Seats {
		place := &ask.Seats[index]
		found := rooms[place.Group]
		if found == nil {
			found = &room{id: place.Group}
			rooms[place.Group], h.rooms = found, append(h.rooms, found)
		}
		who := &person{hub: h, seat: place, room: found, place: len(found.members)}
		found.members = append(found.members, who)
		h.people = append(h.people, who)
	}
	for _, who := range h.people {
		who.last = make([]uint32, len(who.room.members))
	}
	return h
}

func (h *hub) connect(ask *command) *answer {
	begin := func(index int) (err error) {
		who := h.people[index]
		who.conn, err = dial(h.loop, who.seat.Address, who.seat.Path, h.deflate, who)
		return err
	}
	return h.checked(inParallel(h.loop, len(h.people), ask.Parallel, begin, func(index int) bool {
		return h.people[index].connected || h.people[index].closed
	}))
}

func (h *hub) enter(ask *command) *answer {
	begin := func(index int) error {
		who := h.people[index]
		who.emit(`"room:enter",{"room_id":"` + who.room.id + `","op_id":"` + h.uuid() + `"}`)
		return nil
	}
	a := h.checked(inParallel(h.loop, len(h.people), ask.Parallel, begin, func(index int) bool {
		return h.people[index].entered || h.people[index].closed
	}))
	for _, who := range h.people {
		a.Found = append(a.Found, who.document)
	}
	return a
}

func (h *hub) checked(a *answer) *answer {
	for _, who := range h.people {
		if who.gone != "" && len(a.Errors) < maxErrors {
			a.Errors = append(a.Errors, who.gone)
		}
	}
	return a
}

func (h *hub) load(*command) *answer { return &answer{Errors: []string{"hubs load nothing"}} }

func (h *hub) typed() *answer { return &answer{Errors: []string{"nobody types in a hub"}} }

func (h *hub) close() {
	for _, who := range h.people {
		if who.conn != nil && !who.closed {
			who.closed = true
			h.drop(who.conn)
		}
	}
}

func (p *person) opened() {}

func (p *person) lost(reason string) {
	p.gone = reason
	p.hub.tally.wrong(reason)
}

func (p *person) emit(rest string) {
	p.text = append(strconv.AppendInt(append(p.text[:0], "42"...), int64(p.ackFrom+len(p.acks)), 10), '[')
	p.acks = append(p.acks, -1)
	p.text = append(append(p.text, rest...), ']')
	p.send(opText, p.text)
}

// say sends one message that carries who says it, its number, and when it was meant to be sent.
func (p *person) say(intended int64) {
	h := p.hub
	p.sent++
	text := append(strconv.AppendInt(append(p.text[:0], "42"...), int64(p.ackFrom+len(p.acks)), 10), `["`...)
	text = append(append(append(append(text, h.event...), `",{"room_id":"`...), p.room.id...), '"', ',')
	if h.event == "signal:send" {
		text = append(text, `"kind":"typing","value":"`...)
	} else {
		text = append(append(append(text, `"op_id":"`...), h.uuid()...), `","text":"`...)
	}
	text = appendHex(append(text, stampSign), uint64(intended), 16)
	text = appendHex(appendHex(text, uint64(p.place), 4), uint64(p.sent), 8)
	p.text = append(text, `"}]`...)
	p.acks = append(p.acks, intended)
	h.tally.Sent++
	h.tally.Expected += len(p.room.members)
	h.tally.lateness.add(h.now() - intended)
	p.send(opText, p.text)
}

func (p *person) heard(message []byte, at int64) {
	switch {
	case len(message) > 1 && message[0] == '4' && message[1] == '2':
		p.hearEvent(message, at)
	case len(message) > 1 && message[0] == '4' && message[1] == '3':
		p.hearAck(message, at)
	case len(message) == 1 && message[0] == '2':
		p.send(opText, []byte("3"))
	case len(message) > 0 && message[0] == '0':
		p.send(opText, []byte(`40{"token":"`+p.seat.Token+`"}`))
	case bytes.HasPrefix(message, []byte("40")):
		p.connected = true
	default:
		p.fail("unexpected: " + string(message[:min(len(message), 200)]))
	}
}

func (p *person) hearEvent(message []byte, at int64) {
	start := bytes.IndexByte(message, stampSign)
	if start < 0 || start+stampSize > len(message) {
		return // somebody came, or left
	}
	stamp := message[start+1 : start+stampSize]
	intended, sender, number := readHex(stamp[:16]), readHex(stamp[16:20]), uint32(readHex(stamp[20:]))
	h := p.hub
	if sender >= uint64(len(p.last)) {
		h.tally.wrong("a message of nobody")
		return
	}
	switch last := p.last[sender]; {
	case number == last+1:
		h.tally.Delivered++
		p.last[sender] = number
	case number > last:
		h.tally.Delivered++
		h.tally.Disordered++
		p.last[sender] = number
	default:
		h.tally.Repeated++
	}
	p.digest = p.digest*0x9e3779b97f4a7c15 + sender<<32 + uint64(number)
	h.tally.deliveries.add(at - int64(intended))
	if int(sender) == p.place && h.onOwn != nil && !h.byAck {
		h.onOwn(p)
	}
}

func (p *person) hearAck(message []byte, at int64) {
	bracket := bytes.IndexByte(message, '[')
	if bracket < 0 {
		return
	}
	number, err := strconv.Atoi(string(message[2:bracket]))
	index := number - p.ackFrom
	if err != nil || index < 0 || index >= len(p.acks) {
		p.hub.tally.wrong("an acknowledgement of nothing")
		return
	}
	intended := p.acks[index]
	p.acks[index] = -2
	switch {
	case !bytes.Contains(message[bracket:], signOK):
		p.fail("refused: " + string(message[:min(len(message), 300)]))
	case intended == -1:
		p.hearEntered(message)
	case intended == -2:
		p.hub.tally.wrong("acknowledged twice")
	default:
		p.hub.tally.Acked++
		p.hub.tally.acks.add(at - intended)
		if p.hub.onOwn != nil && p.hub.byAck {
			p.hub.onOwn(p)
		}
	}
}

func (p *person) hearEntered(message []byte) {
	if p.entered = bytes.Contains(message, signIn); !p.entered {
		p.fail("not let in: " + string(message[:min(len(message), 300)]))
	}
	if start := bytes.Index(message, signDoc); start >= 0 {
		start += len(signDoc)
		p.document = string(message[start : start+36])
	}
}

func appendHex(to []byte, value uint64, digits int) []byte {
	for digit := digits - 1; digit >= 0; digit-- {
		to = append(to, "0123456789abcdef"[value>>(4*digit)&15])
	}
	return to
}

func readHex(digits []byte) uint64 {
	var value uint64
	for _, digit := range digits {
		if digit >= 'a' {
			digit -= 'a' - 10
		} else {
			digit -= '0'
		}
		value = value<<4 | uint64(digit&15)
	}
	return value
}
