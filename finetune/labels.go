package finetune

import (
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"aural/datasets"
	"aural/vocab"
)

// Case says what happens to the case of transcripts.
type Case string

const (
	AsIs  Case = "as-is"
	Lower Case = "lower"
	Upper Case = "upper"
)

// The vocabularies that are made from the transcripts.
const (
	Characters = "characters"
	Phones     = "phones"
)

// LabelConfig says how transcripts become labels.
type LabelConfig struct {
	// Vocabulary is Characters or Phones, which are those that the transcripts of the store have, or a file: vocab.json, one token a line (.txt), or a
	// SentencePiece model of word pieces (.model).
	Vocabulary string `yaml:"vocabulary"`
	Case       Case   `yaml:"case"`
	Drop       string `yaml:"drop"` // characters that are left out of transcripts
	// TrailingBoundary ends every target with the mark between words, as fairseq's label files do; Hugging Face's do not.
	TrailingBoundary bool `yaml:"trailing_boundary"`
	// SkipUnusable leaves out utterances without transcript, with characters that the vocabulary does not have, or with more labels than frames. Without it they
	// are an error.
	SkipUnusable bool `yaml:"skip_unusable"`
}

// Validate reports every setting that cannot work.
func (c LabelConfig) Validate() error {
	if c.Case != AsIs && c.Case != Lower && c.Case != Upper {
		return fmt.Errorf("finetune: labels.case: %q is not %s, %s or %s", c.Case, AsIs, Lower, Upper)
	}
	if ext := filepath.Ext(c.Vocabulary); c.Vocabulary != Characters && c.Vocabulary != Phones && ext != ".json" && ext != ".txt" && ext != vocab.ModelExt {
		return fmt.Errorf("finetune: labels.vocabulary: %q is neither %s nor %s nor a .json, .txt or %s file", c.Vocabulary, Characters, Phones, vocab.ModelExt)
	}
	return nil
}

// Normalize is a transcript as it is to be spelt.
func (c LabelConfig) Normalize(text string) string {
	switch c.Case {
	case Lower:
		text = strings.ToLower(text)
	case Upper:
		text = strings.ToUpper(text)
	}
	if c.Drop != "" {
		text = strings.Map(func(r rune) rune {
			if strings.ContainsRune(c.Drop, r) {
				return -1
			}
			return r
		}, text)
	}
	return text
}

// Vocabulary is the one that a recipe asks for. Those made from transcripts have what all rows of the store have, so that they do not depend on the subset.
func (r Recipe) Vocabulary(store *datasets.Store) (*vocab.Vocabulary, error) {
	c := r.Labels
	if c.Vocabulary != Characters && c.Vocabulary != Phones {
		return vocab.Load(c.Vocabulary)
	}
	var failed error
	var texts iter.Seq[string] = func(yield func(string) bool) {
		for row := range store.Len() {
			u, err := store.Utterance(row)
			if err != nil {
				failed = err
				return
			}
			if !yield(c.Normalize(u.Transcript)) {
				return
			}
		}
	}
	build := vocab.Characters
	if c.Vocabulary == Phones {
		build = vocab.Phones
	}
	v, err := build(texts)
	if failed != nil {
		return nil, fmt.Errorf("finetune: transcripts: %w", failed)
	}
	if err != nil {
		return nil, fmt.Errorf("finetune: %s has no transcripts to train on: %w", store.Where(), err)
	}
	return v, nil
}

// labels turns rows of a store into targets.
type labels struct {
	recipe Recipe
	store  *datasets.Store
	vocab  *vocab.Vocabulary
}

// append appends the target of a row to dst.
func (l *labels) append(dst []int32, row int) ([]int32, datasets.Utterance, error) {
	u, err := l.store.Utterance(row)
	if err != nil {
		return dst, u, err
	}
	n := len(dst)
	dst, err = l.vocab.AppendEncoded(dst, l.recipe.Labels.Normalize(u.Transcript))
	if err == nil && l.recipe.Labels.TrailingBoundary && l.vocab.Boundary() >= 0 && len(dst) > n {
		dst = append(dst, int32(l.vocab.Boundary()))
	}
	return dst, u, err
}

// framesFor is the least number of frames that can carry a target: one a label, and a blank between equal ones.
func framesFor(target []int32) int {
	n := len(target)
	for i := 1; i < len(target); i++ {
		if target[i] == target[i-1] {
			n++
		}
	}
	return n
}

// trouble says why utterances cannot be trained on.
type trouble struct {
	what  string
	count int
	first string
}

// use returns the rows of a view that can be used. What else there is is an error, or left out if the recipe wants that; then how many.
func (l *labels) use(view datasets.View, what string) (datasets.View, int, error) {
	kinds := [3]trouble{{what: "have no transcript"}, {what: "have characters that are not in the vocabulary"}, {what: "have more labels than frames"}}
	var target []int32
	var failed error
	var bad []int // rising
	for e := range view.All() {
		var u datasets.Utterance
		var err error
		if target, u, err = l.append(target[:0], e.Row); u.ID == "" && err != nil {
			failed = err
			break
		}
		kind, detail := -1, ""
		have := l.recipe.Encoder.Frames(e.Samples)
		switch need := framesFor(target); {
		case err != nil:
			kind, detail = 1, err.Error()
		case len(target) == 0:
			kind, detail = 0, fmt.Sprintf("its text is %q", u.Transcript)
		case e.Samples <= l.recipe.Data.MaxSamples && e.Samples >= l.recipe.Data.MinSamples && need > have:
			kind, detail = 2, fmt.Sprintf("%d labels need %d frames, %d samples give %d", len(target), need, e.Samples, have)
		default:
			continue
		}
		bad = append(bad, e.Row)
		if kinds[kind].count++; kinds[kind].count == 1 {
			kinds[kind].first = fmt.Sprintf("%s: %s", u.ID, detail)
		}
	}
	if failed != nil {
		return view, 0, fmt.Errorf("finetune: %s data: %w", what, failed)
	}
	if len(bad) == 0 {
		return view, 0, nil
	}
	slices.Sort(bad)
	kept := view.Filter(func(e datasets.Entry) bool { _, is := slices.BinarySearch(bad, e.Row); return !is })
	if l.recipe.Labels.SkipUnusable && kept.Len() > 0 {
		return kept, len(bad), nil
	}
	var text []string
	for _, k := range kinds {
		if k.count > 0 {
			text = append(text, fmt.Sprintf("%d of %d utterances %s (first %s)", k.count, view.Len(), k.what, k.first))
		}
	}
	return view, 0, fmt.Errorf("finetune: %s data: %s: correct them, change labels.case, labels.drop or labels.vocabulary, or set labels.skip_unusable=true to leave them out",
		what, strings.Join(text, "; "))
}

// places gives each batch length the most labels that its rows can have: those of all utterances that fit, since the rest of a shorter bucket moves on to longer ones.
// They are multiples of 8, so that other data needs no other programs for a label more.
func (l *labels) places(views []datasets.View, lengths []int) (map[int]int, error) {
	most := map[int]int{}
	var target []int32
	for _, view := range views {
		for e := range view.All() {
			var err error
			if target, _, err = l.append(target[:0], e.Row); err != nil {
				return nil, err
			}
			for _, length := range lengths {
				if e.Samples <= length {
					most[length] = max(most[length], len(target))
				}
			}
		}
	}
	for _, length := range lengths {
		most[length] = max(8, (most[length]+7)/8*8)
	}
	return most, nil
}
