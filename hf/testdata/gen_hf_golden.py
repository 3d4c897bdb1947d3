#!/usr/bin/env python3
"""Writes small model folders of Hugging Face transformers with random weights, and golden.json with what they compute.

    pip install torch==2.15.0 transformers==5.24.0
    python gen_hf_golden.py [FOLDER]

Folders: {base,large}-{pretraining,ctc} and base-model, made by save_pretrained as any published folder is; large-pretraining is cut into shards. The base
variant has group norm and post-norm blocks, the large one layer norm, biases and pre-norm blocks, and a layer_norm_eps that shows which norms obey it. Weights
are float32; golden.json is computed in float64 from them, so it is what a float32 implementation approximates. Tensor.float() is the identity
while the loss is computed, since transformers drops to float32 around the quantizer.
"""
import json
import math
import os
import shutil
import sys

import torch
import transformers
from transformers import (Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC, Wav2Vec2ForPreTraining,
                          Wav2Vec2Model)

SAMPLES = [800, 633]  # of the rows; the second is padded with zeros
NEGATIVES = 5
MASKED = [[3, 4, 5, 6, 12, 13, 14, 15, 27, 28], [0, 1, 2, 3, 17, 18, 19, 20, 25, 26]]
TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "|", "E", "T", "A", "O", "N", "é"]
WHAT = {
    "wave": "x[b][n] = sin(0.05n+0.9b) + 0.3sin(0.31n+1+1.7b) for n < samples[b], then zeros; no normalisation",
    "attention_mask": "given for the large variant; the base variant takes padding as audio",
    "arrays": "row-major, flat, [batch][frame][channel]; frames beyond a row's own are there too and mean nothing in the large variant",
    "blocks": "outputs of the transformer blocks", "last": "last_hidden_state",
    "negatives": "per row, per masked frame, the frames of the row that serve as distractors",
    "pretraining": "eval(): sums over the masked frames, perplexity of the chosen codes; context and target at the masked frames",
}


def config(variant):
    large = variant == "large"
    return Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, conv_dim=[8, 8, 8], conv_kernel=[10, 3, 2],
        conv_stride=[5, 2, 2], num_conv_pos_embeddings=7 if large else 8, num_conv_pos_embedding_groups=4, conv_bias=large,
        feat_extract_norm="layer" if large else "group", do_stable_layer_norm=large, layer_norm_eps=1e-3 if large else 1e-5,
        num_codevector_groups=2, num_codevectors_per_group=4, codevector_dim=8, proj_codevector_dim=6, num_negatives=NEGATIVES,
        vocab_size=len(TOKENS), mask_time_prob=0.65)


def randomize(model, seed):
    """Values of a size at which every nonlinearity shows."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            x = torch.randn(p.shape, generator=g)
            norm = "norm" in name and name.endswith("weight") or name.endswith("original0")
            scale = 3.0 if name.startswith("quantizer") else 0.3
            p.copy_(1 + 0.2 * x if norm else scale * x)
    return model.eval()


def waves():
    x = torch.zeros(len(SAMPLES), SAMPLES[0], dtype=torch.float64)
    mask = torch.zeros(x.shape, dtype=torch.long)
    for b, count in enumerate(SAMPLES):
        n = torch.arange(count, dtype=torch.float64)
        x[b, :count] = torch.sin(0.05 * n + 0.9 * b) + 0.3 * torch.sin(0.31 * n + 1 + 1.7 * b)
        mask[b, :count] = 1
    return x, mask


def negatives():
    return [[[row[(r + 1 + (5 * j + 3 * r) % (len(row) - 1)) % len(row)] for j in range(NEGATIVES)] for r in range(len(row))] for row in MASKED]


def hidden(model, x, mask):
    """last_hidden_state and the outputs of the blocks."""
    blocks = []
    hooks = [layer.register_forward_hook(lambda _, __, out: blocks.append(out[0] if isinstance(out, tuple) else out)) for layer in model.encoder.layers]
    last = model(x.clone(), attention_mask=mask).last_hidden_state
    for h in hooks:
        h.remove()
    return {"frames": last.shape[1], "blocks": [b.flatten().tolist() for b in blocks], "last": last.flatten().tolist()}


def pretraining(model, x, mask, frames):
    where = torch.zeros(len(SAMPLES), frames, dtype=torch.long)
    sampled = torch.arange(len(SAMPLES))[:, None, None].expand(len(SAMPLES), frames, NEGATIVES).clone() * frames
    for b, row in enumerate(MASKED):
        where[b, row] = 1
        sampled[b, row] += torch.tensor(negatives()[b])
    keep, torch.Tensor.float = torch.Tensor.float, lambda self, *a, **k: self
    try:
        out = model(x.clone(), attention_mask=mask, mask_time_indices=where, sampled_negative_indices=sampled)
    finally:
        torch.Tensor.float = keep
    at = where.bool()
    return {"loss": out.loss.item(), "contrastive": out.contrastive_loss.item(), "diversity": out.diversity_loss.item(),
            "perplexity": out.codevector_perplexity.item(), "context": out.projected_states[at].flatten().tolist(),
            "target": out.projected_quantized_states[at].flatten().tolist()}


def text(v, indent=0):
    if isinstance(v, dict):
        pad = " " * (indent + 1)
        return "{\n" + ",\n".join(f"{pad}{json.dumps(k)}: {text(x, indent + 1)}" for k, x in v.items()) + "\n" + " " * indent + "}"
    if isinstance(v, list):
        return "[" + ",".join(text(x, indent) for x in v) + "]"
    return f"{v:.9g}" if isinstance(v, float) else json.dumps(v)


def main(out):
    torch.set_num_threads(1)
    x, mask = waves()
    doc = {"what": WHAT, "versions": {"torch": torch.__version__, "transformers": transformers.__version__}, "samples": SAMPLES,
           "masked": MASKED, "negatives": negatives(), "cases": {}}
    for seed, variant in enumerate(["base", "large"]):
        given = mask if variant == "large" else None
        extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=variant == "large")
        for kind, cls in [("pretraining", Wav2Vec2ForPreTraining), ("ctc", Wav2Vec2ForCTC), ("model", Wav2Vec2Model)]:
            if (variant, kind) == ("large", "model"):
                continue
            folder = os.path.join(out, f"{variant}-{kind}")
            shutil.rmtree(folder, ignore_errors=True)
            model = randomize(cls(config(variant)), 10 * seed + len(kind))
            shard = "12KB" if (variant, kind) == ("large", "pretraining") else "1GB"
            model.save_pretrained(folder, max_shard_size=shard)
            extractor.save_pretrained(folder)
            if kind == "ctc":
                with open(os.path.join(folder, "vocab.json"), "w") as f:
                    json.dump({t: i for i, t in enumerate(TOKENS)}, f)
                Wav2Vec2CTCTokenizer(os.path.join(folder, "vocab.json")).save_pretrained(folder)
            model = model.double()
            with torch.no_grad():
                case = hidden(model if kind == "model" else model.wav2vec2, x, given)
                if kind == "ctc":
                    case["logits"] = model(x.clone(), attention_mask=given).logits.flatten().tolist()
                if kind == "pretraining":
                    case["pretraining"] = pretraining(model, x, given, case["frames"])
                    assert math.isfinite(case["pretraining"]["loss"])
                    print(variant, {k: v for k, v in case["pretraining"].items() if not isinstance(v, list)})
            doc["cases"][f"{variant}-{kind}"] = case
    with open(os.path.join(out, "golden.json"), "w") as f:
        f.write(text(doc) + "\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
