"""Make the event files of this folder, as other programs write them.

    pip install tensorboard==2.21.0 tensorboardX==2.6.5
    python make.py

pytorch/ is written by tensorboardX, whose SummaryWriter is that of PyTorch; v2.tfevents by TensorBoard itself, with scalars
as tensors of every type as tf.summary of TensorFlow 2 writes them; fairseq/ as fairseq's progress bar does.
want.json holds what TensorBoard reads from the first two.
"""

import json
import pathlib
import shutil

import numpy as np
import tensorboardX
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.scalar import metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

here = pathlib.Path(__file__).parent


def pytorch():
    out = here / "pytorch"
    shutil.rmtree(out, ignore_errors=True)
    for name, first, last, purge in (("1", 1, 12, None), ("2", 9, 14, 9)):
        w = tensorboardX.SummaryWriter(str(out / "new"), purge_step=purge)
        for step in range(first, last + 1):
            t = 1764338000 + 10 * step + (1000 if purge else 0)
            w.add_scalar("Loss/train", 1 / step, step, walltime=t)
            w.add_scalar("Loss/test", float("nan") if step == 3 else 2 / step, step, walltime=t)
            w.add_scalar("my own (metric)", step * step, step, walltime=t)
        w.add_text("note", "not a number", 1, walltime=1764338000)
        w.add_histogram("weights", np.arange(10), 1, walltime=1764338000)
        w.close()
        [file] = (out / "new").iterdir()
        file.rename(out / f"events.out.tfevents.176433800{name}.host")
    (out / "new").rmdir()


def v2():
    m = metadata.create_summary_metadata("", "")
    with open(here / "v2.tfevents", "wb") as f:
        w = RecordWriter(f)

        def write(step, *values):
            e = event_pb2.Event(wall_time=1764338000 + step, step=step)
            e.summary.value.extend(values)
            w.write(e.SerializeToString())

        w.write(event_pb2.Event(wall_time=1764338000, file_version="brain.Event:2").SerializeToString())
        types = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
        for step in (1, 2):
            values = []
            for t in types:
                x = np.array(-1.5 * step if t.startswith("float") else (-3 if t.startswith("int") else 3) * step, dtype=t)
                values.append(summary_pb2.Summary.Value(tag="kind/" + t, tensor=tensor_util.make_tensor_proto(x), metadata=m if step == 1 else None))
                content = tensor_pb2.TensorProto(dtype=tensor_util.make_tensor_proto(x).dtype, tensor_shape=tensor_shape_pb2.TensorShapeProto(), tensor_content=x.tobytes())
                values.append(summary_pb2.Summary.Value(tag="content/" + t, tensor=content, metadata=m if step == 1 else None))
            bf = tensor_pb2.TensorProto(dtype=types_pb2.DT_BFLOAT16, tensor_shape=tensor_shape_pb2.TensorShapeProto(), half_val=[0x3FC0])
            values.append(summary_pb2.Summary.Value(tag="kind/bfloat16", tensor=bf))
            values.append(summary_pb2.Summary.Value(tag="vector", tensor=tensor_util.make_tensor_proto(np.arange(3, dtype="float32"))))
            values.append(summary_pb2.Summary.Value(tag="text", tensor=tensor_util.make_tensor_proto(np.array(b"hello"))))
            write(step, *values)
        w.flush()


def fairseq():
    out = here / "fairseq"
    shutil.rmtree(out, ignore_errors=True)
    for folder, steps in (("train_inner", (200, 400)), ("train", (400,)), ("valid", (400,))):
        w = tensorboardX.SummaryWriter(str(out / folder))
        for step in steps:
            t = 1764338000 + step
            w.add_scalar("loss", 8.0, step, walltime=t)
            w.add_scalar("loss_0", 6.658211, step, walltime=t)
            w.add_scalar("accuracy", 0.25, step, walltime=t)
            w.add_scalar("wps", 1000, step, walltime=t)
        w.close()
        [file] = (out / folder).iterdir()
        file.rename(out / folder / "events.out.tfevents.1764338000.host")


def want():
    read = {}
    a = EventAccumulator(str(here / "pytorch"), size_guidance={"scalars": 0, "tensors": 0})
    a.Reload()
    read["pytorch"] = {tag: [[e.step, e.value if e.value == e.value else "NaN"] for e in a.Scalars(tag)] for tag in a.Tags()["scalars"]}

    def number(tag, step, proto):
        try:
            return float(tensor_util.make_ndarray(proto))
        except TypeError:  # it reads neither bfloat16 nor uint32 and uint64
            return 1.5 if tag.endswith("bfloat16") else 3.0 * step

    a = EventAccumulator(str(here / "v2.tfevents"), size_guidance={"scalars": 0, "tensors": 0})
    a.Reload()
    read["v2"] = {}
    for tag in a.Tags()["tensors"]:
        protos = [(e.step, e.tensor_proto) for e in a.Tensors(tag)]
        if tag not in ("vector", "text"):
            read["v2"][tag] = [[s, number(tag, s, p)] for s, p in protos]
    (here / "want.json").write_text(json.dumps(read, indent=None, sort_keys=True) + "\n")


pytorch()
v2()
fairseq()
want()
