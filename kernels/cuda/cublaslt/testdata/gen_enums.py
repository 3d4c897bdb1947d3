#!/usr/bin/env python3
"""Writes enums.txt: values that cublaslt uses, from the bindings of the Rust crate cudarc, which bindgen made of NVIDIA's headers of CUDA 11.4 to 13.

    cargo new x && cd x && cargo add cudarc@0.19.10 --no-default-features && cargo fetch
    python3 gen_enums.py ~/.cargo/registry/src/*/cudarc-0.19.10/src/cublaslt/sys/mod.rs

A name that has two values in two versions of CUDA stops it.
"""
import re
import sys

text = open(sys.argv[1]).read()
want = re.compile(r"(CUBLAS_STATUS_|CUDA_R_32F$|CUDA_R_16BF$|CUBLAS_COMPUTE_32F|CUBLASLT_MATMUL_DESC_|CUBLASLT_MATMUL_PREF_|CUBLASLT_EPILOGUE_|CUBLASLT_REDUCTION_)")
values = {}
for name, value in re.findall(r"^\s*([A-Z][A-Z0-9_]+) = (\d+),$", text, re.M):
    if want.match(name):
        assert values.setdefault(name, value) == value, name
with open("enums.txt", "w") as f:
    f.write("# from cudarc 0.19.10 (MIT or Apache-2.0) by gen_enums.py\n")
    for name in sorted(values):
        f.write(f"{name} {values[name]}\n")
