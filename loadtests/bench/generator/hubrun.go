package main

// run sends for a while and waits until everything has come.
func (h *hub) run(ask *command) *result {
	for _, who := range h.people {
		who.sent, who.digest, who.ackFrom, who.acks, who.waiting = 0, 0, who.ackFrom+len(who.acks), who.acks[:0], 0
		clear(who.last)
	}
	h.tally, h.event = newTally(h.now()), ask.Event
	for _, who := range h.people {
		if who.gone != "" {
			h.tally.wrong(who.gone)
		}
	}
	var last int64
	if ask.Rate > 0 {
		last = h.evenly(ask)
	} else {
		last = h.closedLoop(ask)
	}
	h.settle(last + patience(ask))
	h.onOwn = nil
	h.compare()
	return h.tally.done(h.now())
}

// evenly sends at a rate, in turn over the rooms and the people in them.
func (h *hub) evenly(ask *command) int64 {
	start, total := h.now()+2e6, int(ask.Rate*ask.Seconds)
	for number := 0; number < total && len(h.tally.Errors) == 0; {
		due := start + int64(float64(number)*1e9/ask.Rate)
		if due > h.now() {
			_ = h.turn(due)
			continue
		}
		group := h.rooms[number%len(h.rooms)]
		group.members[number/len(h.rooms)%len(group.members)].say(due)
		number++
		if number%eventsAtOnce == 0 {
			_ = h.turn(0)
		}
	}
	return h.now()
}

// closedLoop keeps a number of messages of each sender on the way.
func (h *hub) closedLoop(ask *command) int64 {
	end := h.now() + int64(ask.Seconds*1e9)
	h.byAck = ask.Event == "chat:send"
	h.onOwn = func(who *person) {
		if now := h.now(); now < end {
			who.say(now)
		}
	}
	for _, group := range h.rooms {
		for _, who := range group.members[:min(ask.Senders, len(group.members))] {
			for range ask.Window {
				who.say(h.now())
			}
		}
		_ = h.turn(0)
	}
	for h.now() < end && len(h.tally.Errors) == 0 {
		_ = h.turn(end)
	}
	return h.now()
}

// settle waits until all has come; the run ends with the last of it.
func (h *hub) settle(end int64) {
	t := h.tally
	for (t.Delivered < t.Expected || t.Acked < t.Sent) && h.now() < end && len(t.Errors) == 0 {
		_ = h.turn(h.now() + 1e8)
	}
}

// compare counts people who heard their room in another order than the first one there.
func (h *hub) compare() {
	for _, group := range h.rooms {
		for _, who := range group.members {
			if who.digest != group.members[0].digest {
				h.tally.Differing++
			}
		}
	}
}
