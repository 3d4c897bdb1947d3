package runlog

import "math"

// Direction says which way a metric improves.
type Direction int

// The directions.
const (
	Neither Direction = iota
	Up
	Down
)

// Source is a program whose name for a metric is known.
type Source string

// The sources of aliases.
const (
	Fairseq     Source = "fairseq"
	HuggingFace Source = "transformers" // the speech-pretraining example
)

// Alias is the name of a metric in another program.
type Alias struct {
	Name   string
	Source Source
	Bits   bool // given in bits there, in nats here
}

// Reference is a value to compare a metric with: a number, or the metric that carries it because it depends on the
// recipe.
type Reference struct {
	Label  string
	Value  float64 // used when Metric is empty
	Metric string
}

// Metric is what is known about a number of the log. Its name in a series has a kind before it ("train/loss") and, when
// PerGroup is set, may have a codebook group behind it ("train/code_perplexity/0").
type Metric struct {
	Name        string
	Unit        string
	Description string
	Better      Direction
	Nats        bool // an amount of information in nats; divided by ln 2 it is in bits
	PerGroup    bool // also logged for each codebook group, or only for each GPU
	References  []Reference
	Aliases     []Alias
}

// Metrics returns the table of the metrics of pretraining and fine-tuning, in the order in which they are best read.
func Metrics() []Metric {
	table := make([]Metric, len(metricTable))
	copy(table, metricTable[:])
	return table
}

// BitsPerNat converts the metrics that have Nats set.
const BitsPerNat = 1 / math.Ln2

