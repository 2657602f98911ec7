package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

const (
	yjsSync, yjsAwareness, yjsAuth, yjsQuery, yjsSyncReply = 0, 1, 2, 3, 4
	hocuspocusStatus                                       = 8
	dojoExtension                                          = 100
	dojoHello, dojoNumbered, dojoAck, dojoRefused          = 0, 1, 2, 3
	stepState, stepAnswer, stepUpdate                      = 0, 1, 2

	quiet = 300e6 // after which a joining person has all of a document
)

// document is a group of people at one text, and how far they are in the script.
type document struct {
	name     string
	typists  []*typist
	next     int
	first    int     // update that the run began with
	intended []int64 // when each update from first on was meant to be sent
}

// typist is one person's connection to a document.
type typist struct {
	*conn
	editor   *editor
	seat     *seat
	document *document
	place    int
	ready    bool
	gone     string
	last     int     // update heard last
	due      []int64 // when what is not acknowledged was meant to be sent
	number   int     // of the update sent last
	acked    int

	answered  int // bytes of the document that came with joining
	answersAt int64
	message   []byte
	packed    []byte // messages that share one frame
	frames    []byte
}

// editor is a swarm of people at documents.
type editor struct {
	*loop
	protocol  string // dojo, yws or hocuspocus
	script    *script
	failure   error
	documents []*document
	people    []*typist
	packs     bool // several messages in a frame, as our protocol allows
	tally     *tally
}

func newEditor(l *loop, ask *command) *editor {
	e := &editor{loop: l, protocol: ask.Protocol, tally: newTally(0)}
	e.script, e.failure = readScript(ask.File)
	documents := map[string]*document{}
	for index := range ask.Seats {
		place := &ask.Seats[index]
		found := documents[place.Group]
		if found == nil {
			found = &document{name: place.Group}
			documents[place.Group], e.documents = found, append(e.documents, found)
		}
		who := &typist{editor: e, seat: place, document: found, place: len(found.typists), last: -1}
		found.typists = append(found.typists, who)
		e.people = append(e.people, who)
	}
	return e
}

func (e *editor) connect(ask *command) *answer {
	if e.failure != nil {
		return &answer{Errors: []string{e.failure.Error()}}
	}
	begin := func(index int) (err error) {
		who := e.people[index]
		who.conn, err = dial(e.loop, who.seat.Address, who.seat.Path, false, who)
		return err
	}
	a := inParallel(e.loop, len(e.people), ask.Parallel, begin, func(index int) bool {
		return e.people[index].ready || e.people[index].closed
	})
	return e.checked(a)
}

func (e *editor) checked(a *answer) *answer {
	for _, who := range e.people {
		if who.gone != "" && len(a.Errors) < maxErrors {
			a.Errors = append(a.Errors, who.gone)
		}
	}
	a.Errors = append(a.Errors, e.tally.Errors...)
	return a
}

// enter waits until what joining brings has come, and says how much it was and how long it took.
func (e *editor) enter(*command) *answer {
	start := e.now()
	begin := func(index int) error { return nil }
	a := inParallel(e.loop, len(e.people), len(e.people), begin, func(index int) bool {
		who := e.people[index]
		return who.closed || e.now()-max(who.answersAt, start) > quiet
	})
	var latest int64
	for _, who := range e.people {
		a.Bytes += who.answered
		latest = max(latest, who.answersAt)
	}
	a.Seconds = float64(latest-e.people[0].began) / 1e9
	return e.checked(a)
}

func (e *editor) close() {
	for _, who := range e.people {
		if who.conn != nil && !who.closed {
			who.closed = true
			e.drop(who.conn)
		}
	}
}

func (t *typist) lost(reason string) {
	t.gone = reason
	t.editor.tally.wrong(reason)
}

// start begins a message of the protocol, for the document where that is in the message.
func (t *typist) start() []byte {
	message := t.message[:0]
	if t.editor.protocol == "hocuspocus" {
		message = append(binary.AppendUvarint(message, uint64(len(t.document.name))), t.document.name...)
	}
	return message
}

