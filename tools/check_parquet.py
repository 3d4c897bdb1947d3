#!/usr/bin/env python3
"""Check the Parquet files that aural writes with programs that share no code with aural.

    python3 -m venv venv && venv/bin/pip install pyarrow datasets soundfile numpy
    venv/bin/python tools/check_parquet.py FOLDER [--store STORE]

Reads data/*.parquet below FOLDER with pyarrow, which validates every row group, and with datasets.load_dataset, once by its
"parquet" builder and once by the name of the folder, and compares the rows. Each audio must decode to as many samples as the
row says. With --store, the audio, texts and order of the rows must also be those of the aural store that was exported, when
FOLDER holds a single split. Last run with pyarrow 26.0.1, datasets 5.2.0, soundfile 0.14.0.
"""

import argparse
import collections
import io
import pathlib
import sys
import tempfile

import datasets
import pyarrow.parquet as pq
import soundfile

FEATURES = datasets.Features(
    id=datasets.Value("string"), speaker=datasets.Value("string"), transcript=datasets.Value("string"),
    samples=datasets.Value("int64"), audio=datasets.Audio(sampling_rate=16000))
MAX_GROUP, MAX_FILE = 110_000_000, 550_000_000


def check(ok, what):
    if not ok:
        sys.exit(f"FAILED: {what}")


def undecoded(dataset):
    """The rows of a dataset with the bytes of the audio files instead of decoded samples."""
    check(dataset.features == FEATURES, f"features are {dataset.features}")
    return list(dataset.cast_column("audio", datasets.Audio(decode=False)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--store", type=pathlib.Path)
    args = parser.parse_args()

    splits, files, groups = collections.defaultdict(list), collections.defaultdict(list), 0
    for path in sorted((args.folder / "data").glob("*.parquet")):
        split = path.name.rsplit("-", 3)[0]
        files[split].append(str(path))
        check(path.stat().st_size <= MAX_FILE, f"{path} has {path.stat().st_size} bytes")
        file = pq.ParquetFile(path)
        check(b"huggingface" in file.schema_arrow.metadata and b"ARROW:schema" in file.metadata.metadata, f"metadata of {path}")
        for i in range(file.num_row_groups):
            check(file.metadata.row_group(i).total_byte_size <= MAX_GROUP, f"row group {i} of {path}")
            table = file.read_row_group(i)
            table.validate(full=True)
            splits[split] += table.to_pylist()
            groups += 1
    check(splits, f"{args.folder} has no data/*.parquet")

    with tempfile.TemporaryDirectory() as cache:
        by_builder = datasets.load_dataset("parquet", data_files=dict(files), cache_dir=cache)
        by_folder = datasets.load_dataset(str(args.folder), cache_dir=cache)
        for loaded in by_builder, by_folder:
            check(set(loaded) == set(splits), f"splits {set(loaded)}, the files say {set(splits)}")
            for split, rows in splits.items():
                check(undecoded(loaded[split]) == rows, f"load_dataset gives the rows of pyarrow in {split}")

    rows = [row for split in splits.values() for row in split]
    for row in rows:
        samples, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16")
        check(rate == 16000 and samples.shape == (row["samples"],), f"audio of {row['id']}: {samples.shape} at {rate} Hz")
    compared = 0
    if args.store:
        check(len(splits) == 1, f"a store is compared with one split, there are {len(splits)}")
        stored = datasets.load_from_disk(str(args.store)).cast_column("audio", datasets.Audio(decode=False))
        for row, old in zip(rows, stored, strict=True):
            check(all(row[k] == old[k] for k in ("id", "speaker", "transcript", "samples")), f"row {row['id']} of the store")
            ours, theirs = (soundfile.read(io.BytesIO(r["audio"]["bytes"]), dtype="int16")[0] for r in (row, old))
            check((ours == theirs).all(), f"samples of {row['id']} of the store")
            compared += 1
    print(f"{len(rows)} rows, {len(splits)} splits, {sum(map(len, files.values()))} files, {groups} row groups agree by pyarrow and "
          f"load_dataset; {compared} equal the store")


if __name__ == "__main__":
    main()
