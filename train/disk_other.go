//go:build !unix

package train

// syncDir has nothing to do: this system writes the entries of a folder by itself and cannot be told to.
func syncDir(string) error { return nil }
