#!/usr/bin/env python3
"""Writes hf_pretraining_tiny.json: a tiny wav2vec 2.0 pretraining model of Hugging Face transformers, its outputs, its loss
and the gradient of every parameter, in float64.

    pip install torch==2.2.2 transformers==4.40.2 numpy==1.26.4
    python gen_pretraining_golden.py [hf_pretraining_tiny.json]

Nothing in it is random: weights, waveforms, masks and distractors follow formulas that the file's header spells out, so a
test in any language can rebuild them. The model is the library's, unchanged but for two functions while it runs:

* Tensor.float() is the identity, since transformers drops to float32 around the quantizer and the loss;
* gumbel_softmax is the straight-through softmax without noise, exactly one-hot forward.

The fairseq loss is written here (fairseq_loss) from the same modules, after fairseq/models/wav2vec/wav2vec2.py and
fairseq/criterions/wav2vec_criterion.py.
"""
import contextlib
import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining

BATCH, SAMPLES, NEGATIVES, FRAMES = 2, 800, 5, 39
GUMBEL_TEMPERATURE, LOGIT_TEMPERATURE = 0.7, 0.1
DIVERSITY_WEIGHT, PENALTY_WEIGHT, FEATURE_GRAD_MULT = 0.1, 10.0, 0.1
# The chirp makes weight matrices full rank (without it they are sums of two outer products); the scales make the features
# leave the linear part of GELU and the codes spread, with clear winners. In float32 PyTorch then keeps every gradient to
# 1e-5 of its largest element.
CHIRP = 0.01
SCALE = {**{f"wav2vec2.feature_extractor.conv_layers.{i}.conv.weight": 2.0 for i in range(3)},
         "quantizer.weight_proj.weight": 10.0, "quantizer.codevectors": 3.0}
MASKED = [[3, 4, 5, 6, 12, 13, 14, 15, 27, 28, 29, 30], [0, 1, 2, 3, 17, 18, 19, 20, 35, 36, 37, 38]]

HEADER = {
    "what": "tiny Wav2Vec2ForPreTraining: outputs, losses, gradients; float64; written by gen_pretraining_golden.py",
    "fill": "parameters sorted by name in byte order, ordinal i (per case), flat row-major index k, s=sin(1+0.7i+0.3k+chirp*k*k); "
            "weight_g, and names that contain 'norm' and end in 'weight': 1+0.1s; all else 0.3s; then times scale[name] where given",
    "wav": "x[b][n]=sin(0.05n+0.9b)+0.3sin(0.31n+1+1.7b), n=0..samples-1; no waveform normalisation, no attention mask",
    "names": "as in Hugging Face checkpoints, weight norm spelled conv.weight_g / conv.weight_v (norm over dim 2)",
    "arrays": "row-major, flat; *_features, projected_* are [batch][frame][channel]",
    "masked": "per row the frames that are masked (mask_time_indices); same number in each row; n = their number over the batch",
    "negatives": "per row, per masked frame in order, the frames of the same row that serve as distractors; "
                 "the j-th of masked frame number r is number (r+1+(5j+3r+2b) mod (m-1)) mod m of the row's m masked frames",
    "extract_features": "conv features after feature_projection.layer_norm: what is quantized and projected (outputs[1] of Wav2Vec2Model)",
    "projected_states": "project_hid(context), all frames",
    "projected_quantized_states": "project_q(codevectors[argmax of the quantizer logits, concatenated over groups]), all frames; no noise",
    "codes": "argmax of the quantizer logits, [batch][frame][group]; code_margin is the smallest lead of an argmax",
    "hf_eval": "model.eval(): codevector_perplexity from one-hot codes of the masked frames",
    "hf_train": "model.train() with every dropout, layerdrop and mask probability 0, gumbel_softmax(l,tau,hard) replaced by value one_hot(argmax l) with the "
                "gradient of softmax(l/gumbel_temperature); codevector_perplexity from softmax(l) of the masked frames (no temperature); "
                "contrastive_loss = sum over masked frames of cross entropy of cos/logit_temperature, a distractor equal to its positive at -inf; "
                "cos(a,b) = a.b/(max(|a|,1e-8)max(|b|,1e-8)); diversity_loss = n(GV-codevector_perplexity)/GV, "
                "codevector_perplexity = sum_g exp(-sum_v p log(p+1e-7)); loss = contrastive_loss + 0.1 diversity_loss; no gradient scaling",
    "fairseq_train": "same model and codes, only masked frames quantized; gradient into the conv extractor times feature_grad_mult; features_pen = mean over "
                     "everything of (conv output before layer norm)^2, taken behind that scaling; diversity = (GV-prob_perplexity)/GV; "
                     "total = contrastive + 0.1 n diversity + 10 n features_pen; code_perplexity = sum_g exp(-sum_v q log(q+1e-7)), q the share of each "
                     "code among masked frames; correct = masked frames whose largest logit is the positive and is not also the smallest; sample_size = n",
    "negatives_equal": "[row, masked frame number, distractor number] with the same codes as the positive",
    "gradients": "of loss / total, by parameter: [l2 norm, sum, then the elements floor(j(size-1)/(m-1)), j=0..m-1, m=min(8,size)]; "
                 "that of a k_proj.bias is zero but for rounding",
}


