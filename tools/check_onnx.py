#!/usr/bin/env python3
"""Runs what `aural model onnx` wrote in onnxruntime and compares it with the outputs of transformers in hf/testdata/golden.json.

    pip install onnxruntime onnx numpy
    for m in base-ctc large-ctc base-model; do
        aural model onnx hf/testdata/$m --out DIR/$m.onnx && aural model onnx hf/testdata/$m --external --out DIR/$m-external.onnx
    done
    python3 tools/check_onnx.py DIR/*.onnx

onnx.checker looks at each file; the batch of the golden, each row alone and a longer batch go through it. Exits with 1 on any difference above 1e-5.
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

GOLDEN = json.load(open(os.path.join(os.path.dirname(__file__), "..", "hf", "testdata", "golden.json")))
SAMPLES = GOLDEN["samples"]


def waves():
    x, mask = np.zeros((len(SAMPLES), max(SAMPLES))), np.zeros((len(SAMPLES), max(SAMPLES)), np.int64)
    for b, count in enumerate(SAMPLES):
        n = np.arange(count)
        x[b, :count] = np.sin(0.05 * n + 0.9 * b) + 0.3 * np.sin(0.31 * n + 1 + 1.7 * b)
        mask[b, :count] = 1
    return x.astype(np.float32), mask


def frames(samples):
    for kernel, stride in [(10, 5), (3, 2), (2, 2)]:
        samples = (samples - kernel) // stride + 1
    return samples


def check(path):
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    masked = "attention_mask" in [i.name for i in session.get_inputs()]
    names = [o.name for o in session.get_outputs()]
    case = GOLDEN["cases"][os.path.basename(path).removesuffix(".onnx").removesuffix("-external")]

    def run(x, mask):
        return dict(zip(names, session.run(names, {"input_values": x, **({"attention_mask": mask} if masked else {})})))

    x, mask = waves()
    out, worst = run(x, mask), 0.0
    for name in names:
        want = np.array(case["logits" if name == "logits" else "last"]).reshape(out[name].shape)
        for b, count in enumerate(SAMPLES):
            t = frames(count) if masked else case["frames"]
            worst = max(worst, np.abs(out[name][b, :t] - want[b, :t]).max())
            if masked:  # alone a row gives what it gives in the batch
                alone = run(x[b : b + 1, :count], mask[b : b + 1, :count])[name]
                assert alone.shape[1] == t, (alone.shape, t)
                worst = max(worst, np.abs(alone[0] - want[b, :t]).max())
    long = run(np.tile(x, (3, 5)), np.ones((6, 4000), np.int64))
    assert all(v.shape[:2] == (6, frames(4000)) and np.isfinite(v).all() for v in long.values())
    print(f"{path}: {names}, largest difference {worst:.2g}")
    return worst <= 1e-5


if __name__ == "__main__":
    print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")
    sys.exit(0 if all([check(p) for p in sys.argv[1:]]) and len(sys.argv) > 1 else 1)
