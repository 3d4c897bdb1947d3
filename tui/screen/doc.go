// Package screen is what the terminal views draw on: a canvas of character cells, styles by role, and what a terminal can
// show of them. It draws nothing by itself and asks the terminal nothing; what the terminal can do comes from the
// environment. A frame always has the size of its canvas, so no layout can break it.
package screen
