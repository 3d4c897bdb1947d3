// Package plots turns the logs of runs into figures for papers and reports: SVG, PDF, PNG, EPS or TeX, with the same bytes
// for the same log and options.
//
//	runlog.Curves ──> builder ──> panels ──> layout ──> gonum/plot canvas ──> .svg .pdf .png
//	(and snapshots)  (figures.go)  ^  │                 or one of our own ──> .eps .tex
//	                               │  └─────────────────────────────────────> .csv .json, every point
//	View, what a terminal shows ───┘
//
// A figure is a table entry with a function that says which series go into which panel; [Render] draws it. [RenderView]
// draws what is given as data, [Compare] makes the table of several runs. Everything else is common to all: units,
// smoothing, groups of runs, the horizontal axis, decimation, colours. Non-finite values are gaps with a mark on the axis;
// they never spoil a scale. The legend stands beside the data, never on it. Colours are those of Okabe and Ito (2008), which
// people with any colour vision can tell apart, and lines of different kinds also differ in their dashes; heat maps have
// those of viridis. Areas are not transparent, because formats and viewers do not agree on it: they are light, and their
// borders are drawn over each other.
package plots