// The sources of the reference values: the contrastive task of wav2vec 2.0 (Baevski et al. 2020, section 3.2) with its
// K = 100 distractors; NVIDIA DeepLearningExamples, wav2vec2 README (accuracy after 400k updates, mean of eight runs);
// the speech-pretraining README of transformers (gradient norm).
var metricTable = [...]Metric{
	{Name: "loss", Unit: "nats", Better: Down, Nats: true,
		Description: "total loss, mean over masked steps: contrastive + weighted diversity + weighted feature penalty; in fine-tuning the CTC loss, mean over utterances or labels",
		Aliases:     []Alias{{"loss", Fairseq, true}, {"loss", HuggingFace, false}}},
	{Name: "contrastive_loss", Unit: "nats", Better: Down, Nats: true,
		Description: "InfoNCE loss of telling the quantized target from K distractors, mean over masked steps",
		References:  []Reference{{Label: "chance", Metric: "chance_loss"}},
		Aliases:     []Alias{{"loss_0", Fairseq, true}, {"constrast_loss", HuggingFace, false}}},
	{Name: "diversity_loss", Unit: "", Better: Down,
		Description: "share of the codebooks left unused, (GV - prob perplexity) / GV, before its weight",
		Aliases:     []Alias{{"div_loss", HuggingFace, false}}},
	{Name: "weighted_diversity_loss", Unit: "nats", Better: Down, Nats: true,
		Description: "diversity loss with its weight, as it enters the total loss",
		Aliases:     []Alias{{"loss_1", Fairseq, true}}},
	{Name: "feature_penalty", Unit: "", Better: Neither,
		Description: "mean square of the feature encoder output before layer normalisation, before its weight"},
	{Name: "weighted_feature_penalty", Unit: "nats", Better: Neither, Nats: true,
		Description: "feature penalty with its weight, as it enters the total loss",
		Aliases:     []Alias{{"loss_2", Fairseq, true}}},
	{Name: "accuracy", Unit: "share", Better: Up,
		Description: "share of masked steps whose target scores above all distractors",
		References:  []Reference{{Label: "chance", Metric: "chance_accuracy"}, {Label: "base, 960 h, 400k updates", Value: 0.629}},
		Aliases:     []Alias{{"accuracy", Fairseq, false}}},
	{Name: "chance_accuracy", Unit: "share", Description: "accuracy of guessing, 1/(K+1)"},
	{Name: "chance_loss", Unit: "nats", Nats: true, Description: "contrastive loss of guessing, ln(K+1)"},
	{Name: "code_perplexity", Unit: "codes", Better: Up, PerGroup: true,
		Description: "perplexity of the chosen codes, summed over groups: how many entries are in use",
		References:  []Reference{{Label: "all entries", Metric: "max_perplexity"}},
		Aliases:     []Alias{{"code_perplexity", Fairseq, false}}},
	{Name: "prob_perplexity", Unit: "codes", Better: Up, PerGroup: true,
		Description: "perplexity of the mean softmax over entries, summed over groups: what the diversity loss raises",
		References:  []Reference{{Label: "all entries", Metric: "max_perplexity"}},
		Aliases:     []Alias{{"prob_perplexity", Fairseq, false}, {"ppl", HuggingFace, false}}},
	{Name: "max_perplexity", Unit: "codes", Description: "number of entries in all groups, GV"},
	{Name: "codebook_cosine", Unit: "", Better: Down,
		Description: "mean cosine between the entries of a group: falls slowly in a good run, stays in a poor one"},
	{Name: "probe/accuracy", Unit: "share", Better: Up,
		Description: "share of held-out utterances whose speaker or label a linear probe reads from the mean of a layer (recipe: probe)",
		References:  []Reference{{Label: "chance", Metric: "probe/chance_accuracy"}}},
	{Name: "probe/chance_accuracy", Unit: "share", Description: "accuracy of the probe if it always said the most frequent class"},
	{Name: "duplicate_distractors", Unit: "share", Better: Down,
		Description: "share of distractors that equal the target and are left out of the softmax"},
	{Name: "positive_cosine", Better: Up,
		Description: "mean cosine between the context vector of a masked step and its quantized target"},
	{Name: "negative_cosine", Better: Down,
		Description: "mean over masked steps of the largest cosine between the context vector and a distractor"},
	{Name: "masked_share", Unit: "share", Description: "share of time steps that are masked",
		References: []Reference{{Label: "paper", Value: 0.49}},
		Aliases:    []Alias{{"%_mask_idx", HuggingFace, false}}},
	{Name: "mask_run", Unit: "steps", Description: "mean length of a run of masked time steps",
		References: []Reference{{Label: "paper", Value: 14.7}}},
	{Name: "gumbel_temperature", Unit: "", Description: "temperature of the Gumbel softmax that chooses codes",
		Aliases: []Alias{{"temp", Fairseq, false}, {"temp", HuggingFace, false}}},
	{Name: "learning_rate", Unit: "", Description: "learning rate of the update",
		Aliases: []Alias{{"lr", Fairseq, false}, {"lr", HuggingFace, false}}},
	{Name: "gradient_norm", Unit: "", Description: "L2 norm of the gradient of all parameters, before clipping",
		References: []Reference{{Label: "healthy, low", Value: 0.5}, {Label: "healthy, high", Value: 2}},
		Aliases:    []Alias{{"gnorm", Fairseq, false}, {"grad_norm", HuggingFace, false}}},
	{Name: "clip_rate", Unit: "share", Better: Down, Description: "share of updates whose gradient was clipped"},
	{Name: "skipped_steps", Unit: "updates", Better: Down,
		Description: "updates skipped because the gradient was not finite, since the run began"},
	{Name: "epoch", Unit: "epochs", Description: "passes over the training set"},
	{Name: "audio_seconds", Unit: "s", Description: "audio in the batch of one update"},
	{Name: "fill", Unit: "share", Better: Up, Description: "share of the batch that is audio; the rest is padding"},
	{Name: "hours_seen", Unit: "h", Description: "audio trained on since the run began, repetitions counted"},
	{Name: "audio_rate", Unit: "s/s", Better: Up, Description: "seconds of audio trained on in a second"},
	{Name: "gflops", Unit: "GFLOP/s", Better: Up, Description: "arithmetic done in a second, by the count of the operations"},
	{Name: "peak_gflops", Unit: "GFLOP/s", Description: "arithmetic that the same matrix kernels do in a second when nothing else does, measured"},
	{Name: "mfu", Unit: "share", Better: Up, Description: "model FLOP utilization: gflops as a share of peak_gflops"},
	{Name: "updates_per_second", Unit: "1/s", Better: Up, Description: "updates done in a second",
		Aliases: []Alias{{"ups", Fairseq, false}}},
	{Name: "time/step", Unit: "ms", Better: Down, Description: "wall time of one update"},
	{Name: "time/data", Unit: "ms", Better: Down, Description: "time of one update spent waiting for the batch"},
	{Name: "time/forward", Unit: "ms", Better: Down, Description: "time of the forward pass of one update"},
	{Name: "time/backward", Unit: "ms", Better: Down, Description: "time of the backward pass of one update"},
	{Name: "time/optimizer", Unit: "ms", Better: Down, Description: "time of clipping and of the optimiser in one update"},
	{Name: "time/other", Unit: "ms", Better: Down, Description: "rest of the time of one update: what none of the parts counts"},
	{Name: "data_wait", Unit: "share", Better: Down, Description: "share of the time of an update spent waiting for data",
		References: []Reference{{Label: "starved", Value: 0.2}}},
	{Name: "memory/arena", Unit: "bytes", Better: Down, Description: "planned memory of activations and gradients"},
	{Name: "memory/rss", Unit: "bytes", Better: Down, Description: "resident memory of the process"},
	{Name: "cpu", Unit: "share", Description: "share of all logical processors of the machine in use"},
	{Name: "process_cpu", Unit: "CPUs", Description: "logical processors that the trainer uses"},
	{Name: "cpus", Unit: "CPUs", Description: "logical processors that the trainer may use"},
	{Name: "load", Unit: "", Better: Down, Description: "processes that run or wait for a processor, mean over a minute"},
	{Name: "memory_used", Unit: "bytes", Better: Down, Description: "memory of the machine that is not available to new programs"},
	{Name: "memory_total", Unit: "bytes", Description: "memory of the machine"},
	{Name: "memory_available", Unit: "bytes", Better: Up, Description: "memory that the trainer can still get, by the machine and its control groups"},
	{Name: "memory_limit", Unit: "bytes", Description: "memory that the trainer can have at most, by the machine and its control groups"},
	{Name: "swap_used", Unit: "bytes", Better: Down, Description: "swap space in use"},
	{Name: "swap_total", Unit: "bytes", Description: "swap space of the machine"},
	{Name: "disk_free", Unit: "bytes", Better: Up, Description: "free space for the user on the file system of the run directory"},
	{Name: "disk_total", Unit: "bytes", Description: "size of the file system of the run directory"},
	{Name: "network_received", Unit: "bytes/s", Description: "received from other machines in a second"},
	{Name: "network_sent", Unit: "bytes/s", Description: "sent to other machines in a second"},
	{Name: "gpu/utilization", PerGroup: true, Unit: "share", Better: Up, Description: "share of the time in which a kernel ran on a GPU of the machine; its number is behind the name"},
	{Name: "gpu/memory_used", PerGroup: true, Unit: "bytes", Better: Down, Description: "memory in use of a GPU, by all programs"},
	{Name: "gpu/memory_total", PerGroup: true, Unit: "bytes", Description: "memory of a GPU"},
	{Name: "gpu/power", PerGroup: true, Unit: "W", Description: "power that a GPU draws"},
	{Name: "gpu/temperature", PerGroup: true, Unit: "°C", Better: Down, Description: "temperature of a GPU"},
	{Name: "ctc_loss", Unit: "nats", Better: Down, Nats: true, Description: "CTC loss of an utterance, mean over the batch"},
	{Name: "blank_share", Unit: "share", Description: "share of frames whose most probable label is the blank"},
	{Name: "wer", Unit: "share", Better: Down, Description: "word error rate", Aliases: []Alias{{"wer", Fairseq, false}, {"wer", HuggingFace, false}}},
	{Name: "wer_lm", Unit: "share", Better: Down, Description: "word error rate with the language model of the recipe (decode.lm)"},
	{Name: "cer", Unit: "share", Better: Down, Description: "character error rate", Aliases: []Alias{{"uer", Fairseq, false}, {"cer", HuggingFace, false}}},
}
