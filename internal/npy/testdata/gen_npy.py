"""What numpy.save writes, for npy_test.go: python gen_npy.py > golden.json"""
import base64
import io
import json

import numpy as np

cases = []
for shape in [(), (0, 768), (5,), (3, 4), (1, 2, 3), (1000000000000, 0), (2,) * 5, (13, 101, 2)]:
    for kind in ["<f4", "<i4"]:
        n = int(np.prod(shape)) if shape else 1
        x = (np.arange(n) - 3).astype(kind).reshape(shape) * np.array(1.5 if kind == "<f4" else 7).astype(kind)
        f = io.BytesIO()
        np.lib.format.write_array(f, x, version=(1, 0))
        cases.append(dict(kind=kind, shape=list(shape), file=base64.b64encode(f.getvalue()).decode()))
print(json.dumps(dict(numpy=np.__version__, cases=cases)))
