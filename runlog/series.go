package runlog

import (
	"sort"
	"time"
)

// column is one series: 24 bytes a point.
type column struct {
	kind, name string
	index      int // counts the columns
	steps      []int64
	values     []float64
	elapsed    []float64 // seconds of training, see Reader.Elapsed
}

// grow makes room. The columns of a kind have the same length; they grow by different factors, or a record in a million
// would move all of them: 386 MiB at once with 20 series, against 45 MiB so.
func (c *column) grow() {
	n := len(c.steps)*(44+c.index%16)/32 + 64
	c.steps = append(make([]int64, 0, n), c.steps...)
	c.values = append(make([]float64, 0, n), c.values...)
	c.elapsed = append(make([]float64, 0, n), c.elapsed...)
}

// columns are the series of a run, with the clock that counts its training time.
type columns struct {
	byName  map[string]*column
	recent  []*column // of the values of the last record
	elapsed float64   // training time at the last record
	clock   time.Time // of the last record or session marker; zero before the first one

	sessions []Session
}

func newColumns() columns {
	return columns{byName: make(map[string]*column)}
}

// add appends the values of r. Steps of a series do not decrease; add returns false and keeps nothing of a record that
// would break this, which a Writer does not write.
func (c *columns) add(r *Record) bool {
	// The columns of the last record usually are those of this one: they are tried before the map is asked.
	for i, v := range r.Values {
		if i == len(c.recent) {
			c.recent = append(c.recent, nil)
		}
		col := c.recent[i]
		if col == nil || col.name != v.Name || col.kind != r.Kind {
			col = c.byName[r.Kind+"/"+v.Name]
			c.recent[i] = col
		}
		if col != nil && col.steps[len(col.steps)-1] > r.Step {
			return false
		}
	}
	if c.clock.IsZero() {
		c.sessions = append(c.sessions, Session{r.Step, 0, r.Time}) // of a log whose beginning was lost
	}
	c.advance(r.Time)
	for i, v := range r.Values {
		col := c.recent[i]
		if col == nil {
			col = c.column(r.Kind, v.Name)
			c.recent[i] = col
		}
		if len(col.steps) == cap(col.steps) {
			col.grow()
		}
		col.steps = append(col.steps, r.Step)
		col.values = append(col.values, v.Value)
		col.elapsed = append(col.elapsed, c.elapsed)
	}
	return true
}

// column returns the column of a series, new if need be.
func (c *columns) column(kind, name string) *column {
	full := kind + "/" + name
	col := c.byName[full]
	if col == nil {
		col = &column{kind: kind, name: name, index: len(c.byName)}
		c.byName[full] = col
	}
	return col
}

// advance moves the clock to t. A clock that was set back stands still.
func (c *columns) advance(t time.Time) {
	if d := t.Sub(c.clock); d > 0 {
		if !c.clock.IsZero() {
			c.elapsed += d.Seconds()
		}
		c.clock = t
	}
}

// session begins the records of a process that continues from step: later ones are forgotten, the training time goes
// back to that of the last record kept, and the time until t, when nobody trained, is not counted.
func (c *columns) session(step int64, t time.Time) {
	c.elapsed, c.recent = 0, nil
	for full, col := range c.byName {
		n := sort.Search(len(col.steps), func(i int) bool { return col.steps[i] > step })
		if n == 0 {
			delete(c.byName, full)
			continue
		}
		col.steps, col.values, col.elapsed = col.steps[:n], col.values[:n], col.elapsed[:n]
		c.elapsed = max(c.elapsed, col.elapsed[n-1])
	}
	c.clock = t
	for n := len(c.sessions); n > 0 && c.sessions[n-1].Elapsed >= c.elapsed; n-- {
		c.sessions = c.sessions[:n-1] // nothing of it is left
	}
	c.sessions = append(c.sessions, Session{step, c.elapsed, t})
}
