// Elfkind says whether an ELF program is static (it starts without a loader and needs no library) or dynamic, and fails when it is not as wanted:
//
//	go run ./internal/dynlib/elfkind static bin/aural-static
package main

import (
	"debug/elf"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: elfkind static|dynamic FILE")
		os.Exit(2)
	}
	is, err := kind(os.Args[2])
	if err == nil && is != os.Args[1] {
		err = fmt.Errorf("%s is %s, want %s", os.Args[2], is, os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "elfkind:", err)
		os.Exit(1)
	}
	fmt.Println(os.Args[2], "is", is)
}

// kind is "static" or "dynamic".
func kind(file string) (string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return "", err
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "dynamic", nil
		}
	}
	if len(libraries) > 0 {
		return "dynamic", nil
	}
	return "static", nil
}
