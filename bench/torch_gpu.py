#!/usr/bin/env python3
"""Times updates of wav2vec 2.0 pretraining in PyTorch and transformers on one GPU, as the other side of `aural gpucheck`.

    python3 bench/torch_gpu.py --batches 5,16 --minutes 4 --out torch_gpu.json

An update is forward, backward, norm and clipping of the gradient, and AdamW, on rows of 250,000 samples (15.6 s) for the model `base`. Audio is on
the device; masks and distractors are drawn before the timing. Variants, in the order in which they are worth their time:

    eager       transformers as its example script trains: float32 weights, autocast to bfloat16, the norm of the gradient parameter by
                parameter on the host
    bf16        weights in bfloat16, fused AdamW, no stop for the host
    tuned       the same arithmetic written for speed in PyTorch (below): convolutions channels-last, flash attention, only masked frames
                quantized, float32 master weights, compiled
    compiled    transformers in bfloat16 under torch.compile(mode="max-autotune-no-cudagraphs")
    graphed     the same under torch.compile(mode="reduce-overhead"), which records CUDA graphs

Compiled variants run without LayerDrop, since a random skip breaks the graph: they compute 5 % more, which is noted. Each measurement is a process
of its own. One that fails or does not fit into the time is in the report with its reason. --device cpu --model tiny tries the program without a GPU.
"""
import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

VARIANTS = ["eager", "bf16", "tuned", "compiled", "graphed"]
MODELS = {
    "base": dict(width=768, layers=12, heads=12, ffn=3072, channels=512, position=128, groups=16, entries=320, code=256, target=256, samples=250_000),
    "tiny": dict(width=32, layers=2, heads=2, ffn=64, channels=32, position=16, groups=4, entries=16, code=32, target=32, samples=32_000),
}
KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
NEGATIVES, TEMPERATURE, DIVERSITY, MASK, SPAN = 100, 0.1, 0.1, 0.65, 10
DROPOUT, LAYER_DROP = 0.1, 0.05


def configuration(m, layer_drop):
    from transformers import Wav2Vec2Config

    return Wav2Vec2Config(
        hidden_size=m["width"], num_hidden_layers=m["layers"], num_attention_heads=m["heads"], intermediate_size=m["ffn"],
        conv_dim=[m["channels"]] * 7, conv_kernel=list(KERNELS), conv_stride=list(STRIDES), num_conv_pos_embeddings=m["position"],
        num_conv_pos_embedding_groups=m["groups"], hidden_dropout=DROPOUT, attention_dropout=DROPOUT, activation_dropout=0.0,
        feat_proj_dropout=DROPOUT, feat_quantizer_dropout=DROPOUT, final_dropout=0.0, layerdrop=layer_drop, mask_time_prob=MASK, mask_time_length=SPAN,
        num_codevectors_per_group=m["entries"], codevector_dim=m["code"], proj_codevector_dim=m["target"], num_negatives=NEGATIVES,
        contrastive_logits_temperature=TEMPERATURE, diversity_loss_weight=DIVERSITY,
    )


def batch(m, rows, frames, device, draws):
    """Audio, and some draws of masks (rows, frames) and of distractors (rows, frames, NEGATIVES)."""
    import torch
    from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices, _sample_negative_indices

    wave = torch.randn(rows, m["samples"], device=device)
    drawn = []
    for _ in range(draws):
        mask = _compute_mask_indices((rows, frames), MASK, SPAN, min_masks=2)
        negatives = _sample_negative_indices((rows, frames), NEGATIVES, mask)
        drawn.append((torch.from_numpy(mask).to(device), torch.from_numpy(negatives).to(device), int(mask.sum())))
    return wave, drawn


