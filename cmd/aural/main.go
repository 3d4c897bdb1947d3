// Command aural pretrains wav2vec 2.0 on folders of audio: it imports recordings into a store, trains on it, and draws the curves.
//
//	aural quickstart                                     try everything on synthetic speech
//	aural data import corpus/ --out store                recordings -> store
//	aural pretrain --recipe tiny --data store            store -> run directory with checkpoints
//	aural plot runs/20260101-1200-tiny --figure loss     run directory -> figure
//
// Every command is one small file that turns flags into calls of the packages beside it.
package main

import (
	"io"
	"log"
	"os"
)

func main() {
	log.SetOutput(io.Discard) // a decoder library prints there; what it says also comes as an error
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}
