// Package export writes rows of a store in the layouts that other programs for speech read: plain folders, the manifests of
// fairseq and of NVIDIA NeMo, and the Parquet files of Hugging Face. A store is nobody's prison: what was imported can leave
// it with the same samples, and the layouts are ones that an import takes back.
//
//	folder   audio/ID.wav, audio/ID.txt beside it where there is a transcript
//	fairseq  audio/ID.wav, SPLIT.tsv, and SPLIT.wrd, SPLIT.ltr and dict.ltr.txt where all rows have transcripts
//	nemo     ID.wav, manifest.json or SPLIT_manifest.json
//	hf       data/SPLIT-00000-of-0000N.parquet
//
// The recordings of a NeMo set lie beside the manifest, because NeMo takes the paths of a manifest from its folder on and the
// id of a recording is its path.
//
// An id is a path below the folder of the audio: its slashes make sub-folders. Ids that are no such path are refused, never
// changed, because a manifest elsewhere may know a recording by its id.
package export
