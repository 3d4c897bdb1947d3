package deps

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// layers is the import rule, in the notation of go/build/deps_test.go:
//
//	a, b < c < d;    c may import a and b; d may import a, b and c
//
// What a package may import, those above it may import too. Imports run downwards only, and everything that is not
// allowed is forbidden: pretrain and finetune know nothing of each other, nor do quantizer and contrastive; tui and plots
// see nothing but the run log, what judges and looks at it, and what it stands on; only cmd/aural and tests choose a back end. A package may be listed before it exists.
const layers = `
	# Streams and file formats; they know nothing of the rest.
	NONE < internal/mapfile, internal/npy, rng, vocab, transcript, internal/spelling, internal/atomicfile, internal/filelock, internal/tfrecord;
	NONE < audio/flac, audio/mp3, audio/vorbis < audio;
	audio < audio/vad < datasets;
	internal/atomicfile, internal/mapfile < safetensors, lm;
	internal/spelling, internal/atomicfile, internal/tfrecord, internal/filelock, audio < runlog < runlog/tensorboard, runlog/mirror;
	lm, internal/atomicfile < decode;
	rng < features, score;
	rng, audio, internal/atomicfile, internal/mapfile, internal/filelock < datasets, internal/synth;
	datasets < datasets/corpora, datasets/bucket;
	datasets/corpora < datasets/parquet < datasets/export;

	# The views read the log that the trainer writes.
	NONE < internal/dynlib, internal/dynlib/elfkind;
	internal/dynlib < nvml;
	runlog, nvml < runlog/host;
	NONE < reference;
	runlog, reference < health;
	runlog, runlog/tensorboard, reference, features, audio < plots;
	NONE < tui/background, tui/screen;
	tui/screen < tui/chart;
	health, plots, runlog/mirror, tui/background, tui/chart, internal/atomicfile, internal/spelling < tui;

	# Numbers: the vocabulary of ops, and the back ends, which share no code. gen writes the assembly of cpu.
	NONE < kernels, kernels/cpu/gen;
	NONE < kernels/cuda/driver, kernels/cuda/toolkit;
	internal/atomicfile, internal/dynlib, kernels/cuda/driver, kernels/cuda/toolkit < kernels/cuda/libcuda, kernels/cuda/nvrtc, kernels/cuda/cublaslt, kernels/cuda/cu;
	kernels, rng < kernels/ref, kernels/cpu;
	kernels, rng, kernels/cuda/libcuda, kernels/cuda/nvrtc < kernels/cuda;
	internal/atomicfile, kernels/cuda/driver < kernels/cuda/cubin;
	kernels/cuda/cubin, kernels/cuda < kernels/cuda/cubin/make;

	# The engine.
	kernels < exec < graph;
	graph, datasets, runlog, runlog/host, safetensors < train;

	# Parts of models.
	graph, train, rng, safetensors < nn < encoder, quantizer, contrastive;
	encoder, vocab, internal/atomicfile < hf < onnx;

	# Tasks.
	datasets, score < probe;
	nn, vocab, probe < probe/ctc;
	hf, quantizer, contrastive, probe < pretrain;
	hf, score, features, decode < finetune;
	hf, decode, train, audio < infer;
	finetune, infer < sweep;
	vocab, decode, transcript < align;

	# The program.
	pretrain, finetune, internal/spelling < recipes;
	recipes, infer, transcript, align, probe/ctc, internal/npy, sweep, onnx, tui, plots, health, reference, features, score, datasets/corpora, datasets/parquet, datasets/bucket, datasets/export, internal/synth, kernels/ref, kernels/cpu, kernels/cuda, kernels/cuda/cu, kernels/cuda/cubin, kernels/cuda/cublaslt < cmd/aural;

	# Support of tests, imported by no part of the program.
	NONE < internal/deps, internal/testkit, internal/amxemu, internal/amxemu/tileasm;
	kernels/cuda/driver < internal/cudaemu, internal/cudafake;
	internal/testkit, kernels/ref < kernels/kerneltest < cmd/aural;
	internal/testkit, graph, kernels/ref, kernels/cpu < graph/graphtest;
	internal/testkit < hf/hftest;
	graph/graphtest, train < train/traintest;
`

