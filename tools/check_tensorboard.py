"""Check that TensorBoard reads the event files of a run as its metrics.jsonl says.

    pip install tensorboard
    python tools/check_tensorboard.py RUN_DIRECTORY

Every scalar that the metrics log shows (after resumes, so without superseded steps) must be in TensorBoard with the same
step and the same value in float32, and TensorBoard must show nothing else. Exits with 1 when not so.
"""

import json
import math
import pathlib
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def float32(x):
    try:
        return struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)


def from_metrics(path):
    """Series of metrics.jsonl: {tag: [(step, value)]}."""
    series = {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        if record["kind"] == "session":
            for points in series.values():
                points[:] = [p for p in points if p[0] <= record["step"]]
            continue
        for name, value in record["values"].items():
            series.setdefault(record["kind"] + "/" + name, []).append((record["step"], float32(float(value))))
    return {tag: points for tag, points in series.items() if points}


def from_tensorboard(path):
    events = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def same(a, b):
    return len(a) == len(b) and all(
        x[0] == y[0] and (x[1] == y[1] or math.isnan(x[1]) and math.isnan(y[1])) for x, y in zip(a, b)
    )


def main(run):
    want = from_metrics(run / "metrics.jsonl")
    got = from_tensorboard(run / "tb")
    bad = [tag for tag in sorted(want.keys() | got.keys()) if not same(want.get(tag, []), got.get(tag, []))]
    for tag in bad:
        print(f"{tag}: {len(want.get(tag, []))} points in the log, {len(got.get(tag, []))} in TensorBoard, or other values")
    points = sum(map(len, want.values()))
    print(f"{len(want)} series, {points} points, {len(bad)} series differ")
    return 1 if bad or not points else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1])))
