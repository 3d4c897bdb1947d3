// Package chart draws curves, heat maps, spectrograms and small bars on a screen.Canvas. Drawing is a pure function of its
// arguments.
//
// Curves are drawn by the minimum and maximum of every dot column, so that a spike of one update is seen at any width. Sums
// over blocks of points, kept up while points arrive, make the time of a frame nearly independent of the length of a run.
package chart
