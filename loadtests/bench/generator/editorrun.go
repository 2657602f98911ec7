package main

// run lets each document's people type at a rate, evenly or in bursts; documents take turns.
func (e *editor) run(ask *command) *result {
	e.tally = newTally(e.now())
	for _, d := range e.documents {
		d.first, d.intended = d.next, d.intended[:0]
	}
	for _, who := range e.people {
		if who.gone != "" {
			e.tally.wrong(who.gone)
		}
	}
	burst := max(ask.Burst, 1)
	rate := ask.Rate * float64(len(e.documents)) / float64(burst)
	start, total := e.now()+2e6, int(rate*ask.Seconds)
	for number := 0; number < total && len(e.tally.Errors) == 0; {
		due := start + int64(float64(number)*1e9/rate)
		if due > e.now() {
			_ = e.turn(due)
			continue
		}
		e.advance(e.documents[number%len(e.documents)], burst, due)
		if number++; number%eventsAtOnce == 0 {
			_ = e.turn(0)
		}
	}
	e.settle(patience(ask))
	return e.tally.done(e.now())
}

// advance sends the next updates of a document's script, each by its author.
func (e *editor) advance(d *document, count int, due int64) {
	for range count {
		if d.next == len(e.script.updates) {
			e.tally.wrong("the script is too short")
			return
		}
		u := &e.script.updates[d.next]
		d.next++
		d.intended = append(d.intended, due)
		d.typists[u.author].frame(u.data, due)
		e.tally.Sent++
		e.tally.Expected += len(d.typists) - 1
		e.tally.lateness.add(e.now() - due)
	}
	for _, who := range d.typists {
		if len(who.packed) > 0 {
			who.frames = appendFrame(who.frames, opBinary, who.packed)
			who.packed = who.packed[:0]
		}
		if len(who.frames) > 0 {
			who.write(who.frames)
			who.frames = who.frames[:0]
		}
	}
}

func (e *editor) settle(patience int64) {
	t, end := e.tally, e.now()+patience
	acked := 0
	if e.protocol != "yws" {
		acked = t.Sent
	}
	for (t.Delivered < t.Expected || t.Acked < acked) && e.now() < end && len(t.Errors) == 0 {
		_ = e.turn(e.now() + 1e8)
	}
}

// load types the beginning of the script into the first document as fast as its server stores it.
func (e *editor) load(ask *command) *answer {
	e.tally = newTally(e.now())
	e.packs = e.protocol == "dojo"
	d, start := e.documents[0], e.now()
	d.first, d.intended = d.next, d.intended[:0]
	for d.next < min(ask.Count, len(e.script.updates)) && len(e.tally.Errors) == 0 {
		author, batch := e.script.updates[d.next].author, 0
		for d.next+batch < len(e.script.updates) && batch < ask.Batch && e.script.updates[d.next+batch].author == author {
			batch++
		}
		e.advance(d, batch, e.now())
		e.settle(patience(ask))
		if e.tally.Delivered < e.tally.Expected {
			e.tally.wrong("an update did not arrive")
		}
	}
	e.packs = false
	a := &answer{Errors: []string{}, Found: []string{}, Times: [][2]int64{}}
	a.Seconds = float64(e.now()-start) / 1e9
	return e.checked(a)
}

// typed says of each document, by name, how many updates of the script it was sent.
func (e *editor) typed() *answer {
	a := &answer{Errors: []string{}}
	for _, d := range e.documents {
		a.Found, a.Typed = append(a.Found, d.name), append(a.Typed, d.next)
	}
	return a
}
