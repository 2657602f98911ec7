// Command generator is the load of the benchmarks: people at sockets, in one thread, that measure what they hear.
//
// It reads commands as lines of JSON and answers each with a line. Latencies count from the moment at which a message
// was meant to be sent, so a server that stalls cannot hide it by slowing its clients (coordinated omission).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
)

// seat is a place of one person.
type seat struct {
	Address string `json:"address"`
	Path    string `json:"path"`
	Group   string `json:"group"`
	Token   string `json:"token"`
}

// command is what the benchmark asks for.
type command struct {
	Do       string  `json:"do"`
	Protocol string  `json:"protocol"`
	Seats    []seat  `json:"seats"`
	Deflate  bool    `json:"deflate"`
	Parallel int     `json:"parallel"`
	Event    string  `json:"event"`
	Rate     float64 `json:"rate"`
	Seconds  float64 `json:"seconds"`
	Window   int     `json:"window"`
	Senders  int     `json:"senders"`
	Burst    int     `json:"burst"`
	File     string  `json:"file"`
	Count    int     `json:"count"`
	Batch    int     `json:"batch"`
	Patience float64 `json:"patience"`
}

// answer of every command but a run.
type answer struct {
	Connected int        `json:"connected"`
	Seconds   float64    `json:"seconds"`
	Times     [][2]int64 `json:"times"`
	Found     []string   `json:"found"`
	Bytes     int        `json:"bytes"`
	Typed     []int      `json:"typed"`
	Errors    []string   `json:"errors"`
}

// swarm is all people of one server.
type swarm interface {
	connect(*command) *answer
	enter(*command) *answer
	run(*command) *result
	load(*command) *answer
	typed() *answer
	close()
}

func main() {
	debug.SetGCPercent(-1) // until there is much to collect
	debug.SetMemoryLimit(1 << 30)
	l, err := newLoop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	var people swarm
	for lines.Scan() {
		var ask command
		if err := json.Unmarshal(lines.Bytes(), &ask); err != nil {
			_ = out.Encode(answer{Errors: []string{err.Error()}})
			continue
		}
		if ask.Do == "connect" {
			people = newSwarm(l, &ask)
		}
		_ = out.Encode(obey(people, &ask))
	}
}

func newSwarm(l *loop, ask *command) swarm {
	if ask.Protocol == "socketio" {
		return newHub(l, ask)
	}
	return newEditor(l, ask)
}

func obey(people swarm, ask *command) any {
	switch ask.Do {
	case "connect":
		return people.connect(ask)
	case "enter":
		return people.enter(ask)
	case "run":
		return people.run(ask)
	case "load":
		return people.load(ask)
	case "typed":
		return people.typed()
	case "close":
		people.close()
		return answer{Errors: []string{}}
	}
	return answer{Errors: []string{"no such command: " + ask.Do}}
}

const (
	stepPatience   = 60e9
	settlePatience = 15
)

// patience is how many nanoseconds to wait for what is still missing at the end of a run.
func patience(ask *command) int64 {
	if ask.Patience == 0 {
		return settlePatience * 1e9
	}
	return int64(ask.Patience * 1e9)
}

// inParallel begins steps, some at a time, and turns the loop until all have ended.
func inParallel(l *loop, count, parallel int, begin func(int) error, over func(int) bool) *answer {
	a, times := &answer{Errors: []string{}, Found: []string{}}, &histogram{}
	began := make([]int64, count)
	start, next, running := l.now(), 0, []int{}
	for (next < count || len(running) > 0) && len(a.Errors) < maxErrors {
		for next < count && len(running) < parallel {
			began[next] = l.now()
			if err := begin(next); err != nil {
				a.Errors = append(a.Errors, err.Error())
				return a
			}
			running = append(running, next)
			next++
		}
		if err := l.turn(l.now() + 1e8); err != nil {
			a.Errors = append(a.Errors, err.Error())
		}
		left := running[:0]
		for _, index := range running {
			if over(index) {
				times.add(l.now() - began[index])
				a.Connected++
			} else if left = append(left, index); l.now()-began[index] > stepPatience {
				a.Errors = append(a.Errors, "no answer within a minute")
			}
		}
		running = left
	}
	a.Seconds, a.Times = float64(l.now()-start)/1e9, times.pairs()
	return a
}
