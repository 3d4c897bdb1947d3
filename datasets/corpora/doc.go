// Package corpora lists recordings as corpora come. Each layout becomes a [datasets.Source]; what the recordings are and how
// they are stored is the business of [datasets.Import].
//
//	layout       what is opened                                       id                speaker       text
//	folder       any audio below a folder                             path              folder        .txt beside it
//	librispeech  SPLIT/SPK/CHAP/SPK-CHAP-UTT.flac                     name              SPK           .trans.txt
//	mls          SPLIT/audio/SPK/BOOK/SPK_BOOK_UTT.flac               name              SPK           transcripts.txt
//	librilight   SUBSET/SPK/BOOK/NAME.flac, a .json beside it         SPK/BOOK/NAME     SPK           none
//	commonvoice  clips/ and tables of a language; *.tsv               name              client_id     sentence
//	table        .tsv or .csv with a header, column path              id, else path     speaker       transcript
//	fairseq      train.tsv, or a folder of such                       path              none          .wrd or .ltr beside it
//	nemo         lines of JSON, or a folder of such; tarred sets      path and part     speaker       text
//	lhotse       cuts, or recordings and supervisions; .jsonl, .gz    cut, supervision  speaker       text
//	kaldi        wav.scp, or a folder of folders with it              utterance         utt2spk       text
//	ljspeech     metadata.csv, wavs/ID.wav                            ID                folder        last column
//	vctk         wav48/SPK/ID.wav                                     name              SPK           txt/SPK/ID.txt
//	huggingface  save_to_disk, a cache folder, an .arrow              id, else path     speaker(_id)  text
//	audiofolder  metadata.csv or .jsonl with file_name                id, else path     speaker(_id)  text
//	webdataset   tars with KEY.flac, KEY.txt, KEY.json                KEY               in .json      .txt, .json
//
// Nothing found in a corpus is executed, and no file outside the folders that the user named is opened, whatever a manifest
// or a link says; only a fairseq manifest may name another folder, in its first line. A line or a file that cannot be used
// becomes an item with a fault that names file and line, so the import goes on and reports it. An id that an earlier line
// has is such a fault too.
package corpora