// forTests is what the _test.go files of any package may import besides what the package may.
var forTests = []string{
	"internal/testkit", "internal/amxemu", "internal/amxemu/tileasm", "internal/cudaemu", "internal/cudafake", "kernels/cuda/driver", "internal/synth", "kernels/kerneltest", "graph/graphtest", "hf/hftest", "train/traintest",
	"kernels/ref", "kernels/cpu", "kernels/cuda", "rng", "safetensors",
}

// doors says where each third-party library enters. A prefix covers all packages below it; TESTS means test files of
// any package.
var doors = map[string][]string{
	"gorgonia.org/":                      {"graph"},
	"gorgonia.org/cu":                    {"kernels/cuda/cu"},
	"github.com/ebitengine/purego":       {"internal/dynlib", "internal/cudaemu"},
	"github.com/eliben/go-sentencepiece": {"vocab"},
	"github.com/chewxy/hm":               {"graph"},
	"go4.org/unsafe/assume-no-moving-gc": {"graph"},
	"github.com/apache/arrow/":           {"datasets", "datasets/corpora", "datasets/parquet"},
	"github.com/google/flatbuffers":      {"datasets/corpora"},
	"github.com/klauspost/compress":      {"datasets/corpora", "datasets/parquet"},
	"github.com/minio/minio-go/":         {"datasets/bucket"},
	"github.com/pion/opus":               {"audio"},
	"github.com/charmbracelet/":          {"tui", "tui/background", "tui/screen"},
	"gonum.org/v1/plot":                  {"plots"},
	"codeberg.org/go-pdf/fpdf":           {"plots"},
	"golang.org/x/image/":                {"plots"},
	"gonum.org/v1/gonum/":                {"features", "plots", "TESTS"},
	"github.com/spf13/cobra":             {"cmd/aural"},
	"go.yaml.in/yaml/v3":                 {"cmd/aural", "recipes", "TESTS"},
	"google.golang.org/protobuf":         {"runlog", "runlog/tensorboard", "onnx", "vocab"},
	"golang.org/x/sys/":                  {"kernels/cpu", "datasets", "cmd/aural", "tui", "internal/amxemu"},
	"pgregory.net/rapid":                 {"TESTS"},
}

// parseLayers turns the notation into the set of packages that each package may import. It refuses a package that may
// import itself, which is a cycle in the rules.
func parseLayers(text string) (map[string]map[string]bool, error) {
	direct := map[string][]string{}
	for rule := range strings.SplitSeq(stripComments(text), ";") {
		if strings.TrimSpace(rule) == "" {
			continue
		}
		sets := strings.Split(rule, "<")
		if len(sets) < 2 {
			return nil, fmt.Errorf("rule %q has no <", strings.TrimSpace(rule))
		}
		var below []string
		for i, set := range sets {
			names := strings.Split(set, ",")
			for j, name := range names {
				name = strings.TrimSpace(name)
				if name == "" || strings.ContainsAny(name, " \t\n") {
					return nil, fmt.Errorf("rule %q: %q is no package", strings.TrimSpace(rule), name)
				}
				if i > 0 {
					direct[name] = append(direct[name], below...)
				} else if _, known := direct[name]; !known && name != "NONE" {
					return nil, fmt.Errorf("rule %q uses %s before it has a place", strings.TrimSpace(rule), name)
				}
				names[j] = name
			}
			below = append(below, names...)
		}
	}
	may := map[string]map[string]bool{}
	for name := range direct {
		may[name] = map[string]bool{}
		reach(direct, name, may[name])
		if may[name][name] {
			return nil, fmt.Errorf("%s is above itself", name)
		}
	}
	return may, nil
}

func stripComments(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "#") }), "\n")
}

func reach(direct map[string][]string, from string, seen map[string]bool) {
	for _, to := range direct[from] {
		if to != "NONE" && !seen[to] {
			seen[to] = true
			reach(direct, to, seen)
		}
	}
}

// door returns the packages through which an import path may enter, and whether the library is known at all.
func door(path string) (into []string, known bool) {
	for _, prefix := range slices.Backward(slices.Sorted(maps.Keys(doors))) { // longer ones first
		if path == strings.TrimSuffix(prefix, "/") || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/") {
			return doors[prefix], true
		}
	}
	return nil, false
}
