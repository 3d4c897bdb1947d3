// Package plots turns the log of one or several runs into figures for papers and reports: SVG, PDF or PNG, with the same
// bytes for the same log and options.
//
//	runlog.Reader ──> builder ──> panels ──> layout ──> gonum/plot canvas ──> file
//	                  (figures.go)  │                   (.svg .pdf .png)
//	                                └──────────────────> .csv, every point
//
// A figure is a table entry with a function that says which series go into which panel. Everything else is common to
// all: units, smoothing, the horizontal axis, decimation, colours. Non-finite values are gaps with a mark on the axis;
// they never spoil a scale. The legend stands above the data, never on it. Colours are those of Okabe and Ito (2008),
// which people with any colour vision can tell apart, and lines of different kinds also differ in their dashes.
package plots
