#!/usr/bin/env python3
"""Makes adamw.json: five updates of torch.optim.AdamW in float64 and in float32, with gradient clipping and parameter groups.

    pip install torch==2.2.2
    python train/testdata/gen_adamw.py > train/testdata/adamw.json

The gradients are given, not computed: the test feeds the same numbers. They are divided by a sample size and clipped to a global norm by
torch.nn.utils.clip_grad_norm_, of which "norms" are the results. Parameter "c" has its own learning rate and weight decay, "d" is frozen.
"""
import json
import math

import torch

UPDATES, SAMPLES, CLIP, SHAPES = 5, 8.0, 0.5, {"a": (3,), "b": (2, 2), "c": (5,), "d": (2,)}
BETAS, EPS, DECAY = (0.9, 0.98), 1e-6, 0.01
C_SCALE, C_DECAY = 0.25, 0.0


def rate(update):
    return 1e-2 * (update + 1) / UPDATES


def number(name, k, update):
    return math.sin(1.7 * ord(name) + 2.3 * k + 0.9 * update) * (1 + k) * (4.0 if update == 1 else 1.0)


def run(dtype):
    params = {n: torch.nn.Parameter(torch.tensor(start[n], dtype=dtype).reshape(s)) for n, s in SHAPES.items()}
    params["d"].requires_grad_(False)
    opt = torch.optim.AdamW([{"params": [params["a"], params["b"]]}, {"params": [params["c"]], "weight_decay": C_DECAY}],
                            lr=1.0, betas=BETAS, eps=EPS, weight_decay=DECAY)
    norms, steps = [], []
    for u in range(UPDATES):
        opt.param_groups[0]["lr"], opt.param_groups[1]["lr"] = rate(u), rate(u) * C_SCALE
        live = [params[n] for n in "abc"]
        for n in "abc":
            p = params[n]
            p.grad = torch.tensor(grads[u][n], dtype=dtype).reshape(p.shape) / SAMPLES
        norms.append(float(torch.nn.utils.clip_grad_norm_(live, CLIP)))
        opt.step()
        steps.append({n: {"w": p.detach().flatten().tolist(),
                          "m": opt.state[p]["exp_avg"].flatten().tolist() if n != "d" else [0.0] * p.numel(),
                          "v": opt.state[p]["exp_avg_sq"].flatten().tolist() if n != "d" else [0.0] * p.numel()}
                      for n, p in params.items()})
    return {"norms": norms, "updates": steps}


start = {n: [float(torch.tensor(number(n, k, 100), dtype=torch.float32)) for k in range(math.prod(s))] for n, s in SHAPES.items()}
grads = [{n: [float(torch.tensor(number(n, k, u), dtype=torch.float32)) for k in range(math.prod(s))] for n, s in SHAPES.items()}
         for u in range(UPDATES)]
print(json.dumps({
    "origin": f"gen_adamw.py with PyTorch {torch.__version__}", "shapes": SHAPES, "betas": BETAS, "eps": EPS, "weight_decay": DECAY,
    "clip": CLIP, "sample_size": SAMPLES, "c_lr_scale": C_SCALE, "c_weight_decay": C_DECAY,
    "rates": [rate(u) for u in range(UPDATES)], "start": start, "gradients": grads,
    "float64": run(torch.float64), "float32": run(torch.float32)}, indent=1))