def config(variant):
    layer = variant == "layer"
    return Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, hidden_act="gelu",
        conv_dim=[8, 8, 8], conv_kernel=[10, 3, 2], conv_stride=[5, 2, 2], conv_bias=layer, num_feat_extract_layers=3,
        feat_extract_norm="layer" if layer else "group", do_stable_layer_norm=layer, layer_norm_eps=1e-5,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=4, num_codevector_groups=2, num_codevectors_per_group=4,
        codevector_dim=8, proj_codevector_dim=6, num_negatives=NEGATIVES, contrastive_logits_temperature=LOGIT_TEMPERATURE,
        diversity_loss_weight=DIVERSITY_WEIGHT, hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
        feat_proj_dropout=0.0, feat_quantizer_dropout=0.0, final_dropout=0.0, layerdrop=0.0,
        mask_time_prob=0.065, mask_feature_prob=0.0)


def hf_names(model):
    """The parameters by checkpoint name, sorted: the ordinal of the fill rule is the place in this list."""
    old = lambda n: n.replace("parametrizations.weight.original0", "weight_g").replace("parametrizations.weight.original1", "weight_v")
    return dict(sorted((old(n), p) for n, p in model.named_parameters()))


def fill(params):
    with torch.no_grad():
        for i, (name, p) in enumerate(params.items()):
            k = torch.arange(p.numel(), dtype=torch.float64)
            s = torch.sin(1 + 0.7 * i + 0.3 * k + CHIRP * k * k)
            norm = name.endswith("weight_g") or ("norm" in name and name.endswith("weight"))
            p.copy_(((1 + 0.1 * s) if norm else 0.3 * s).mul(SCALE.get(name, 1.0)).view(p.shape))


class StraightThrough(torch.autograd.Function):
    """one_hot(argmax l) forward, softmax(l / tau) backward. PyTorch's own form, hard - soft.detach() + soft, is one-hot only to
    rounding, which would decide by chance whether two equal codes give equal vectors."""

    @staticmethod
    def forward(ctx, logits, tau):
        ctx.tau = tau
        ctx.save_for_backward((logits / tau).softmax(-1))
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)

    @staticmethod
    def backward(ctx, dy):
        (y,) = ctx.saved_tensors
        return y * (dy - (y * dy).sum(-1, keepdim=True)) / ctx.tau, None


@contextlib.contextmanager
def patched():
    keep = torch.Tensor.float, F.gumbel_softmax  # nn.functional as the model sees it
    torch.Tensor.float = lambda self, *a, **k: self
    F.gumbel_softmax = lambda logits, tau=1, hard=False, **k: StraightThrough.apply(logits, tau)
    try:
        yield
    finally:
        torch.Tensor.float, F.gumbel_softmax = keep


def waves():
    n = torch.arange(SAMPLES, dtype=torch.float64)
    return torch.stack([torch.sin(0.05 * n + 0.9 * b) + 0.3 * torch.sin(0.31 * n + 1 + 1.7 * b) for b in range(BATCH)])


def negatives():
    out = []
    for b, row in enumerate(MASKED):
        m = len(row)
        out.append([[row[(r + 1 + (5 * j + 3 * r + 2 * b) % (m - 1)) % m] for j in range(NEGATIVES)] for r in range(m)])
        assert all(t not in neg for t, neg in zip(row, out[-1]))
    return out


