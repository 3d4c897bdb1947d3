package health

// Limit is a threshold of a rule.
type Limit struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit,omitempty"`
	Reason string  `json:"reason"`
}

// DeadChoices is how many choices an entry of average use has been passed over before one that was never chosen counts as dead.
const DeadChoices = 20

// The thresholds. Numbers of # are issues of fairseq, those of HF# of transformers: logs of runs that failed in this way.
var (
	recentUpdates = Limit{"recent updates", 200, "updates", "a state has to last: collapse is final (HF#14387), while a bad batch is over in one record"}
	recentRecords = Limit{"recent records", 10, "records", "a median of fewer says little when an update is logged seldom"}

	uniformGain       = Limit{"information at chance", 0.01, "of ln(K+1)", "#3109, #3718: the loss stays at 6.658 bits, which is log2(101), to three digits"}
	uniformPerplexity = Limit{"perplexity of uniform codes", 0.98, "of all entries", "#3109: 639.979 of 640; a healthy run ends near 333 (batch of 80 min)"}
	vanishedGradient  = Limit{"vanished gradient norm", 1e-3, "", "#3109: 0, HF#14387: 1e-18; healthy runs have 0.5 to 2, small models down to 0.1"}

	singleCodes      = Limit{"codes of a collapsed group", 1.1, "codes", "HF#14387: a perplexity of 2.000 in two groups"}
	singleDuplicates = Limit{"equal distractors", 0.9, "share", "when all distractors equal the target the task is empty: HF#14387; in the valley of our healthy runs they are below a fifth"}
	singleLoss       = Limit{"loss of an empty task", 0.05, "nats", "HF#14387, HF#12934: 0.000 and 0.0013; in the normal valley it is above 3.5"}

	splitRatio       = Limit{"soft to hard perplexity, watch", 4, "times", "healthy runs on held-out speech have 1 to 2"}
	splitRatioBroken = Limit{"soft to hard perplexity, broken", 10, "times", "#3330: 602.7 against 23.8 on held-out speech"}
	splitShare       = Limit{"soft perplexity of a split", 0.5, "of all entries", "below it the diversity loss still works on the soft side"}
	heldOutRecords   = Limit{"validations", 3, "validations", "one validation is no trend"}

	deadShare   = Limit{"dead entries", 0.5, "share", "a published run at a good batch uses more than half of its entries: perplexity 333 of 640"}
	deadChoices = Limit{"choices per entry", DeadChoices, "choices", "an entry that is used as often as others is missed with a probability of e^-20"}

	valleyPatience = Limit{"valley that is over", 3, "times the published time", "the perplexity is lowest after 1,200 (batch of 80 min) to 20,000 updates (87.5 s), and has at least doubled by then"}

	reversalDrop = Limit{"perplexity reversal", 0.3, "share", "#3979: both perplexities fall after 250k updates while accuracy rises; asked often, and harmless"}
)

