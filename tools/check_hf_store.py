#!/usr/bin/env python3
"""Check an aural store with programs that share no code with aural.

    python3 -m venv venv && venv/bin/pip install pyarrow datasets soundfile numpy
    venv/bin/python tools/check_hf_store.py STORE [--source FOLDER]

Reads every row of STORE in four ways and compares them:
  pyarrow.ipc.open_stream on each shard; datasets.Dataset.from_file on each shard; datasets.load_from_disk on the directory;
  index.bin as docs/FORMATS.md describes it.
With --source, also compares each row with its source file, decoded by libsndfile: at 16 kHz mono 16 bit the samples must
be equal bit for bit. Last run with pyarrow 26.0.1, datasets 5.2.0, soundfile 0.14.0.
"""

import argparse
import hashlib
import io
import json
import pathlib
import struct
import sys

import datasets
import numpy as np
import pyarrow as pa
import soundfile

FEATURES = datasets.Features(
    id=datasets.Value("string"), speaker=datasets.Value("string"), transcript=datasets.Value("string"),
    split=datasets.Value("string"), samples=datasets.Value("int64"), start=datasets.Value("float64"), sha256=datasets.Value("string"),
    audio=datasets.Audio(sampling_rate=16000))


def check(ok, what):
    if not ok:
        sys.exit(f"FAILED: {what}")


def undecoded(dataset):
    """The rows of a dataset with the bytes of the audio files instead of decoded samples."""
    check(dataset.features == FEATURES, f"features are {dataset.features}")
    return list(dataset.cast_column("audio", datasets.Audio(decode=False)))


def index_rows(store, info):
    """Yields (id, speaker, transcript, split, path, start, samples, sha256, audio) by index.bin."""
    index = (store / "index.bin").read_bytes()
    shards = [(store / s["name"]).read_bytes() for s in info["shards"]]
    magic, version, count, rows, speakers, names, _ = struct.unpack_from("<8sIIQII32s", index)
    check((magic, version, count, rows) == (b"AURALIDX", 2, len(shards), info["rows"]), "header of index.bin")
    at, who = 64 + 120 * rows, []
    check(len(index) == at + names + 8 * (-(-rows // 4096)) + 4, f"index.bin has {len(index)} bytes")
    for _ in range(speakers):
        (length,) = struct.unpack_from("<I", index, at)
        who.append(index[at + 4:at + 4 + length].decode() or None)
        at += 4 + length
    lengths = struct.iter_unpack("<II", index[64:64 + 8 * rows])
    for (samples, speaker), row in zip(lengths, struct.iter_unpack("<8I5Qd32s", index[64 + 8 * rows:64 + 120 * rows]), strict=True):
        shard = shards[row[0]]
        audio, name, transcript, split, path = (None if n == 0xFFFFFFFF else shard[o:o + n] for n, o in zip(row[2:7], row[8:13]))
        texts = (None if t is None else t.decode() for t in (name, transcript, split, path))
        name, transcript, split, path = texts
        yield name, who[speaker], transcript, split, path, row[13] or None, samples, row[14].hex(), audio


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=pathlib.Path)
    parser.add_argument("--source", type=pathlib.Path)
    args = parser.parse_args()
    info = json.loads((args.store / "aural.json").read_text())

    rows, from_file = [], []
    for shard in info["shards"]:
        path = args.store / shard["name"]
        check(hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"], f"SHA-256 of {path}")
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
            for batch in stream:
                batch.validate(full=True)
                rows += batch.to_pylist()
        from_file += undecoded(datasets.Dataset.from_file(str(path)))
    check(len(rows) == info["rows"], f"{len(rows)} rows, aural.json says {info['rows']}")
    check(from_file == rows, "Dataset.from_file gives the rows of pyarrow")
    check(undecoded(datasets.load_from_disk(str(args.store))) == rows, "load_from_disk gives the rows of pyarrow")

    compared = 0
    for row, indexed in zip(rows, index_rows(args.store, info), strict=True):
        wav = row["audio"]["bytes"]
        check((row["id"], row["speaker"], row["transcript"], row["split"], row["audio"]["path"], row["start"], row["samples"], row["sha256"], wav)
              == indexed, f"index.bin row {row['id']}")
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
        check(rate == 16000 and samples.shape == (row["samples"],), f"audio of {row['id']}")
        check(hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest() == row["sha256"], f"sha256 of {row['id']}")
        if args.source:
            with soundfile.SoundFile(args.source / row["audio"]["path"]) as original:
                if (original.samplerate, original.channels, original.subtype) == (16000, 1, "PCM_16"):
                    check(np.array_equal(original.read(dtype="int16"), samples), f"samples of {row['id']}")
                    compared += 1
    print(f"{len(rows)} rows in {len(info['shards'])} shards agree by pyarrow, from_file, load_from_disk and index.bin; "
          f"{compared} equal their source files bit for bit")


if __name__ == "__main__":
    main()
