#!/usr/bin/env python3
"""Holds package safetensors of aural against the reference implementation, both ways.

    pip install safetensors==0.4.5 numpy==1.26.4
    python tools/check_safetensors.py write safetensors/testdata/reference.safetensors
    python tools/check_safetensors.py read FILE [FILE...]

`write` makes the committed golden file with the reference implementation; the Go test reads it and writes it again, byte
for byte. `read` opens files written by aural with the reference implementation, shows what is in them, and checks the
elements of those that follow the golden file's rule (metadata key "fill").

Fill rule: byte k of the tensor NAME is (7*k + 31*len(NAME)) mod 256, or, for BOOL, (k + len(NAME)) mod 2.
"""
import struct
import sys

import numpy as np
import safetensors
from safetensors import deserialize, safe_open, serialize_file

SIZES = {"bool": 1, "uint8": 1, "int8": 1, "int16": 2, "float16": 2, "bfloat16": 2,
         "int32": 4, "float32": 4, "float64": 8, "int64": 8}
HEADER_NAMES = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "F16": "float16", "BF16": "bfloat16",
                "I32": "int32", "F32": "float32", "F64": "float64", "I64": "int64"}


def fill(name, dtype, shape):
    n = SIZES[dtype] * int(np.prod(shape, dtype=np.int64))
    k = np.arange(n)
    return bytes(((k + len(name)) % 2 if dtype == "bool" else (7 * k + 31 * len(name)) % 256).astype(np.uint8))


def write(path):
    spec = [(f"t.{i}.{d}", d, (2, 3)) for i, d in enumerate(SIZES)]
    spec += [('scalar "quoted" <&>', "float32", ()), ("empty", "float32", (3, 0))]
    serialize_file({n: {"dtype": d, "shape": list(s), "data": fill(n, d, s)} for n, d, s in spec}, path, {"format": "pt"})
    print(f"wrote {len(spec)} tensors to {path} with safetensors {safetensors.__version__}")


def read(path):
    with open(path, "rb") as f:
        raw = f.read()
    tensors = deserialize(raw)
    with safe_open(path, framework="numpy") as f:  # the memory-mapped path of the package
        meta, names = f.metadata() or {}, set(f.keys())
        for name, t in tensors:
            if t["dtype"] != "BF16":  # which numpy has not
                a = f.get_tensor(name)
                assert a.tobytes() == bytes(t["data"]) and list(a.shape) == t["shape"], name
    assert names == {n for n, _ in tensors}
    checked = 0
    if meta.get("fill") == "check_safetensors":
        for name, t in tensors:
            assert bytes(t["data"]) == fill(name, HEADER_NAMES[t["dtype"]], t["shape"]), f"{path}: {name} differs from the fill rule"
            checked += 1
    (header,) = struct.unpack("<Q", raw[:8])
    print(f"{path}: {len(tensors)} tensors, header {header} bytes, metadata {meta}, {checked} held against the fill rule")


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("write", "read"):
        sys.exit(__doc__)
    for p in sys.argv[2:]:
        (write if sys.argv[1] == "write" else read)(p)
