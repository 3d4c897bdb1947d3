// Package datasets turns folders of recordings into a store of 16 kHz utterances and cuts training batches from it.
//
// The path of a sample through the package:
//
//	files ── Source ──> Import ──> store on disk ── Open ──> Store ── View ──> Sampler ──> []Cut ── Collate ──> (B, L)
//	         listing    decode,    Arrow shards,             mapped  lengths,  metadata    row,     crop, pad,
//	                    resample   index, aural.json         memory  speakers  only        offset   normalise
//
// [Split], [SplitInto] and [Subset] choose rows on the way from View to Sampler: what is held out, train, dev and test, or
// 10 minutes of a corpus. All of these work on metadata in memory, 12 bytes a row and 8 more for a sampler, so a store of
// 10 million utterances takes 200 MB and an epoch of it is shuffled in seconds.
//
// Three nouns carry the design. An [Utterance] is a row of the store: who said what, for how long. A [Cut] is a view of an
// utterance: a row, an offset and a length; choosing cuts does no I/O, so an epoch can be replayed, resumed and tested
// without audio. A [Source] lists recordings and knows nothing about decoding or storing.
//
// A store is a directory of Arrow IPC streams that Hugging Face datasets opens as it is, and that this package reads
// without copying: the samples that [Store.PCM] returns lie in the mapped file. The format is described in docs/FORMATS.md.
//
// The Arrow library writes the shards; reading goes through a loader of our own (stream.go), because the library's reader
// copies every buffer and trusts the lengths it finds.
//
// Around this package: corpora and parquet list what others have made, export writes for them, bucket holds the files of a
// store in an S3 bucket.
package datasets
