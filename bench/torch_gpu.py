#!/usr/bin/env python3
"""Times updates of wav2vec 2.0 pretraining in PyTorch with transformers on a GPU, in several ways, as `aural gpucheck` asks for it.

    python3 bench/torch_gpu.py --rows 5,16 --seconds 240      the published base model, rows of 15.6 s
    python3 bench/torch_gpu.py --model tiny --device cpu      tries the program without a GPU

One line of JSON for each way and number of rows, as soon as it is measured:

    eager-autocast   what transformers' example of pretraining does: float32 weights, autocast to bfloat16, the norm of the gradient parameter by parameter on
                     the host, AdamW
    eager-bf16       weights in bfloat16, one norm, fused AdamW, nothing read from the GPU within an update
    tuned            the same arithmetic written for speed in PyTorch (below): convolutions channels-last, flash attention, only masked frames quantized, float32
                     master weights, compiled
    compile          eager-bf16 through torch.compile(mode="max-autotune-no-cudagraphs")
    compile-graphs   the same with mode="reduce-overhead", which records CUDA graphs

An update is forward, backward, norm and clipping of the gradient, and AdamW. Audio is on the device; masks and distractors are drawn before the timing, anew for
each update. Compiled ways run without LayerDrop, since a random skip breaks the graph: they compute 5 % more than with it. Each measurement is a process of its own.
One that fails or does not fit into the time is a line with "error". Times are medians.
"""
import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

WAYS = ["eager-autocast", "eager-bf16", "tuned", "compile", "compile-graphs"]
COMPILED = {"tuned": "max-autotune-no-cudagraphs", "compile": "max-autotune-no-cudagraphs", "compile-graphs": "reduce-overhead"}
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


def measure(a, way, rows):
    """Times one way in this process."""
    import torch
    import transformers
    from transformers import Wav2Vec2ForPreTraining

    torch.manual_seed(1)
    m, gpu, samples = MODELS[a.model], a.device.startswith("cuda"), a.samples or MODELS[a.model]["samples"]
    m = {**m, "samples": samples}
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    config = configuration(m, 0.0 if way in COMPILED else LAYER_DROP)
    config._attn_implementation = "sdpa"
    frames = samples
    for k, s in zip(KERNELS, STRIDES):
        frames = (frames - k) // s + 1
    model = (tuned_model(m) if way == "tuned" else Wav2Vec2ForPreTraining(config)).to(a.device).train()
    if way != "eager-autocast":
        model = model.bfloat16()
    if way == "tuned":
        model = model.to(memory_format=torch.channels_last)
    parameters = [p for p in model.parameters() if p.requires_grad]
    masters = Masters(model, gpu) if way == "tuned" else None
    optimizer = None if masters else torch.optim.AdamW(parameters, lr=1e-4, fused=gpu and way != "eager-autocast")
    run = torch.compile(model, mode=COMPILED[way]) if way in COMPILED else model
    wave, drawn = batch(m, rows, frames, a.device, a.updates + a.warm)
    if way != "eager-autocast":
        wave = wave.bfloat16()
    if way == "tuned":  # equal counts of masked frames, so that one program serves all updates
        least = min(count for _, _, count in drawn)
        drawn = [tuned_draw(torch, mask, negatives, least) for mask, negatives, _ in drawn]

    def update(i):
        mask, negatives, count = drawn[i]
        if way == "tuned":
            masked, negatives = negatives
            loss = run(wave, mask, masked, negatives)
            (loss / count).backward()
            return loss, masters.clip_and_step()
        autocast = torch.autocast("cuda" if gpu else "cpu", dtype=torch.bfloat16) if way == "eager-autocast" else contextlib.nullcontext()
        with autocast:
            loss = run(wave, mask_time_indices=mask, sampled_negative_indices=negatives).loss
        (loss / count).backward()
        if way == "eager-autocast":  # as the example script measures it
            norm = sum(p.grad.detach().norm(2).item() ** 2 for p in parameters if p.grad is not None) ** 0.5
        else:
            norm = torch.nn.utils.clip_grad_norm_(parameters, 25.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss, norm

    for i in range(a.warm):
        loss, norm = update(i)
    if gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    times = []
    for i in range(a.warm, a.warm + a.updates):
        if gpu:
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            loss, norm = update(i)
            end.record()
            times.append((begin, end))
        else:
            begin = time.perf_counter()
            loss, norm = update(i)
            times.append(time.perf_counter() - begin)
    if gpu:
        torch.cuda.synchronize()
        times = [begin.elapsed_time(end) / 1e3 for begin, end in times]
    if not (float(loss) == float(loss) and float(norm) < float("inf")):
        raise RuntimeError(f"the loss is {float(loss)} and the norm of the gradient {float(norm)}: not an update that trains")
    seconds = statistics.median(times)
    memory = f", {torch.cuda.max_memory_allocated() / 1e9:.1f} GB" if gpu else ""
    return {"name": way, "rows": rows, "milliseconds": 1e3 * seconds, "audio_seconds_per_second": rows * samples / 16000 / seconds,
            "note": f"torch {torch.__version__}, transformers {transformers.__version__}, {min(times) * 1e3:.4g} to {max(times) * 1e3:.4g} ms{memory}"}


def tuned_draw(torch, mask, negatives, count):
    """Turns indices of frames (B,T,K) into those of the first count masked frames: rows (N) and, of each, distractors (N,K) by their place in rows."""
    flat = mask.flatten()
    rows = flat.nonzero()[:, 0]
    place = torch.cumsum(flat.long(), 0) - 1
    chosen = place[negatives.flatten(0, 1)[rows]]
    return mask, (rows[:count], chosen[:count].clamp_(max=count - 1)), count


def child(a, way, rows, left):
    """Measures in a process of its own, so that no way finds the memory or the compiled code of another."""
    command = [sys.executable, os.path.abspath(__file__), "--one", "--ways", way, "--rows", str(rows), "--updates", str(a.updates), "--warm", str(a.warm),
               "--model", a.model, "--device", a.device, "--samples", str(a.samples)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=left)
    except subprocess.TimeoutExpired:
        return {"name": way, "rows": rows, "error": f"not done after {left:.0f} s"}
    if done.returncode == 0:
        return json.loads(done.stdout.strip().splitlines()[-1])
    return {"name": way, "rows": rows, "error": (done.stderr.strip().splitlines() or ["no message"])[-1][:300]}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rows", default="5", help="rows of an update, with commas between; all ways for the first number, then for the next")
    ap.add_argument("--samples", type=int, default=0, help="of a row; the model's without")
    ap.add_argument("--seconds", type=float, default=240, help="most time for all of it")
    ap.add_argument("--updates", type=int, default=10)
    ap.add_argument("--warm", type=int, default=4, help="updates before those that count")
    ap.add_argument("--device", default="cuda")
    ap.add_argument("--model", choices=MODELS, default="base")
    ap.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    ap.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    a = ap.parse_args()
    counts = [int(n) for n in a.rows.split(",") if n.isdigit() and int(n) > 0]
    if not counts or len(counts) != len(a.rows.split(",")):
        ap.error(f"--rows is {a.rows!r}, want numbers above 0 with commas between")
    if a.one:
        print(json.dumps(measure(a, a.ways[0], counts[0])))
        return
    end = time.monotonic() + a.seconds
    for rows in counts:
        for way in a.ways:
            left = end - time.monotonic()
            line = child(a, way, rows, max(45, 0.6 * left) if left > 50 else left) if left > 5 else {"name": way, "rows": rows, "error": "the time is over"}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
