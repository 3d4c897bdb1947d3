package tui

import (
	"math"
	"slices"

	"aural/health"
	"aural/runlog"
)

const (
	// usagePast is the weight of the past, by snapshot, in the average that colours the codes.
	usagePast = 0.7
	// usageReach is how many snapshots the average goes back; older ones weigh less than 1/100.
	usageReach = 13
)

// codebookUse is how the codes were chosen up to a snapshot.
type codebookUse struct {
	groups, entries int
	updates         int64       // over which dead codes were looked for
	share           [][]float64 // moving average of the share of the choices, by group and code; NaN when nothing was chosen
	dead            [][]int     // codes that were not chosen, by group
	judged          bool        // there were enough choices to call codes dead
}

// whole reports whether the counts of a snapshot have the shape that it names.
func whole(c *runlog.Codebook) bool {
	return c != nil && c.Groups > 0 && c.Entries > 0 && len(c.Counts)/c.Groups == c.Entries && len(c.Counts)%c.Groups == 0
}

// likewise returns the codebooks of the shape of snapshot i up to it, the newest first, until enough says so.
func likewise(list []runlog.Snapshot, i int, enough func(c *runlog.Codebook) bool) {
	last := list[i].Codebook
	for ; i >= 0; i-- {
		c := list[i].Codebook
		if whole(c) && c.Groups == last.Groups && c.Entries == last.Entries && enough(c) {
			return
		}
	}
}

// usageAt sums up the choices up to snapshot i of a list. ok is false when it is none of a codebook.
func usageAt(list []runlog.Snapshot, i int) (u codebookUse, ok bool) {
	if i < 0 || i >= len(list) || !whole(list[i].Codebook) {
		return u, false
	}
	u.groups, u.entries = list[i].Codebook.Groups, list[i].Codebook.Entries
	u.average(list, i)
	u.findDead(list, i)
	return u, true
}

// average makes the moving average of the shares.
func (u *codebookUse) average(list []runlog.Snapshot, i int) {
	u.share = make([][]float64, u.groups)
	for g := range u.share {
		u.share[g] = make([]float64, u.entries)
	}
	weight, n := 1.0, 0
	total := make([]float64, u.groups)
	likewise(list, i, func(c *runlog.Codebook) bool {
		for g := range u.share {
			counts := c.Counts[g*u.entries : (g+1)*u.entries]
			all := choices(counts)
			if all == 0 {
				continue
			}
			total[g] += weight
			for v, k := range counts {
				u.share[g][v] += weight * float64(max(k, 0)) / all
			}
		}
		weight *= usagePast
		n++
		return n == usageReach
	})
	for g := range u.share {
		for v := range u.share[g] {
			u.share[g][v] /= total[g] // NaN when nothing was chosen
		}
	}
}

// findDead looks for codes that were not chosen, back to where there are enough choices to tell.
func (u *codebookUse) findDead(list []runlog.Snapshot, i int) {
	sum := make([]float64, u.groups*u.entries)
	likewise(list, i, func(c *runlog.Codebook) bool {
		u.updates += max(c.Updates, 0)
		for j, k := range c.Counts {
			sum[j] += float64(max(k, 0))
		}
		all := 0.0
		for _, k := range sum {
			all += k
		}
		u.judged = all >= health.DeadChoices*float64(len(sum))
		return u.judged
	})
	u.dead = make([][]int, u.groups)
	for j, k := range sum {
		if k == 0 {
			u.dead[j/u.entries] = append(u.dead[j/u.entries], j%u.entries)
		}
	}
}

func choices(counts []int64) float64 {
	n := 0.0
	for _, k := range counts {
		n += float64(max(k, 0))
	}
	return n
}

// entropy returns the entropy of a group's choices in nats; exp of it is the perplexity. It is NaN when nothing was chosen.
func entropy(share []float64) float64 {
	h := 0.0
	for _, p := range share {
		if p > 0 {
			h -= p * math.Log(p)
		} else if math.IsNaN(p) {
			return p
		}
	}
	return math.Max(h, 0)
}

// byUse returns the codes of a group, the most used first.
func byUse(share []float64) []int {
	order := make([]int, len(share))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch d := share[b] - share[a]; {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return 0
	})
	return order
}

// over returns the shares of a group's codes in n columns that cut the updates from..to evenly: the mean over the snapshots that
// counted in a column. codes says which row is which. Columns without counts are NaN.
func over(list []runlog.Snapshot, shape *runlog.Codebook, group int, codes []int, from, to int64, n int) [][]float64 {
	sum, weight := make([][]float64, n), make([]float64, n)
	first := float64(from)
	scale := float64(n) / math.Max(float64(to)-first, 1)
	column := func(step float64) int { return int(min(max((step-first)*scale, 0), float64(n-1))) }
	for _, s := range list {
		c := s.Codebook
		if !whole(c) || c.Groups != shape.Groups || c.Entries != shape.Entries || s.Step < from || s.Step > to {
			continue
		}
		counts := c.Counts[group*c.Entries : (group+1)*c.Entries]
		all := choices(counts)
		if all == 0 {
			continue
		}
		end, scaled := float64(s.Step), 1/all
		for x := column(end - float64(max(c.Updates, 1))); x <= column(end-1); x++ {
			if sum[x] == nil {
				sum[x] = make([]float64, c.Entries)
			}
			weight[x]++
			for v, k := range counts {
				sum[x][v] += float64(max(k, 0)) * scaled
			}
		}
	}
	rows := make([][]float64, len(codes))
	for r, code := range codes {
		rows[r] = make([]float64, n)
		for x := range rows[r] {
			if rows[r][x] = math.NaN(); weight[x] > 0 {
				rows[r][x] = sum[x][code] / weight[x]
			}
		}
	}
	return rows
}
