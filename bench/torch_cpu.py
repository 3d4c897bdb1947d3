#!/usr/bin/env python3
"""Times updates of pretraining and matrix products in aural and in PyTorch with transformers, alternately, on the same CPUs.

    task bench:cpu                                    makes an environment with the newest of both and runs all of it
    python bench/torch_cpu.py --aural bin/aural       in an environment of your own (pip install torch transformers)
    python bench/torch_cpu.py step --recipe r.yaml    one measurement of PyTorch, as JSON; r.yaml from aural recipes NAME --resolved

An update is forward, backward, norm and clipping of the gradient, and AdamW, on one micro-batch, of the same recipe on both sides: aural's
`bench step` against Wav2Vec2ForPreTraining with its configuration made from the resolved recipe, training mode, dropout, LayerDrop, span masks
and 100 distractors. Masks and distractors are drawn outside of the timing on both sides, as training draws them beside the computation. PyTorch
gets the fused AdamW. It quantizes all frames, aural the masked half; it has no penalty of the features and no scaling of their gradient.

PyTorch runs under two policies of its OpenMP threads, of which the table has the better: "spin", where threads that wait poll as long as the
library's defaults say, and "park", where they go to sleep at once. Which is better depends on the machine, the model and the types.

Each measurement is a process of its own. A round runs aural and then PyTorch under both policies for each case; medians are over all updates
of all rounds, memory is the largest of the peaks of resident memory of the processes; "libraries" is what of PyTorch's was there after the imports.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

from alternate import POLICIES, arguments, cores, run, table, torch_run

# name -> recipe, settings. The rest of the batch is the recipe's.
CASES = {
    "tiny": ("tiny", []),
    "small": ("small", []),
    "base-4s": ("base", ["data.batch_samples=64000", "data.max_samples=64000"]),
    "base-15.6s": ("base", ["data.batch_samples=250000", "data.max_samples=250000"]),
}
# aural's precision -> the type that PyTorch multiplies in
PRECISIONS = {"float32": "float32", "high": "float32", "bf16": "bf16"}
# rows x inputs x outputs of linear layers; aural bench products says what the forms are
SHAPES = ["1500x768x3072", "1500x3072x768", "1500x768x768", "400x256x1024", "1500x128x512"]


def peak_memory():
    """The most resident memory of this process, in bytes; None where the system does not tell."""
    try:
        with open("/proc/self/status") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) << 10
    except OSError:
        pass
    return None


# ---- One measurement of PyTorch ----------------------------------------------------------------


def configuration(recipe):
    """The recipe as transformers.Wav2Vec2Config."""
    from transformers import Wav2Vec2Config

    e, q, loss = recipe["encoder"], recipe["quantizer"], recipe["loss"]
    return Wav2Vec2Config(
        conv_dim=[c["channels"] for c in e["conv"]], conv_kernel=[c["kernel"] for c in e["conv"]], conv_stride=[c["stride"] for c in e["conv"]],
        conv_bias=e["conv_bias"], feat_extract_norm=e["conv_norm"], do_stable_layer_norm=e["pre_norm"],
        hidden_size=e["width"], num_hidden_layers=e["layers"], num_attention_heads=e["heads"], intermediate_size=e["ffn"],
        num_conv_pos_embeddings=e["position_kernel"], num_conv_pos_embedding_groups=e["position_groups"], layer_norm_eps=float(e["norm_eps"]),
        feat_proj_dropout=float(e["input_dropout"]), feat_quantizer_dropout=float(e["feature_dropout"]), hidden_dropout=float(e["dropout"]),
        attention_dropout=float(e["attention_dropout"]), activation_dropout=float(e["activation_dropout"]), layerdrop=float(e["layer_drop"]),
        final_dropout=0.0, apply_spec_augment=True, mask_time_prob=float(recipe["mask"]["probability"]), mask_time_length=recipe["mask"]["length"],
        mask_feature_prob=0.0, num_codevector_groups=q["groups"], num_codevectors_per_group=q["entries"], codevector_dim=q["dim"],
        proj_codevector_dim=loss["target_dim"], num_negatives=recipe["contrastive"]["distractors"],
        contrastive_logits_temperature=float(recipe["contrastive"]["temperature"]), diversity_loss_weight=float(loss["diversity"]),
    )


def step(a):
    """Times updates in this process and prints JSON."""
    import numpy as np
    import torch
    import transformers
    import yaml
    from transformers import Wav2Vec2ForPreTraining
    from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices, _sample_negative_indices

    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    np.random.seed(1)
    with open(a.recipe) as f:
        recipe = yaml.safe_load(f)
    libraries = peak_memory()
    config = configuration(recipe)
    config._attn_implementation = a.attention
    model = Wav2Vec2ForPreTraining(config).train()
    settings = recipe["train"]["optimizer"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=tuple(settings["betas"]), eps=float(settings["eps"]),
                                  weight_decay=float(settings["weight_decay"]), fused=True)
    clip = float(settings["clip"]) or float("inf")  # aural measures the norm also when it does not clip
    samples = recipe["data"]["max_samples"]
    rows = a.rows or recipe["data"]["batch_samples"] // samples
    frames = int(model._get_feat_extract_output_lengths(samples))
    parts = {name: [] for name in ("total", "forward", "backward", "norm", "adamw")}
    masked = 0
    for i in range(1 + a.updates):  # the first does not count: it allocates
        wave = torch.randn(rows, samples)
        mask = _compute_mask_indices((rows, frames), config.mask_time_prob, config.mask_time_length, min_masks=2)
        negatives = torch.from_numpy(_sample_negative_indices((rows, frames), config.num_negatives, mask))
        mask = torch.from_numpy(mask)
        count = int(mask.sum())
        begin = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.dtype == "bf16"):
            loss = model(wave, mask_time_indices=mask, sampled_negative_indices=negatives).loss / count
        forward = time.perf_counter()
        loss.backward()
        backward = time.perf_counter()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        clipped = time.perf_counter()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        end = time.perf_counter()
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            sys.exit(f"update {i}: the loss is {loss.item()} and the gradient norm {norm.item()}: not an update that trains")
        if i > 0:
            masked += count
            for name, seconds in (("total", end - begin), ("forward", forward - begin), ("backward", backward - forward),
                                  ("norm", clipped - backward), ("adamw", end - clipped)):
                parts[name].append(seconds)
    json.dump({
        "torch": torch.__version__, "transformers": transformers.__version__, "threads": torch.get_num_threads(), "dtype": a.dtype,
        "attention": a.attention, "parameters": sum(p.numel() for p in model.parameters()), "rows": rows, "seconds": samples / 16000, "frames": frames,
        "masked_share": masked / max(1, a.updates * rows * frames), "loss": loss.item(), "update_seconds": parts["total"],
        "median_seconds": {name: statistics.median(times) for name, times in parts.items()},
        "peak_resident_bytes": peak_memory(), "libraries_resident_bytes": libraries,
    }, sys.stdout)


def products(a):
    """Times matrix products in this process and prints JSON: the forms and shapes of `aural bench products`."""
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    kind = torch.bfloat16 if a.dtype == "bf16" else torch.float32
    rows = []
    with torch.inference_mode():
        for shape in a.shapes:
            m, k, n = map(int, shape.split("x"))
            x, w, b, dy = (torch.randn(*size).to(kind) for size in ((m, k), (n, k), (n,), (m, n)))
            for form, run in (("NT", lambda: F.linear(x, w, b)), ("NN", lambda: torch.mm(dy, w)), ("TN", lambda: torch.mm(dy.t(), x))):
                run()
                times, began = [], time.perf_counter()
                while len(times) < 3 or time.perf_counter() - began < a.seconds:
                    start = time.perf_counter()
                    run()
                    times.append(time.perf_counter() - start)
                rows.append({"shape": shape, "form": form, "seconds": statistics.median(times)})
    json.dump({"torch": torch.__version__, "threads": torch.get_num_threads(), "dtype": a.dtype, "products": rows}, sys.stdout)


# ---- The comparison ----------------------------------------------------------------------------


def milliseconds(seconds):
    ms = seconds * 1e3
    return f"{ms:.0f}" if ms >= 1000 else f"{ms:.3g}"


def gigabytes(n):
    return f"{n / 1e9:.2f}" if n else "?"


def set_precision(a, precision):
    """How aural is told: nothing for its default."""
    return [] if precision == "float32" else ["--set", f"{a.precision_setting}={precision}"]


def compare_updates(a, precision, report):
    collected = {name: {"aural": [], **{policy: [] for policy in POLICIES}} for name in a.cases}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(a.rounds):
            for name, c in collected.items():
                recipe, sets = CASES[name]
                sets = [word for s in sets for word in ("--set", s)]
                path = os.path.join(folder, name + ".yaml")
                with open(path, "w") as f:
                    subprocess.run([a.aural, "recipes", recipe, "--resolved", *sets], stdout=f, check=True)
                ours = json.loads(run([a.aural, "bench", "step", "--json", "--recipe", recipe, "--batches", str(a.updates), "--threads", str(a.threads), *sets,
                                       *set_precision(a, precision)]))
                c["aural"].append(ours)
                batch = ours["batch"]
                for policy in POLICIES:
                    theirs = json.loads(torch_run(a.threads, policy, "step", "--recipe", path, "--dtype", PRECISIONS[precision], "--updates", str(a.updates),
                                                  "--rows", str(batch["rows"]), "--attention", a.attention))
                    if (theirs["frames"], theirs["seconds"]) != (batch["frames"], batch["seconds"]):
                        sys.exit(f"{name}: aural computes {batch}, PyTorch {theirs['frames']} frames of {theirs['seconds']} s")
                    c[policy].append(theirs)
                print(f"round {number + 1} of {a.rounds}, {name}: "
                      + ", ".join(f"{side} {milliseconds(runs[-1]['median_seconds']['total'])} ms" for side, runs in c.items()), file=sys.stderr)
    rows = [["update", "aural ms", "PyTorch ms", "policy", "ratio", "by round", "GFLOP/s", "of peak", "aural GB", "PyTorch GB", "libraries"]]
    for name, c in collected.items():
        mid = {side: statistics.median(t for m in runs for t in m["update_seconds"]) for side, runs in c.items()}
        policy = min(POLICIES, key=mid.get)
        ratio = mid[policy] / mid["aural"]
        by_round = [t["median_seconds"]["total"] / o["median_seconds"]["total"] for o, t in zip(c["aural"], c[policy])]
        memory = {side: max(m.get("peak_resident_bytes") or 0 for m in c[side]) for side in ("aural", policy)}
        gflops = statistics.median(o["gflops"] * o["median_seconds"]["total"] for o in c["aural"]) / mid["aural"]
        peak = max(o["peak_gflops"] for o in c["aural"])
        rows.append([name, milliseconds(mid["aural"]), milliseconds(mid[policy]), policy, f"{ratio:.2f}", f"{min(by_round):.2f}-{max(by_round):.2f}",
                     f"{gflops:.0f}", f"{100 * gflops / peak:.0f} %", gigabytes(memory["aural"]), gigabytes(memory[policy]), gigabytes(c[policy][0]["libraries_resident_bytes"])])
        report.append({"kind": "update", "case": name, "precision": precision, "seconds": mid, "policy": policy, "ratio": ratio, "ratio_by_round": by_round,
                       "peak_resident_bytes": memory, "runs": c})
    machine, theirs = report[-1]["runs"]["aural"][0]["machine"], report[-1]["runs"]["park"][0]
    print(f"\naural {precision} ({machine['kernels']}) against PyTorch {theirs['torch']} {PRECISIONS[precision]} (transformers {theirs['transformers']}), "
          f"{a.threads} threads, {a.rounds} rounds of {a.updates} updates; GFLOP/s and peak are aural's")
    table(rows)


def compare_products(a, precision, report):
    times = {}
    for number in range(a.rounds):
        sides = {"aural": json.loads(run([a.aural, "bench", "products", *SHAPES, "--json", "--seconds", str(a.seconds), "--threads", str(a.threads),
                                          "--precision", precision]))}
        for policy in POLICIES:
            sides[policy] = json.loads(torch_run(a.threads, policy, "products", *SHAPES, "--dtype", PRECISIONS[precision], "--seconds", str(a.seconds)))
        for side, result in sides.items():
            for p in result["products"]:
                times.setdefault((p["shape"], p["form"]), {}).setdefault(side, []).append(p["seconds"])
        print(f"round {number + 1} of {a.rounds}: products", file=sys.stderr)
    rows = [["product, form", "aural ms", "GFLOP/s", "PyTorch ms", "GFLOP/s", "policy", "ratio"]]
    for (shape, form), sides in times.items():
        m, k, n = map(int, shape.split("x"))
        mid = {side: statistics.median(t) for side, t in sides.items()}
        policy = min(POLICIES, key=mid.get)
        ratio = mid[policy] / mid["aural"]
        rate = {side: f"{2e-9 * m * k * n / t:.0f}" for side, t in mid.items()}
        rows.append([f"{shape} {form}", milliseconds(mid["aural"]), rate["aural"], milliseconds(mid[policy]), rate[policy], policy, f"{ratio:.2f}"])
        report.append({"kind": "product", "shape": shape, "form": form, "precision": precision, "seconds": mid, "policy": policy, "ratio": ratio})
    print(f"\nProducts of rows x in x out, aural {precision} against PyTorch {PRECISIONS[precision]}, {a.threads} threads; NT is F.linear, NN and TN are torch.mm")
    table(rows)


def compare(a):
    report = []
    for precision in a.precision:
        if not a.no_products:
            compare_products(a, precision, report)
        if a.cases:
            compare_updates(a, precision, report)
    if a.out:
        with open(a.out, "w") as f:
            json.dump({"machine": platform.processor() or platform.machine(), "system": platform.platform(),
                       "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "threads": a.threads, "rounds": a.rounds, "updates": a.updates,
                       "results": report}, f, indent=1)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = ap.add_subparsers(dest="command", required=True)

    c = commands.add_parser("compare", help="run both sides alternately and print ratios (the default)")
    c.add_argument("--aural", default="bin/aural", help="the program")
    c.add_argument("--rounds", type=int, default=5)
    c.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    c.add_argument("--precision", nargs="+", choices=list(PRECISIONS), default=["float32"], help="aural's; PyTorch has bf16 for bf16, float32 for the others")
    c.add_argument("--precision-setting", default="precision", help="the recipe's setting for it")
    c.add_argument("--no-products", action="store_true", help="leave the matrix products out")
    c.add_argument("--out", help="write everything that was measured to this file, as JSON")
    c.set_defaults(run=compare)

    s = commands.add_parser("step", help="time updates in PyTorch")
    s.add_argument("--recipe", required=True, help="a resolved recipe")
    s.add_argument("--rows", type=int, default=0, help="rows of the micro-batch; 0: what the recipe has")
    s.set_defaults(run=step)

    p = commands.add_parser("products", help="time matrix products in PyTorch")
    p.add_argument("shapes", nargs="+", help="ROWSxINPUTSxOUTPUTS")
    p.set_defaults(run=products)

    for sub in (c, s, p):
        sub.add_argument("--threads", type=int, default=cores())
    for sub in (s, p):
        sub.add_argument("--dtype", choices=["float32", "bf16"], default="float32")
    for sub in (c, s):
        sub.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa", help="how transformers computes attention")
        sub.add_argument("--updates", type=int, default=3, help="updates that count, of each process")
    for sub in (c, p):
        sub.add_argument("--seconds", type=float, default=0.3, help="for each product")
    a = ap.parse_args(arguments(sys.argv[1:], commands.choices))
    a.run(a)


if __name__ == "__main__":
    main()