def tuned_model(m):
    """wav2vec 2.0 base written for the speed of PyTorch: the same layers and counts as transformers' without its detours."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            d = m["width"]
            self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
            self.up, self.down = nn.Linear(d, m["ffn"]), nn.Linear(m["ffn"], d)
            self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)

        def forward(self, x):
            b, t, d = x.shape
            q, k, v = self.qkv(x).view(b, t, 3, m["heads"], d // m["heads"]).permute(2, 0, 3, 1, 4)
            a = F.scaled_dot_product_attention(q, k, v, dropout_p=DROPOUT if self.training else 0.0)
            x = self.norm1(x + F.dropout(self.out(a.transpose(1, 2).reshape(b, t, d)), DROPOUT, self.training))
            return self.norm2(x + F.dropout(self.down(F.gelu(self.up(x))), DROPOUT, self.training))

    class Tuned(nn.Module):
        def __init__(self):
            super().__init__()
            c, d, groups = m["channels"], m["width"], 2
            self.convs = nn.ModuleList(nn.Conv2d(1 if i == 0 else c, c, (1, k), (1, s), bias=False) for i, (k, s) in enumerate(zip(KERNELS, STRIDES)))
            self.group_norm = nn.GroupNorm(c, c)
            self.norm, self.project = nn.LayerNorm(c), nn.Linear(c, d)
            self.mask = nn.Parameter(torch.rand(d))
            position = nn.Conv1d(d, d, m["position"], padding=m["position"] // 2, groups=m["groups"])
            self.position = nn.utils.parametrizations.weight_norm(position, dim=2)
            self.context_norm = nn.LayerNorm(d)
            self.blocks = nn.ModuleList(Block() for _ in range(m["layers"]))
            self.logits = nn.Linear(c, groups * m["entries"])
            self.codes = nn.Parameter(torch.rand(groups, m["entries"], m["code"] // groups))
            self.project_q, self.project_c = nn.Linear(m["code"], m["target"]), nn.Linear(d, m["target"])

        def forward(self, wave, mask, rows, negatives):
            """mask (B,T); rows (N): masked frames as indices of B*T; negatives (N,K): indices into rows."""
            x = wave[:, None, None, :]
            for i, conv in enumerate(self.convs):
                x = conv(x)
                if i == 0:
                    x = self.group_norm(x)
                x = F.gelu(x)
            features = self.norm(x[:, :, 0].transpose(1, 2))
            penalty = features.float().square().mean()
            x = F.dropout(self.project(features), DROPOUT, self.training)
            x = torch.where(mask[..., None], self.mask.to(x.dtype), x)
            x = x + F.gelu(self.position(x.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
            x = F.dropout(self.context_norm(x), DROPOUT, self.training)
            for block in self.blocks:
                x = block(x)
            masked = F.dropout(features, DROPOUT, self.training).flatten(0, 1)[rows]
            logits = self.logits(masked).view(len(rows), 2, m["entries"]).float()
            soft = F.gumbel_softmax(logits, tau=2.0, hard=True)
            q = torch.einsum("ngv,gvd->ngd", soft.to(self.codes.dtype), self.codes).flatten(1)
            q, c = self.project_q(q), self.project_c(x.flatten(0, 1)[rows])
            q, c = F.normalize(q.float(), dim=-1), F.normalize(c.float(), dim=-1)
            codes = soft.argmax(-1)
            similar = torch.einsum("nd,nkd->nk", c, q[negatives]) / TEMPERATURE
            similar = similar.masked_fill((codes[negatives] == codes[:, None]).all(-1), float("-inf"))
            positive = (c * q).sum(-1, keepdim=True) / TEMPERATURE
            loss = F.cross_entropy(torch.cat([positive, similar], 1), torch.zeros(len(rows), dtype=torch.long, device=wave.device), reduction="sum")
            p = logits.softmax(-1).mean(0)
            perplexity = torch.exp(-(p * torch.log(p + 1e-7)).sum(-1)).sum()
            return loss + len(rows) * (DIVERSITY * (1 - perplexity / p.numel()) + 10 * penalty)

    return Tuned()


class Masters:
    """Float32 master weights of a bfloat16 model, with fused AdamW on them."""

    def __init__(self, model, fused):
        import torch

        self.torch, self.low = torch, [p for p in model.parameters() if p.requires_grad]
        self.high = [p.detach().float().clone() for p in self.low]
        for p in self.high:
            p.grad = torch.zeros_like(p)
        self.optimizer = torch.optim.AdamW(self.high, lr=1e-4, fused=fused)

    def clip_and_step(self):
        grads = [p.grad if p.grad is not None else self.torch.zeros_like(p) for p in self.low]
        self.torch._foreach_copy_([p.grad for p in self.high], grads)
        norm = self.torch.nn.utils.clip_grad_norm_(self.high, 25.0, foreach=True)
        self.optimizer.step()
        with self.torch.no_grad():
            self.torch._foreach_copy_(self.low, self.high)
        for p in self.low:
            p.grad = None
        return norm


def measure(a):
    """Times one variant in this process and prints JSON."""
    import torch
    import transformers
    from transformers import Wav2Vec2ForPreTraining

    torch.manual_seed(1)
    m, gpu = MODELS[a.model], a.device.startswith("cuda")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    compiled = a.variant in ("tuned", "compiled", "graphed")
    layer_drop = 0.0 if compiled else LAYER_DROP
    config = configuration(m, layer_drop)
    theirs = Wav2Vec2ForPreTraining(config) if a.variant != "tuned" else tuned_model(m)
    frames = m["samples"]
    for k, s in zip(KERNELS, STRIDES):
        frames = (frames - k) // s + 1
    model = theirs.to(a.device).train()
    if a.variant != "eager":
        model = model.bfloat16()
    if a.variant == "tuned":
        model = model.to(memory_format=torch.channels_last)
    parameters = [p for p in model.parameters() if p.requires_grad]
    masters = Masters(model, gpu) if a.variant == "tuned" else None
    optimizer = None if masters else torch.optim.AdamW(parameters, lr=1e-4, fused=gpu and a.variant != "eager")
    mode = {"tuned": "max-autotune-no-cudagraphs", "compiled": "max-autotune-no-cudagraphs", "graphed": "reduce-overhead"}.get(a.variant)
    run = torch.compile(model, mode=mode) if mode and not a.no_compile else model
    wave, drawn = batch(m, a.rows, frames, a.device, a.updates + a.warmup)
    if a.variant != "eager":
        wave = wave.bfloat16()
    if a.variant == "tuned":
        # Equal counts of masked frames, so that one program serves all updates.
        least = min(count for _, _, count in drawn)
        drawn = [tuned_draw(torch, mask, negatives, least) for mask, negatives, _ in drawn]

    def update(i):
        mask, negatives, count = drawn[i]
        if a.variant == "tuned":
            rows, negatives = negatives
            loss = run(wave, mask, rows, negatives)
            (loss / count).backward()
            return loss, masters.clip_and_step()
        autocast = torch.autocast("cuda" if gpu else "cpu", dtype=torch.bfloat16) if a.variant == "eager" else contextlib.nullcontext()
        with autocast:
            loss = run(wave, mask_time_indices=mask, sampled_negative_indices=negatives).loss
        (loss / count).backward()
        if a.variant == "eager":  # as the example script measures it
            norm = sum(p.grad.detach().norm(2).item() ** 2 for p in parameters if p.grad is not None) ** 0.5
        else:
            norm = torch.nn.utils.clip_grad_norm_(parameters, 25.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss, norm

    def timed(i):
        if not gpu:
            begin = time.perf_counter()
            loss, norm = update(i)
            return (time.perf_counter() - begin), loss, norm
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        loss, norm = update(i)
        end.record()
        return (begin, end), loss, norm

    for i in range(a.warmup):
        loss, norm = update(i)
    if gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    times = []
    for i in range(a.warmup, a.warmup + a.updates):
        t, loss, norm = timed(i)
        times.append(t)
    if gpu:
        torch.cuda.synchronize()
        times = [begin.elapsed_time(end) / 1e3 for begin, end in times]
    if not (float(loss) == float(loss) and float(norm) < float("inf")):
        sys.exit(f"the loss is {float(loss)} and the norm of the gradient {float(norm)}: not an update that trains")
    seconds = statistics.median(times)
    json.dump({
        "variant": a.variant, "rows": a.rows, "frames": frames, "median_seconds": seconds, "least_seconds": min(times), "most_seconds": max(times),
        "audio_seconds_per_second": a.rows * m["samples"] / 16000 / seconds, "layer_drop": layer_drop, "loss": float(loss),
        "parameters": sum(p.numel() for p in parameters), "peak_bytes": torch.cuda.max_memory_allocated() if gpu else None,
        "torch": torch.__version__, "transformers": transformers.__version__, "cuda": torch.version.cuda,
        "device": torch.cuda.get_device_name(0) if gpu else "cpu",
    }, sys.stdout)


def tuned_draw(torch, mask, negatives, count):
    """Turns indices of frames (B,T,K) into those of the first count masked frames: rows (N) and, of each, distractors (N,K) by their place in rows."""
    flat = mask.flatten()
    rows = flat.nonzero()[:, 0]
    place = torch.cumsum(flat.long(), 0) - 1
    chosen = place[negatives.flatten(0, 1)[rows]]
    return mask, (rows[:count], chosen[:count].clamp_(max=count - 1)), count


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--batches", default="5,16", help="rows of an update, with commas between")
    p.add_argument("--variants", default=",".join(VARIANTS), help="which, with commas between")
    p.add_argument("--minutes", type=float, default=8, help="most time for all of it")
    p.add_argument("--updates", type=int, default=10)
    p.add_argument("--warmup", type=int, default=4, help="updates before the timing")
    p.add_argument("--model", choices=MODELS, default="base")
    p.add_argument("--device", default="cuda:0")
    p.add_argument("--out", help="file for the report as JSON")
    p.add_argument("--no-compile", action="store_true", help="leave out torch.compile, to try the program")
    p.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    p.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.variant:
        return measure(a)
    unknown = [v for v in a.variants.split(",") if v not in VARIANTS]
    if unknown or any(not n.isdigit() or int(n) < 1 for n in a.batches.split(",")):
        p.error(f"want numbers of rows and variants of {', '.join(VARIANTS)}; got --batches {a.batches} --variants {a.variants}")
    deadline, report = time.monotonic() + 60 * a.minutes, []
    print(f"{'variant':10} {'rows':>4} {'ms':>9} {'audio-s/s':>10} {'GB':>6}")
    for variant in a.variants.split(","):
        for rows in map(int, a.batches.split(",")):
            left = deadline - time.monotonic()
            row = {"variant": variant, "rows": rows}
            if left < 15:
                row["skipped"] = "no time left"
            else:
                command = [sys.executable, os.path.abspath(__file__), "--variant", variant, "--rows", str(rows), "--updates", str(a.updates), "--warmup",
                           str(a.warmup), "--model", a.model, "--device", a.device] + (["--no-compile"] if a.no_compile else [])
                try:
                    done = subprocess.run(command, capture_output=True, text=True, timeout=left)
                    row = json.loads(done.stdout) if done.returncode == 0 else {**row, "failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
                except subprocess.TimeoutExpired:
                    row["skipped"] = f"not done after {left:.0f} s"
            report.append(row)
            if "median_seconds" in row:
                memory = f"{row['peak_bytes'] / 1e9:.1f}" if row["peak_bytes"] else "?"
                print(f"{variant:10} {rows:4} {1e3 * row['median_seconds']:9.1f} {row['audio_seconds_per_second']:10.0f} {memory:>6}", flush=True)
            else:
                print(f"{variant:10} {rows:4} {row.get('failed') or row['skipped']}", flush=True)
            if a.out:
                with open(a.out + ".part", "w") as f:
                    json.dump(report, f, indent=1)
                os.replace(a.out + ".part", a.out)
    if not any("median_seconds" in row for row in report):
        sys.exit("nothing was measured")


if __name__ == "__main__":
    main()
