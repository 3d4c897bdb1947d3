//go:build cubins

package cubin

import (
	"embed"
	"io/fs"
)

// images is written by kernels/cuda/cubin/make. Without it a build with the tag cubins fails here.
//
//go:embed images
var images embed.FS

// Embedded are the images that this program carries; nil without the tag cubins.
func Embedded() (*Set, error) {
	files, err := fs.Sub(images, "images")
	if err != nil {
		return nil, err
	}
	return Open(files)
}