def gradient_record(params):
    out = {}
    for name, p in params.items():
        g = p.grad.reshape(-1)
        m = min(8, g.numel())
        at = [j * (g.numel() - 1) // (m - 1) for j in range(m)]
        out[name] = [g.norm().item(), g.sum().item()] + [g[k].item() for k in at]
        assert math.isfinite(out[name][0])
        # A key bias moves all scores of a query alike, so its gradient is zero but for rounding.
        assert (out[name][0] > 1e-6) != name.endswith("k_proj.bias"), name
    return out


def perplexity(p):
    return torch.exp(-(p * torch.log(p + 1e-7)).sum(-1)).sum()


class GradMultiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.scale, None


def fairseq_loss(model, wav, negs):
    """fairseq's Wav2Vec2Model.forward and Wav2vecCriterion.forward over the modules of the HF model."""
    w, cfg = model.wav2vec2, model.config
    z = GradMultiply.apply(w.feature_extractor(wav.clone()), FEATURE_GRAD_MULT)
    features_pen = z.pow(2).mean()
    normed = w.feature_projection.layer_norm(z.transpose(1, 2))
    x = w.feature_projection.projection(normed)
    mask = torch.zeros(BATCH, FRAMES, dtype=torch.bool)
    for b, row in enumerate(MASKED):
        mask[b, row] = True
    x = torch.where(mask[..., None], w.masked_spec_embed, x)
    x = w.encoder(x).last_hidden_state[mask].view(BATCH, -1, cfg.hidden_size)
    x = model.project_hid(x)

    q, (groups, entries) = model.quantizer, (cfg.num_codevector_groups, cfg.num_codevectors_per_group)
    y = normed[mask]
    logits = q.weight_proj(y).view(-1, groups, entries)
    prob_perplexity = perplexity(logits.softmax(-1).mean(0))
    hard = StraightThrough.apply(logits, GUMBEL_TEMPERATURE)
    code_perplexity = perplexity(hard.detach().mean(0))
    y = (hard.view(len(y), -1, 1) * q.codevectors).view(len(y), groups, entries, -1).sum(2).reshape(len(y), -1)
    y = model.project_q(y).view(BATCH, -1, cfg.proj_codevector_dim)

    number = [{t: r for r, t in enumerate(row)} for row in MASKED]
    idx = torch.tensor([[[number[b][t] for t in neg] for neg in row] for b, row in enumerate(negs)])  # B, S, K
    neg = torch.stack([y[b][idx[b]] for b in range(BATCH)]).permute(2, 0, 1, 3)  # K, B, S, C
    equal = (y == neg).all(-1)
    logits = torch.cosine_similarity(x, torch.cat([y[None], neg]), dim=-1) / LOGIT_TEMPERATURE
    logits = torch.cat([logits[:1], logits[1:].masked_fill(equal, -math.inf)])
    logits = logits.permute(1, 2, 0).reshape(-1, 1 + NEGATIVES)
    n = len(logits)
    contrastive = F.cross_entropy(logits, torch.zeros(n, dtype=torch.long), reduction="sum")
    diversity = (groups * entries - prob_perplexity) / (groups * entries)
    total = contrastive + DIVERSITY_WEIGHT * n * diversity + PENALTY_WEIGHT * n * features_pen
    largest, smallest = logits.argmax(-1) == 0, logits.argmin(-1) == 0
    return total, {
        "contrastive": contrastive.item(), "diversity": diversity.item(), "features_pen": features_pen.item(), "total": total.item(),
        "prob_perplexity": prob_perplexity.item(), "code_perplexity": code_perplexity.item(),
        "correct": int((largest & ~smallest).sum()), "sample_size": n,
        "negatives_equal": [[b, s, k] for k, b, s in equal.nonzero().tolist()],
    }


def case(variant):
    cfg = config(variant)
    model = Wav2Vec2ForPreTraining(cfg).double()
    model.set_gumbel_temperature(GUMBEL_TEMPERATURE)
    params = hf_names(model)
    fill(params)
    wav, negs = waves(), negatives()
    mask = torch.zeros(BATCH, FRAMES, dtype=torch.long)
    flat = torch.arange(BATCH)[:, None, None].expand(BATCH, FRAMES, NEGATIVES).clone() * FRAMES
    for b, row in enumerate(MASKED):
        mask[b, row] = 1
        flat[b, row] += torch.tensor(negs[b])

    def hf(train):
        model.train(train)
        model.zero_grad()
        out = model(wav.clone(), mask_time_indices=mask, sampled_negative_indices=flat)
        keys = ("codevector_perplexity", "contrastive_loss", "diversity_loss", "loss")
        return out, {k: getattr(out, k).item() for k in keys}

    unpatched, _ = hf(False)
    with patched():
        with torch.no_grad():
            out, hf_eval = hf(False)
            features = model.wav2vec2(wav.clone(), mask_time_indices=mask).extract_features
            top = model.quantizer.weight_proj(features).view(BATCH, FRAMES, cfg.num_codevector_groups, -1).topk(2)
            codes, lead = top.indices[..., 0], top.values
        train, hf_train = hf(True)
        train.loss.backward()
        hf_train["gradients"] = gradient_record(params)
    model.zero_grad()
    total, fairseq = fairseq_loss(model, wav, negs)
    total.backward()
    fairseq["gradients"] = gradient_record(params)

    # The three runs must tell the same story before they are written down.
    assert torch.equal(train.projected_states, out.projected_states)
    assert torch.equal(train.projected_quantized_states, out.projected_quantized_states)
    assert abs(unpatched.loss.item() / out.loss.item() - 1) < 1e-5, "the float64 patch changed more than rounding"
    assert abs(fairseq["contrastive"] / hf_train["contrastive_loss"] - 1) < 1e-12
    assert abs(fairseq["sample_size"] * fairseq["diversity"] / hf_train["diversity_loss"] - 1) < 1e-9
    equal = sum(codes[b, row[r]].equal(codes[b, t]) for b, row in enumerate(MASKED) for r in range(len(row)) for t in negs[b][r])
    assert len(fairseq["negatives_equal"]) == equal > 0, "no distractor equals its positive: -inf is not exercised"
    return {
        "variant": variant,
        "config": {k: getattr(cfg, k) for k in (
            "feat_extract_norm", "do_stable_layer_norm", "conv_bias", "conv_dim", "conv_kernel", "conv_stride", "hidden_size", "num_hidden_layers",
            "num_attention_heads", "intermediate_size", "num_conv_pos_embeddings", "num_conv_pos_embedding_groups", "num_codevector_groups",
            "num_codevectors_per_group", "codevector_dim", "proj_codevector_dim", "num_negatives", "layer_norm_eps")},
        "params": [[n, list(p.shape)] for n, p in params.items()],
        "extract_features": features.flatten().tolist(),
        "projected_states": out.projected_states.flatten().tolist(),
        "projected_quantized_states": out.projected_quantized_states.flatten().tolist(),
        "codes": codes.flatten().tolist(),
        "code_margin": (lead[..., 0] - lead[..., 1]).min().item(),
        "hf_eval": hf_eval, "hf_train": hf_train, "fairseq_train": fairseq,
    }


def text(v, indent=0):
    """JSON with a line per key, arrays on one line, and 13 significant digits."""
    if isinstance(v, dict):
        pad = " " * (indent + 1)
        return "{\n" + ",\n".join(f"{pad}{json.dumps(k)}: {text(x, indent + 1)}" for k, x in v.items()) + "\n" + " " * indent + "}"
    if isinstance(v, list) and v and isinstance(v[0], dict):
        return "[" + ", ".join(text(x, indent) for x in v) + "]"
    if isinstance(v, list):
        return "[" + ",".join(text(x) for x in v) + "]"
    return f"{v:.13g}" if isinstance(v, float) else json.dumps(v)


def main(path):
    torch.set_num_threads(1)
    cases = [case("group"), case("layer")]
    doc = {
        **HEADER,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__},
        "batch": BATCH, "samples": SAMPLES, "frames": FRAMES, "fill_rule": {"chirp": CHIRP, "scale": SCALE}, "gumbel_temperature": GUMBEL_TEMPERATURE,
        "logit_temperature": LOGIT_TEMPERATURE, "diversity_weight": DIVERSITY_WEIGHT, "penalty_weight": PENALTY_WEIGHT,
        "feature_grad_mult": FEATURE_GRAD_MULT, "masked_frames": MASKED, "negative_frames": negatives(), "cases": cases,
    }
    with open(path, "w") as f:
        f.write(text(doc) + "\n")
    for c in cases:
        print(c["variant"], {k: v for k, v in c["fairseq_train"].items() if k != "gradients"}, c["hf_eval"],
              {k: v for k, v in c["hf_train"].items() if k != "gradients"}, "margin", c["code_margin"])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "hf_pretraining_tiny.json")
