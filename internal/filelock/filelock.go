// Package filelock takes the kernel's lock on a file, where there is one.
package filelock
