//go:build !cubins

package cubin

// Embedded are the images that this program carries; nil without the tag cubins.
func Embedded() (*Set, error) { return nil, nil }
