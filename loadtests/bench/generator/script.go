package main

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
)

// script is what the people of a document type, as real Yjs updates in one order (see node/updates.mjs).
type script struct {
	people  int
	state   int
	updates []update
	persons map[uint64]int // by client id
	byClock [][]int32      // of each person: the update that brings the item with this clock
	found   []int
}

type update struct {
	author      int
	first, next int
	data        []byte
}

func readScript(path string) (*script, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) < 16 || string(data[:4]) != "YJS1" {
		return nil, errors.New(path + " is no script")
	}
	word := func() int {
		value := binary.LittleEndian.Uint32(data)
		data = data[4:]
		return int(value)
	}
	data = data[4:]
	s := &script{people: word()}
	count := word()
	s.state, s.byClock, s.persons = word(), make([][]int32, s.people), map[uint64]int{}
	for index := range count {
		u := update{author: word(), first: word(), next: word()}
		size := word()
		u.data, data = data[:size], data[size:]
		s.updates = append(s.updates, u)
		for range u.next - u.first {
			s.byClock[u.author] = append(s.byClock[u.author], int32(index))
		}
	}
	for person := range s.people {
		s.persons[uint64(word())] = person
	}
	return s, nil
}

// covered are the updates of the script whose items are in data, in the script's order: servers may send several as one.
func (s *script) covered(data []byte) []int {
	s.found = s.found[:0]
	r := reader{data: data}
	for range r.number() {
		structs := r.number()
		person, known := s.persons[r.number()]
		clock := int(r.number())
		for ; structs > 0 && !r.bad; structs-- {
			length, isNew := r.item()
			for ; length > 0 && known && isNew && clock < len(s.byClock[person]); length-- {
				if at := int(s.byClock[person][clock]); len(s.found) == 0 || s.found[len(s.found)-1] != at {
					s.found = append(s.found, at)
				}
				clock++
			}
			clock += length
		}
		if r.bad || !known {
			return nil
		}
	}
	slices.Sort(s.found)
	return s.found
}

// reader reads the numbers and lengths of lib0.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) number() uint64 {
	value, size := binary.Uvarint(r.data)
	if size <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[size:]
	return value
}

func (r *reader) bytes() []byte {
	size := r.number()
	if size > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return nil
	}
	found := r.data[:size]
	r.data = r.data[size:]
	return found
}

const (
	hasOrigin, hasRightOrigin, hasKey                     = 0x80, 0x40, 0x20
	contentGone, contentDeleted, contentString, notInHere = 0, 1, 4, 10
)

// item passes over one struct of an update: its length in clocks, and whether it is not a gap.
func (r *reader) item() (int, bool) {
	if len(r.data) == 0 {
		r.bad = true
		return 0, false
	}
	info := r.data[0]
	r.data = r.data[1:]
	kind := info & 0x1f
	if kind == contentGone || kind == notInHere {
		return int(r.number()), kind == contentGone
	}
	for _, flag := range []byte{hasOrigin, hasRightOrigin} {
		if info&flag != 0 {
			r.number()
			r.number()
		}
	}
	if info&(hasOrigin|hasRightOrigin) == 0 {
		r.parent(info)
	}
	switch kind {
	case contentDeleted:
		return int(r.number()), true
	case contentString:
		return len(r.bytes()), true // the script types ASCII
	}
	r.bad = true
	return 0, false
}

func (r *reader) parent(info byte) {
	if r.number() == 1 {
		r.bytes()
	} else {
		r.number()
		r.number()
	}
	if info&hasKey != 0 {
		r.bytes()
	}
}
