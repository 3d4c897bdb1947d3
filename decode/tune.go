package decode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"

	"aural/internal/atomicfile"
)

// Grid is where Tune looks for the weights of a language model.
type Grid struct {
	AlphaMin float64 `json:"alpha_min"`
	AlphaMax float64 `json:"alpha_max"`
	BetaMin  float64 `json:"beta_min"`
	BetaMax  float64 `json:"beta_max"`
	Steps    int     `json:"steps"`  // values of each weight in the first grid, at least 2
	Rounds   int     `json:"rounds"` // refinements: each looks around the best at half the distance
}

// DefaultGrid covers the weights published for wav2vec 2.0 (Baevski et al. 2020, appendix B: log10 weight 0 to 5, word score -5 to 5).
func DefaultGrid() Grid {
	return Grid{AlphaMin: 0, AlphaMax: NaturalWeight(5), BetaMin: -5, BetaMax: 5, Steps: 6, Rounds: 4}
}

// Trial is one pair of weights and what it gave.
type Trial struct {
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
	Value float64 `json:"value"`
}

// tuning is the file that Tune goes on from.
type tuning struct {
	Grid   Grid              `json:"grid"`
	Setup  map[string]string `json:"setup,omitempty"`
	Trials []Trial           `json:"trials"`
}

// Tune finds the weights for which evaluate, say the word error rate of a development set, is lowest: a grid, then the eight neighbours of
// the best at half the distance, Rounds times. Of equal values the one tried first wins, so the result is a function of evaluate. If path is not
// empty each trial is kept in that JSON file, and those in it are not evaluated again; a file of another first grid or setup, which names what evaluate depends on,
// is refused. trials are all in the order tried; after an error those before it.
func Tune(g Grid, path string, setup map[string]string, evaluate func(alpha, beta float64) (float64, error)) (best Trial, trials []Trial, err error) {
	if !finite(g.AlphaMin) || !finite(g.AlphaMax) || !finite(g.BetaMin) || !finite(g.BetaMax) || g.AlphaMax < g.AlphaMin || g.BetaMax < g.BetaMin ||
		g.Steps < 2 || g.Steps > 1000 || g.Rounds < 0 || g.Rounds > 40 {
		return best, nil, fmt.Errorf("decode: grid %+v: want finite ranges, 2 to 1000 steps, 0 to 40 rounds", g)
	}
	t := tuner{path: path, evaluate: evaluate, known: map[[2]float64]float64{}, done: map[[2]float64]bool{}, state: tuning{Grid: g, Setup: setup}}
	if path != "" {
		if err := t.load(); err != nil {
			return best, nil, err
		}
	}
	alphaStep, betaStep := (g.AlphaMax-g.AlphaMin)/float64(g.Steps-1), (g.BetaMax-g.BetaMin)/float64(g.Steps-1)
	for a := range g.Steps {
		for b := range g.Steps {
			if err := t.try(g.AlphaMin+float64(a)*alphaStep, g.BetaMin+float64(b)*betaStep); err != nil {
				return t.best, t.state.Trials, err
			}
		}
	}
	for range g.Rounds {
		alphaStep, betaStep = alphaStep/2, betaStep/2
		from := t.best
		for a := -1.0; a <= 1; a++ {
			for b := -1.0; b <= 1; b++ {
				alpha, beta := from.Alpha+a*alphaStep, from.Beta+b*betaStep
				if alpha < g.AlphaMin || alpha > g.AlphaMax || beta < g.BetaMin || beta > g.BetaMax {
					continue
				}
				if err := t.try(alpha, beta); err != nil {
					return t.best, t.state.Trials, err
				}
			}
		}
	}
	return t.best, t.state.Trials, nil
}

type tuner struct {
	path     string
	evaluate func(alpha, beta float64) (float64, error)
	known    map[[2]float64]float64 // from the file
	done     map[[2]float64]bool    // in this search
	state    tuning
	best     Trial
}

func (t *tuner) load() error {
	data, err := os.ReadFile(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("decode: trials: %w", err)
	}
	old, err := readTuning(data)
	if err != nil {
		return fmt.Errorf("decode: trials in %s: %w", t.path, err)
	}
	was := old.Grid
	was.Rounds = t.state.Grid.Rounds // more of them begin with what is known
	if was != t.state.Grid {
		return fmt.Errorf("decode: trials in %s are of grid %+v, not of %+v; remove the file or name another", t.path, old.Grid, t.state.Grid)
	}
	for _, name := range slices.Sorted(maps.Keys(merged(old.Setup, t.state.Setup))) {
		if was, is := old.Setup[name], t.state.Setup[name]; was != is {
			return fmt.Errorf("decode: trials in %s are of %s %q, not of %q; remove the file or name another", t.path, name, was, is)
		}
	}
	for _, trial := range old.Trials {
		t.known[[2]float64{trial.Alpha, trial.Beta}] = trial.Value
	}
	return nil
}

// merged has the keys of both.
func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	if all == nil {
		return b
	}
	maps.Copy(all, b)
	return all
}

func readTuning(data []byte) (tuning, error) {
	var s tuning
	if err := json.Unmarshal(data, &s); err != nil {
		return tuning{}, err
	}
	return s, nil
}

func (t *tuner) try(alpha, beta float64) error {
	at := [2]float64{alpha, beta}
	if t.done[at] {
		return nil
	}
	value, known := t.known[at]
	if !known {
		var err error
		if value, err = t.evaluate(alpha, beta); err != nil {
			return fmt.Errorf("decode: alpha %v, beta %v: %w", alpha, beta, err)
		}
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return fmt.Errorf("decode: alpha %v, beta %v give %v, want a finite number", alpha, beta, value)
		}
	}
	t.done[at] = true
	trial := Trial{alpha, beta, value}
	if len(t.state.Trials) == 0 || value < t.best.Value {
		t.best = trial
	}
	t.state.Trials = append(t.state.Trials, trial)
	if known || t.path == "" {
		return nil
	}
	data, err := json.MarshalIndent(t.state, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(t.path, append(data, '\n'), 0o644)
}
