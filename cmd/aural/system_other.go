//go:build !unix

package main

import "os"

// terminalColumns: on this system output is plain lines.
func terminalColumns(*os.File) (int, bool) { return 0, false }

// freeBytes: not known on this system.
func freeBytes(string) (int64, bool) { return 0, false }
