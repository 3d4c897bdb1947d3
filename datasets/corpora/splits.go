package corpora

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// shardPattern is the name that Hugging Face gives to a shard: "train.clean.100-00000-of-00014.parquet", in caches with the
// name of the dataset in front. A split is letters, digits, underscores and dots.
var shardPattern = regexp.MustCompile(`(?:^|-)(\w+(?:\.\w+)*)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?\.\w+$`)

// splitWords are the words by which Hugging Face recognises a split in a path (datasets/data_files.py).
var splitWords = []string{"train", "training", "validation", "valid", "dev", "val", "test", "testing", "eval", "evaluation"}

// SplitOf returns the split that the path of a shard or of a recording names, "" when it names none. A folder or a file
// names one by a word such as train or dev between characters that are no letters.
func SplitOf(name string) string {
	base := path.Base(name)
	if m := shardPattern.FindStringSubmatch(base); m != nil && m[1] != "data" { // save_to_disk calls all shards data
		return m[1]
	}
	parts := strings.Split(name, "/")
	slices.Reverse(parts) // what lies nearer to the file says more
	parts[0] = stem(base)
	for _, part := range parts {
		words := strings.FieldsFunc(strings.ToLower(part), func(c rune) bool { return c < 'a' || c > 'z' })
		if at := slices.IndexFunc(words, func(w string) bool { return slices.Contains(splitWords, w) }); at >= 0 {
			return words[at]
		}
	}
	return ""
}
