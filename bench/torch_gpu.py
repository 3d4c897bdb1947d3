#!/usr/bin/env python3
"""Times updates of wav2vec 2.0 pretraining in PyTorch with transformers on a GPU, in several ways, as `aural gpucheck` asks for it.

    python3 bench/torch_gpu.py --rows 5 --seconds 120      the published base model, 5 rows of 15.6 s

One line of JSON for each way, as soon as it is measured:

    eager-autocast   what transformers' example of pretraining does: float32 weights, autocast to bfloat16, gradients divided and their norms read one by
                     one (a wait for the GPU each), AdamW
    eager-bf16       weights in bfloat16, one norm, fused AdamW, nothing read from the GPU within an update
    compile          the same through torch.compile(mode="max-autotune-no-cudagraphs")
    compile-graphs   the same with mode="reduce-overhead", which records CUDA graphs
    tuned            compile, with a quantizer that multiplies codes and codevectors as matrices instead of making a [frames, codes, dim] tensor

Masks and distractors are drawn outside of the timing, as a data loader would. An update is forward, backward, norm and clipping, optimizer. A way that
fails or does not fit into the time is a line with "error". Times are medians of updates, each from an idle GPU to an idle GPU.
"""
import argparse
import json
import statistics
import sys
import time


def batch(model, config, rows, samples, device, dtype):
    import numpy as np
    import torch
    from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices, _sample_negative_indices

    np.random.seed(1)
    frames = int(model._get_feat_extract_output_lengths(samples))
    mask = _compute_mask_indices((rows, frames), config.mask_time_prob, config.mask_time_length, min_masks=2)
    negatives = _sample_negative_indices((rows, frames), config.num_negatives, mask)
    return {
        "input_values": torch.randn(rows, samples, device=device, dtype=dtype),
        "mask_time_indices": torch.from_numpy(mask).to(device),
        "sampled_negative_indices": torch.from_numpy(negatives).to(device),
    }, int(mask.sum())


def quantize_by_product(model):
    """Makes the quantizer multiply matrices instead of summing a [frames, codes, dim] tensor: the same values."""
    import torch

    q = model.quantizer

    def forward(hidden_states, mask_time_indices=None):
        b, t, _ = hidden_states.shape
        logits = q.weight_proj(hidden_states).view(b * t * q.num_groups, -1)
        soft = torch.nn.functional.gumbel_softmax(logits.float(), tau=q.temperature, hard=True).type_as(hidden_states)
        dist = torch.softmax(logits.view(b * t, q.num_groups, -1).float(), dim=-1)
        perplexity = q._compute_perplexity(dist, mask_time_indices)
        codes = q.codevectors.view(q.num_groups, q.num_vars, -1).to(soft.dtype)
        out = torch.einsum("ngv,gvd->ngd", soft.view(b * t, q.num_groups, -1), codes)
        return out.reshape(b, t, -1), perplexity

    q.forward = forward


def measure(way, a):
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining

    device = a.device
    torch.manual_seed(1)
    config = Wav2Vec2Config(**json.loads(a.config)) if a.config else Wav2Vec2Config(layerdrop=0.05, mask_time_prob=0.65)
    config._attn_implementation = "sdpa"
    model = Wav2Vec2ForPreTraining(config).to(device).train()
    autocast = way == "eager-autocast"
    dtype = torch.float32 if autocast else torch.bfloat16
    model.to(dtype)
    if way == "tuned":
        quantize_by_product(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.01, fused=not autocast and device == "cuda")
    step = model
    if way in ("compile", "tuned"):
        step = torch.compile(model, mode="max-autotune-no-cudagraphs")
    elif way == "compile-graphs":
        step = torch.compile(model, mode="reduce-overhead")
    feeds, count = batch(model, config, a.rows, a.samples, device, dtype)

    def update():
        with torch.autocast(device, dtype=torch.bfloat16, enabled=autocast):
            loss = step(**feeds).loss / count
        loss.backward()
        if autocast:  # as the example's multiply_grads and get_grad_norm do
            total = 0.0
            for p in model.parameters():
                if p.grad is not None:
                    p.grad.data.mul_(1.0)
                    total += p.grad.data.norm(2).item() ** 2
        else:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    def now():
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    for _ in range(a.warm):
        loss = update()
    times = []
    for _ in range(a.updates):
        began = now()
        loss = update()
        times.append(now() - began)
    if not torch.isfinite(loss):
        raise RuntimeError(f"the loss is {loss.item()}")
    seconds = statistics.median(times)
    memory = f", {torch.cuda.max_memory_allocated() / 1e9:.1f} GB" if device == "cuda" else ""
    return {"name": way, "rows": a.rows, "milliseconds": 1e3 * seconds, "audio_seconds_per_second": a.rows * a.samples / 16000 / seconds,
            "note": f"torch {torch.__version__}, {min(times) * 1e3:.4g} to {max(times) * 1e3:.4g} ms{memory}"}


WAYS = ["eager-autocast", "eager-bf16", "compile", "compile-graphs", "tuned"]


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--rows", type=int, default=5)
    ap.add_argument("--samples", type=int, default=250000, help="of a row")
    ap.add_argument("--seconds", type=float, default=120, help="no further way is begun after this time")
    ap.add_argument("--updates", type=int, default=10)
    ap.add_argument("--warm", type=int, default=3, help="updates before those that count")
    ap.add_argument("--device", default="cuda")
    ap.add_argument("--config", help="settings of Wav2Vec2Config as JSON; the published base model without")
    ap.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    a = ap.parse_args()
    import torch

    if a.device == "cuda" and not torch.cuda.is_available():
        sys.exit("PyTorch sees no GPU")
    end = time.monotonic() + a.seconds
    for way in a.ways:
        try:
            if time.monotonic() > end:
                raise TimeoutError("the time is over")
            line = measure(way, a)
        except Exception as e:  # the other ways go on
            line = {"name": way, "rows": a.rows, "error": f"{type(e).__name__}: {e}"[:300]}
        print(json.dumps(line), flush=True)
        if a.device == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
