//go:build !unix

package host

import "time"

func processTime() (time.Duration, bool) { return 0, false }
