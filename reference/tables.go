package reference

// row is a trajectory at one batch size.
type row struct {
	seconds float64 // of audio in the batch
	values  []float64
}

// accuracySteps and accuracyRows are the validation accuracy by batch size (sizes).
var accuracySteps = []int64{5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 400_000}

var accuracyRows = []row{
	{87.5, []float64{.150, .163, .196, .276, .306, .348, .390}},
	{150, []float64{.144, .161, .239, .307, .340, .381, .427}},
	{300, []float64{.140, .212, .253, .339, .380, .422, .463}},
	{600, []float64{.175, .234, .290, .379, .423, .467, .502}},
	{1200, []float64{.202, .263, .323, .421, .463, .500, .529}},
	{2400, []float64{.244, .308, .368, .480, .513, .538, .554}},
	{4800, []float64{.252, .322, .396, .506, .536, .555, .563}},
}

// seedSteps, seedMean and seedDeviation are the training accuracy of eight seeds at a batch of 1.56 h (DLE).
var (
	seedSteps     = []int64{50_000, 100_000, 150_000, 200_000, 250_000, 300_000, 350_000, 400_000}
	seedMean      = []float64{.491, .537, .564, .580, .599, .610, .619, .629}
	seedDeviation = []float64{.011, .009, .009, .009, .008, .010, .009, .007}
)

// seedEarlySteps and seedEarly are read off the figure of the same README: its table begins at 50,000 updates.
var (
	seedEarlySteps = []int64{1_000, 8_500, 30_000}
	seedEarly      = []float64{.20, .315, .45}
)

// perplexitySteps and perplexityRows are the perplexity of the mean softmax over all frames of the validation set, summed
// over two codebooks of 320 entries (sizes).
var perplexitySteps = []int64{5_000, 10_000, 20_000, 50_000, 100_000, 400_000}

var perplexityRows = []row{
	{150, []float64{27, 42, 74, 99, 127, 212}},
	{1200, []float64{44, 93, 160, 237, 302, 374}},
	{4800, []float64{89, 161, 254, 316, 330, 333}},
}

// The same perplexity in training, early on: it begins high, falls into a valley and comes out of it (sizes).
const (
	firstPerplexityStep                    = 100
	firstPerplexityLow, firstPerplexityTop = 265.0, 430.0
	valleyLow, valleyTop                   = 18.0, 27.0
)

// early is when training at one batch size passes what every healthy run passes, in updates (sizes).
type early struct {
	seconds float64
	leaves  int64 // accuracy is above 5 %
	valley  int64 // the perplexity is lowest
	fifth   int64 // accuracy passes 20 %
}

var earlyRows = []early{
	{87.5, 9_700, 20_000, 130_000},
	{150, 1_500, 3_800, 19_000},
	{300, 1_100, 3_000, 14_100},
	{1200, 700, 1_700, 8_100},
	{4800, 500, 1_200, 4_500},
}

// The mean cosine between the entries of a codebook: at the start, and after 400,000 updates in runs that ended well. It stays
// flat for long and then falls; in poor runs it is still .767 at the end (sizes).
const (
	firstCosineLow, firstCosineTop = .74, .77
	lastCosineLow, lastCosineTop   = .53, .57
)

// The gradient norm of healthy runs (norm).
const gradientNormLow, gradientNormTop = 0.5, 2.0

// lastStep is the length of the published runs.
const lastStep = 400_000
