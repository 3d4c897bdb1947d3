// Package corpora lists recordings as corpora come: folders, LibriSpeech trees, manifests of fairseq, tables. Each layout
// becomes a [datasets.Source]; what the recordings are and how they are stored is the business of [datasets.Import].
//
// Nothing found in a corpus is executed, and no file outside the folder that the user named is opened, whatever a manifest
// or a link says. A line or a file that cannot be used becomes an item with a fault, so the import reports it.
package corpora
