package main

import (
	"math/bits"
	"syscall"
)

const (
	steps   = 7 // 128 steps for each power of two: within 0.8 %
	buckets = (64 - steps) << steps
)

// histogram counts durations in nanoseconds.
type histogram struct{ counts [buckets]uint32 }

func (h *histogram) add(value int64) {
	v := uint64(max(value, 0))
	shift := max(bits.Len64(v)-steps-1, 0)
	h.counts[shift<<steps+int(v>>shift)]++
}

// pairs are the middle of each bucket in use, and its count.
func (h *histogram) pairs() [][2]int64 {
	found := [][2]int64{}
	for index, count := range h.counts {
		if count > 0 {
			shift := max(index>>steps-1, 0)
			value := int64(index-shift<<steps) << shift
			found = append(found, [2]int64{value + (int64(1)<<shift)/2, int64(count)})
		}
	}
	return found
}

// ownCPU is the processor time of this process in nanoseconds.
func ownCPU() int64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// result is what one run showed.
type result struct {
	Sent       int        `json:"sent"`
	Expected   int        `json:"expected"`
	Delivered  int        `json:"delivered"`
	Repeated   int        `json:"repeated"`
	Disordered int        `json:"disordered"`
	Acked      int        `json:"acked"`
	Differing  int        `json:"differing"`
	Seconds    float64    `json:"seconds"`
	OwnCPU     float64    `json:"own_cpu"`
	Deliveries [][2]int64 `json:"deliveries"`
	Acks       [][2]int64 `json:"acks"`
	Lateness   [][2]int64 `json:"lateness"`
	Errors     []string   `json:"errors"`
}

// tally is a result in the making.
type tally struct {
	result
	deliveries, acks, lateness histogram
	cpu, start                 int64
}

func newTally(at int64) *tally {
	return &tally{cpu: ownCPU(), start: at, result: result{Errors: []string{}}}
}

func (t *tally) done(at int64) *result {
	t.Seconds, t.OwnCPU = float64(at-t.start)/1e9, float64(ownCPU()-t.cpu)/1e9
	t.Deliveries, t.Acks, t.Lateness = t.deliveries.pairs(), t.acks.pairs(), t.lateness.pairs()
	return &t.result
}

const maxErrors = 5

func (t *tally) wrong(words string) {
	if len(t.Errors) < maxErrors {
		t.Errors = append(t.Errors, words)
	}
}
