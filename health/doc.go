// Package health says whether a training run is well, and why not if it is not. It reads what a run has logged, applies
// rules, and gives a verdict with evidence and advice:
//
//	Curves, state, events ──> Examine ──> Report: HEALTHY, WATCH or BROKEN, with findings
//
// A rule fires on a conjunction of signs, because each of them alone also occurs in healthy runs: the codebook perplexity
// falls into a valley of 3 to 4 % of its entries before it recovers, and the contrastive loss stays at chance for hundreds to
// thousands of updates. Rules look at medians over recent records, so that one bad record is no verdict, and say nothing
// while there is too little to judge. They know no clock but Input.Now: the same input gives the same report.
//
// docs/HEALTH.md lists the rules with the runs that they were tried on.
package health
