// Package deps holds the rules of the house as tests: which package may import which, where each third-party library
// enters, how long a file may grow, that every package says what it is for, and what no file may name. It has no code
// of its own; `go test ./internal/deps` reads the sources of the whole module, whatever their build constraints.
//
// Go's own go/build/deps_test.go is the model. To add a package, give it a place in layers (layers_test.go); to add a
// library, give it one door there and say why in docs/decisions.
package deps