func (t *typist) opened() {
	switch t.editor.protocol {
	case "hocuspocus":
		t.send(opBinary, append(t.start(), yjsAuth, 0, 1, 't', 5, '4', '.', '7', '.', '0'))
		return
	case "dojo":
		t.send(opBinary, []byte{dojoExtension, dojoHello, 1})
	}
	t.askState()
}

func (t *typist) askState() { t.send(opBinary, append(t.start(), yjsSync, stepState, 1, 0)) }

// frame adds the frame of one update of the script to those that are sent together.
func (t *typist) frame(data []byte, intended int64) {
	message := t.start()
	if t.number++; t.editor.protocol == "dojo" {
		message = binary.AppendUvarint(append(message, dojoExtension, dojoNumbered), uint64(t.number))
	} else {
		message = append(message, yjsSync, stepUpdate)
	}
	t.message = append(binary.AppendUvarint(message, uint64(len(data))), data...)
	if t.editor.packs {
		t.packed = append(t.packed, t.message...)
	} else {
		t.frames = appendFrame(t.frames, opBinary, t.message)
	}
	t.due = append(t.due, intended)
}

func (t *typist) heard(message []byte, at int64) {
	r := reader{data: message}
	for len(r.data) > 0 && !r.bad {
		if t.editor.protocol == "hocuspocus" {
			if name := r.bytes(); !bytes.Equal(name, []byte(t.document.name)) {
				t.fail("a message for another document")
				return
			}
		}
		t.hearOne(&r, at)
	}
	if r.bad {
		t.fail(fmt.Sprintf("not of the protocol: %x", message[:min(len(message), 40)]))
	}
}

func (t *typist) hearOne(r *reader, at int64) {
	switch kind := r.number(); kind {
	case yjsSync, yjsSyncReply:
		t.hearSync(r, at)
	case yjsAwareness:
		r.bytes()
	case yjsQuery:
	case yjsAuth:
		if result := r.number(); result != 2 {
			t.fail("not admitted")
		}
		r.bytes()
		t.askState()
	case hocuspocusStatus:
		r.number()
		t.hearAck(t.acked+1, at)
	case dojoExtension:
		kind, number := r.number(), int(r.number())
		if kind == dojoAck {
			t.hearAck(number, at)
		} else if kind == dojoRefused {
			t.fail("refused: " + string(r.bytes()))
		} else {
			r.bad = true
		}
	default:
		r.bad = true
	}
}

func (t *typist) hearSync(r *reader, at int64) {
	step, data := r.number(), r.bytes()
	switch step {
	case stepState:
	case stepAnswer:
		t.ready = true
		t.answered += len(data)
		t.answersAt = at
	case stepUpdate:
		t.hearUpdate(data, at)
	default:
		r.bad = true
	}
}

// hearAck takes the answer to the update with this number; they come in order.
func (t *typist) hearAck(number int, at int64) {
	if number != t.acked+1 || len(t.due) == 0 {
		t.editor.tally.wrong(fmt.Sprintf("acknowledgement %d after %d", number, t.acked))
		return
	}
	t.acked = number
	t.editor.tally.Acked++
	t.editor.tally.acks.add(at - t.due[0])
	t.due = t.due[1:]
}

// hearUpdate counts the updates of other people in what came; some servers send one's own back.
func (t *typist) hearUpdate(data []byte, at int64) {
	found := t.editor.script.covered(data)
	if len(found) == 0 {
		t.editor.tally.wrong(fmt.Sprintf("an unknown update: %x", data[:min(len(data), 40)]))
	}
	for _, index := range found {
		if t.editor.script.updates[index].author != t.place {
			t.count(index, at)
		}
	}
}

func (t *typist) count(index int, at int64) {
	tally, d := t.editor.tally, t.document
	if index <= t.last {
		tally.Repeated++
		return
	}
	for between := t.last + 1; between < index; between++ {
		if t.editor.script.updates[between].author != t.place {
			tally.Disordered++
			break
		}
	}
	t.last = index
	tally.Delivered++
	if place := index - d.first; place >= 0 && place < len(d.intended) {
		tally.deliveries.add(at - d.intended[place])
	}
}
