package plots

import "aural/runlog"

// The lines that curves are compared with: metrics of the log, because they depend on the recipe.
var (
	chanceLoss     = compare{"chance_loss", "chance, ln(K+1)"}
	chanceAccuracy = compare{"chance_accuracy", "chance, 1/(K+1)"}
	chanceProbe    = compare{"probe/chance_accuracy", "the most frequent class"}
	allEntries     = compare{"max_perplexity", "all entries"}
)

func train(metric string) []want {
	return []want{{series: runlog.Train + "/" + metric, label: "train"}}
}

// machine is for what depends on the machine and not on the training.
func machine(metric string) []want {
	return []want{{series: runlog.System + "/" + metric, label: "measured"}}
}

func schedule(metric string) []want {
	return []want{{series: runlog.Train + "/" + metric, label: "train", exact: true}}
}

func trainValid(metric string) []want {
	return []want{
		{series: runlog.Train + "/" + metric, label: "train", colour: 0},
		{series: runlog.Valid + "/" + metric, label: "valid", colour: 1},
	}
}

// trainValidOfTwo puts two metrics into one panel: blue colours for the first and red ones for the second.
func trainValidOfTwo(first, firstLabel, second, secondLabel string) []want {
	return []want{
		{series: runlog.Train + "/" + first, label: firstLabel + ", train", colour: 0},
		{series: runlog.Valid + "/" + first, label: firstLabel + ", valid", colour: 5},
		{series: runlog.Train + "/" + second, label: secondLabel + ", train", colour: 1},
		{series: runlog.Valid + "/" + second, label: secondLabel + ", valid", colour: 3},
	}
}
