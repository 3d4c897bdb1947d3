package tensorboard

import (
	"slices"
	"strconv"
	"strings"

	"aural/runlog"
)

// trainInner is the folder of fairseq's training numbers.
const trainInner = "train_inner"

// kinds are the words by which programs name what a number was taken on.
var kinds = map[string]string{
	"train": runlog.Train, "training": runlog.Train, trainInner: runlog.Train,
	"valid": runlog.Valid, "val": runlog.Valid, "validation": runlog.Valid, "eval": runlog.Valid, "evaluation": runlog.Valid, "dev": runlog.Valid,
	"test": "test",
}

// kindOf returns the kind that a word names, or nothing.
func kindOf(word string) string { return kinds[strings.ToLower(word)] }

// fairseqOnly are tags of fairseq that tell its logs from others and are not in the table of metrics.
var fairseqOnly = []string{"wps", "wpb", "bsz", "train_wall"}

// name is what a tag is called here.
type name struct {
	series  string // with its kind
	bits    bool   // fairseq gives this metric in bits
	fairseq bool   // only fairseq calls it so
}

// nameOf maps a tag to the name of a series. folderKind is the kind that its folder stands for, or empty.
func nameOf(folderKind, tag string) name {
	parts := slices.DeleteFunc(strings.Split(clean(tag), "/"), func(p string) bool { return p == "" })
	if len(parts) == 0 {
		parts = []string{"_"}
	}
	kind := ""
	if n := len(parts); n > 1 {
		if kind = kindOf(parts[0]); kind != "" {
			parts = parts[1:]
		} else if kind = kindOf(parts[n-1]); kind != "" { // "Loss/train", as in PyTorch's tutorial
			parts = parts[:n-1]
		}
	}
	said := kind != ""
	if !said {
		kind = folderKind
	}
	own := strings.Join(parts, "/")
	if known, ok := lookup(own); ok {
		return known.in(kind)
	}
	if word, rest, ok := strings.Cut(own, "_"); ok && !said && kindOf(word) != "" { // "val_loss"
		if known, ok := lookup(rest); ok {
			return known.in(kindOf(word))
		}
	}
	if first, rest, ok := strings.Cut(own, "/"); ok {
		if known, ok := lookup(rest); ok && !said {
			return known.in(cleanKind(first))
		}
		if kind == "" {
			kind, own = cleanKind(first), rest
		}
	}
	return name{series: own, fairseq: slices.Contains(fairseqOnly, own)}.in(kind)
}

// in puts a kind before the name.
func (n name) in(kind string) name {
	if kind == "" {
		kind = runlog.Train
	}
	n.series = kind + "/" + n.series
	return n
}

// lookup finds the metric that a tag without kind means.
func lookup(tag string) (name, bool) {
	for _, spelling := range []string{tag, strings.ToLower(tag)} {
		m, err := runlog.Lookup(spelling)
		if err != nil || m.Kind != "" {
			continue
		}
		n := name{series: m.Name()}
		fairseq, others := false, m.Metric.Name == spelling || m.Group >= 0
		for _, a := range m.Metric.Aliases {
			if a.Name != spelling {
				continue
			}
			if a.Source == runlog.Fairseq {
				fairseq, n.bits = true, a.Bits
			} else {
				others = true
			}
		}
		n.fairseq = fairseq && !others
		return n, true
	}
	return name{}, false
}

// maxName keeps a name, with its kind and a number, within what a log may hold.
const maxName = 80

// clean replaces what a name of this log may not hold.
func clean(tag string) string {
	var b strings.Builder
	gap := false
	for _, c := range tag {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '/', c == '-', c == '.', c == '%':
			if gap && b.Len() > 0 && c != '/' && c != '_' {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(c)
		default:
			gap = true
		}
		if b.Len() >= maxName {
			break
		}
	}
	return b.String()
}

// cleanKind makes a word that can be a kind: letters, digits and _.
func cleanKind(word string) string {
	kind := strings.NewReplacer("-", "_", ".", "_", "%", "_", "/", "_").Replace(clean(word))
	if len(kind) > maxName/2 {
		kind = kind[:maxName/2]
	}
	if kind == "" {
		return "_"
	}
	return kind
}

// free returns a name that no series has: name itself, or with a number behind it.
func (e *Events) free(name string) string {
	for i := 1; ; i++ {
		numbered := name
		if i > 1 {
			numbered += "_" + strconv.Itoa(i)
		}
		if _, taken := e.series[numbered]; !taken {
			return numbered
		}
	}
}