var (
	gainDuplicates  = Limit{"equal distractors of a model that is judged by its information, at most", 0.3, "share", "our healthy runs had up to 0.15 in their valley; above it see single-code"}
	chanceGain      = Limit{"information of a model that learns", 0.02, "of ln(K+1)", "0.09 nats at K = 100; healthy small runs cross it for good when they leave chance, and then rise"}
	chancePatience  = Limit{"patience at chance, watch", 2, "times the published time", "published runs pass 5 % accuracy after 500 (batch of 80 min) to 9,700 updates (87.5 s); see EarlyShape of package reference"}
	chancePatience2 = Limit{"patience at chance, broken", 6, "times the published time", "#3661, #3300: nobody who waited longer saw it move"}
	easyFirst       = Limit{"chance left, easier task", 250, "updates", "with short spans and few codes nothing is published; our small healthy runs took 100 to 220 updates of 20 to 24 s"}
	easyValley      = Limit{"valley, easier task", 1500, "updates", "our small healthy runs were still in it after 500 updates"}
	hardSpan        = Limit{"masked run of the published task", 10, "steps", "the published task has spans of 10 steps, which overlap to runs of 14.7; runs of 7 and less are another task"}
	hardEntries     = Limit{"entries of the published task", 320, "codes", "the published task has 640"}
	fallPeak        = Limit{"information before a fall", 0.05, "of ln(K+1)", "0.23 nats at K = 100, an accuracy of some 10 %: it had clearly left chance"}
	fallDivergence  = Limit{"lost information", 0.3, "share", "#4948: accuracy and gradient norm step down, and the loss stays higher"}

	shortcutAccuracy   = Limit{"accuracy of a shortcut", 0.98, "share", "the best published accuracy is 0.70; #3687: 1 after a few updates"}
	shortcutLoss       = Limit{"loss of a shortcut", 0.05, "nats", "#3687, HF#12934"}
	shortcutDuplicates = Limit{"equal distractors of a shortcut, at most", 0.5, "share", "above it the codebook has collapsed, which is another failure"}
	shortcutEarly      = Limit{"early", 0.05, "of the run", "HF#12934: an instant drop; later it can be a task that is too easy"}
	shortcutSpan       = Limit{"masked runs of single steps, below", 2, "steps", "a single masked step can be read off its neighbours, as in recipes of SpeechBrain"}

	overfitRise    = Limit{"rise of the validation loss", 0.05, "share", "#3834"}
	overfitFall    = Limit{"fall of the training loss meanwhile", 0.05, "share", "#3834; when both rise, the codebook came into use and the task became harder"}
	overfitRecords = Limit{"validations of a median, and since the best", 3, "validations", "single ones were up to a fifth worse than the best in our healthy runs"}

	warmupShare = Limit{"run spent in warm-up", 0.5, "of the run", "published runs warm up for 8 % (fairseq) to 16 % (transformers); the demonstration of transformers never left it"}

	batchSmallest = Limit{"smallest batch of the published task", 87.5, "s", "published: ends at accuracy 0.39 and 45 / 70 % WER, against 0.56 and 6 / 16 % at 80 min"}
	batchGood     = Limit{"batch that a note is worth", 300, "s", "published: 5 min end at accuracy 0.46 and 12 / 31 % WER"}
	batchEasy     = Limit{"smallest batch of an easier task", 5, "s", "our small model left chance after 220 updates of 20 s, and hardly in 2,000 of 2 s"}
)

var (
	skippedUpdates  = Limit{"window of skipped updates", 1000, "updates", "what lies further back was survived"}
	skippedFew      = Limit{"skipped updates that are no trend", 5, "updates", "fairseq, #968: more than 5 skips in 100 updates announce a spiral"}
	skippedMost     = Limit{"skipped updates of a dead run", 0.5, "share", "the run gives up after max_skipped in a row"}
	explosion       = Limit{"exploded gradient norm", 10, "times its median", "healthy runs stay well within, but for the time when they leave chance"}
	explosionLeast  = Limit{"exploded gradient norm, at least", 2, "", "README of transformers: the norms of a healthy run are 0.5 to 2"}
	explosionGain   = Limit{"improvement that excuses it", 0.01, "of ln(K+1)", "our small runs had a norm of 0.13 at chance and of 1 when they had left it"}
	explosionFew    = Limit{"exploded records", 3, "records", "single spikes occur in healthy runs, and clipping takes them"}
	explosionBefore = Limit{"records before", 20, "records", "a median of fewer is no norm"}

	stallShare   = Limit{"wait for data", 0.2, "share of an update", "more than a fifth of the machine is idle"}
	stallSeconds = Limit{"time of a stall", 60, "s", "the first batches of a process are slower"}

	diskCheckpoints = Limit{"free space, watch", 3, "checkpoints", "a new checkpoint is written before an old one is removed"}
	diskBytes       = Limit{"free space, watch", 1e9, "bytes", "logs, figures and samples also need room"}
	diskBroken      = Limit{"free space, broken", 1, "checkpoint", "the next checkpoint cannot be written"}
	memoryShare     = Limit{"available memory", 0.05, "of the limit", "below it the kernel or the batch system may end the process without warning"}
	tornLines       = Limit{"torn lines", 2, "lines", "a process that is killed tears one line of a log; more are damage"}
	hungSteps       = Limit{"time of an update that hangs", 20, "times the usual", "validation and checkpoints take their time between updates"}
	hungSeconds     = Limit{"and at least", 600, "s", "a validation of a big model on a slow machine takes minutes"}
)
