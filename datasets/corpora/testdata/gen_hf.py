#!/usr/bin/env python3
"""Make the test data of datasets/corpora and datasets/parquet with the libraries that define the formats.

    python3 -m venv venv && venv/bin/pip install pyarrow datasets numpy
    venv/bin/python datasets/corpora/testdata/gen_hf.py

Every recording is a 16-bit 16 kHz mono WAV file of 400 + 16 n samples, sample i being (7919 n + 31 i) mod 4001 - 2000, where n
is its number; the tests compute them again. Writes hf/ beside this script and ../../parquet/testdata/, each with
expected.tsv: file, id, speaker, transcript, split, n. Last run with pyarrow 26.0.1, datasets 5.2.0, numpy 2.4.6.
"""

import pathlib
import shutil
import struct

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).resolve().parent
AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
TEXTS = ["HELLO THERE", None, "LAST OF ALL", "ÜBER DIE BRÜCKE"]


def wav(n):
    count = 400 + 16 * n
    samples = ((7919 * n + 31 * np.arange(count)) % 4001 - 2000).astype("<i2").tobytes()
    head = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    return head + b"data" + struct.pack("<I", len(samples)) + samples


def rows(numbers, named=True):
    return {
        "id": [f"utt-{n}" for n in numbers], "speaker_id": [n // 2 + 14 for n in numbers], "text": [TEXTS[n] for n in numbers],
        "audio": [{"bytes": wav(n), "path": f"utt-{n}.wav" if named else None} for n in numbers],
    }


class Expected:
    """The rows that the tests want to see."""

    def __init__(self):
        self.lines = []

    def add(self, name, numbers, split="", ids="utt-{}", speakers=True, texts=True):
        for n in numbers:
            text = TEXTS[n] if texts else None
            self.lines.append("\t".join([name, ids.format(n), str(n // 2 + 14) if speakers else "", text or "", split, str(n)]))

    def write(self, folder):
        (folder / "expected.tsv").write_text("\n".join(self.lines) + "\n", encoding="utf-8")


def stream(path, table, **options):
    with pa.ipc.new_stream(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as w:
        w.write_table(table, max_chunksize=2)


def file(path, table, **options):
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as w:
        w.write_table(table, max_chunksize=2)


def typed(text, content, speaker=pa.int32(), numbers=(0, 1, 2)):
    """A table whose texts and bytes have other Arrow types than those of Hugging Face."""
    r = rows(numbers)
    fields = [("id", text), ("speaker_id", speaker), ("text", text), ("audio", pa.struct([("path", text), ("bytes", content)]))]
    plain = pa.table({name: pa.array(r[name], pa.string() if t is text and pa.types.is_dictionary(text) else t) for name, t in fields[:3]}
                     | {"audio": pa.array(r["audio"], fields[3][1] if not pa.types.is_dictionary(text) else AUDIO)})
    if pa.types.is_dictionary(text):
        for name in ("id", "text"):
            at = plain.schema.get_field_index(name)
            plain = plain.set_column(at, name, plain[name].dictionary_encode())
    return plain


def dataset(numbers):
    """Not Dataset.from_dict, which wants a decoder to encode with."""
    features = datasets.Features(id=datasets.Value("string"), speaker_id=datasets.Value("int64"), text=datasets.Value("string"),
                                 audio=datasets.Audio(sampling_rate=16000))
    return datasets.Dataset(pa.table(rows(numbers)).cast(features.arrow_schema), datasets.DatasetInfo(features=features))


def arrow(out, want):
    dataset([0, 1, 2]).save_to_disk(out / "saved", num_shards=2)
    want.add("saved", [0, 1, 2])
    datasets.DatasetDict(train=dataset([0, 1]), test=dataset([2])).save_to_disk(out / "dict")
    want.add("dict", [0, 1], "train")
    want.add("dict", [2], "test")
    (out / "cache").mkdir()
    shutil.copy(out / "dict/train/data-00000-of-00001.arrow", out / "cache/my_set-train.clean.100-00000-of-00001.arrow")
    shutil.copy(out / "dict/test/data-00000-of-00001.arrow", out / "cache/cache-0123456789abcdef.arrow")
    want.add("cache", [0, 1], "train.clean.100")

    stream(out / "stream.arrow", pa.table(rows([0, 1, 2, 3])))
    want.add("stream.arrow", [0, 1, 2, 3])
    file(out / "file-zstd.arrow", pa.table(rows([0, 1, 2])), compression="zstd")
    want.add("file-zstd.arrow", [0, 1, 2])
    stream(out / "stream-lz4.arrow", pa.table(rows([0, 1, 2])), compression="lz4")
    want.add("stream-lz4.arrow", [0, 1, 2])
    file(out / "large.arrow", typed(pa.large_string(), pa.large_binary()))
    want.add("large.arrow", [0, 1, 2])
    stream(out / "views.arrow", typed(pa.string_view(), pa.binary_view()))
    want.add("views.arrow", [0, 1, 2])
    stream(out / "dictionary.arrow", typed(pa.dictionary(pa.int32(), pa.string()), pa.binary()))
    want.add("dictionary.arrow", [0, 1, 2])
    stream(out / "null-path.arrow", pa.table(rows([0, 2], named=False)))
    want.add("null-path.arrow", [0, 2])
    stream(out / "dev-bytes.arrow", pa.table({"text": ["A", "B"], "wav": pa.array([wav(0), wav(1)], pa.binary())}))
    want.lines += ["dev-bytes.arrow\tdev-bytes-0\t\tA\tdev\t0", "dev-bytes.arrow\tdev-bytes-1\t\tB\tdev\t1"]

    # Audio beside the table: one file inside, one outside, one missing, one null.
    (out / "clips").mkdir()
    (out / "clips/a.wav").write_bytes(wav(0))
    outside = [{"bytes": None, "path": p} for p in ("clips/a.wav", "../gen_hf.py", "/etc/passwd", "clips/none.wav")] + [None]
    stream(out / "external.arrow", pa.table({"audio": pa.array(outside, AUDIO), "sentence": ["in", "up", "root", "none", "null"]}))
    stream(out / "paths.arrow", pa.table({"file": ["clips/a.wav"], "client_id": ["c1"], "sentence": ["by path"]}))
    # An image has the shape of an audio; the metadata tells.
    both = datasets.Features(image=datasets.Image(decode=False), sound=datasets.Audio(decode=False))
    image = {"image": [{"bytes": b"PNG", "path": "x.png"}], "sound": [{"bytes": wav(1), "path": "utt-1.wav"}]}
    stream(out / "image.arrow", pa.Table.from_pydict(image, both.arrow_schema))
    want.add("image.arrow", [1], speakers=False, texts=False)


def parquet(out, want):
    (out / "hub/data").mkdir(parents=True)
    for shard, numbers in enumerate([[0, 1], [2]]):
        dataset(numbers).to_parquet(out / f"hub/data/train-0000{shard}-of-00002.parquet")
    dataset([3]).to_parquet(out / "hub/data/test-00000-of-00001.parquet")
    want.add("hub", [3], "test")
    want.add("hub", [0, 1, 2], "train")
    table = pa.table(rows([0, 1, 2, 3], named=False))
    for name, options in {
        "none-v2": dict(compression="none", data_page_version="2.0"), "snappy": dict(compression="snappy", row_group_size=2),
        "gzip": dict(compression="gzip"), "brotli": dict(compression="brotli"), "zstd-v2": dict(compression="zstd", data_page_version="2.0"),
        "delta": dict(use_dictionary=False, column_encoding={"id": "DELTA_BYTE_ARRAY", "text": "DELTA_LENGTH_BYTE_ARRAY",
                                                            "audio.bytes": "DELTA_LENGTH_BYTE_ARRAY", "speaker_id": "DELTA_BINARY_PACKED"}),
        "plain": dict(use_dictionary=False, store_schema=False, data_page_size=1),
    }.items():
        pq.write_table(table, out / f"{name}.parquet", **options)
        want.add(f"{name}.parquet", [0, 1, 2, 3])
    pq.write_table(typed(pa.large_string(), pa.large_binary()), out / "large.parquet")
    want.add("large.parquet", [0, 1, 2])
    pq.write_table(typed(pa.dictionary(pa.int32(), pa.string()), pa.binary()), out / "dictionary.parquet")
    want.add("dictionary.parquet", [0, 1, 2])
    (out / "clips").mkdir()
    (out / "clips/a.wav").write_bytes(wav(0))
    outside = [{"bytes": None, "path": p} for p in ("clips/a.wav", "../parquet.go", "/etc/passwd")] + [None]
    pq.write_table(pa.table({"audio": pa.array(outside, AUDIO), "sentence": ["in", "up", "root", "null"]}), out / "external.parquet")


def main():
    for out, make in (HERE / "hf", arrow), (HERE.parents[1] / "parquet/testdata", parquet):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        want = Expected()
        make(out, want)
        want.write(out)


if __name__ == "__main__":
    main()
