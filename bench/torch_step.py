#!/usr/bin/env python3
"""Times forward and backward of a recipe's model in PyTorch, for comparison with aural.

    pip install torch transformers
    python3 bench/torch_step.py --recipe tiny     # aural bench step --recipe tiny
    python3 bench/torch_step.py --recipe base     # aural bench step --recipe base --set data.batch_samples=250000

The same network, batch (8 x 3 s or 1 x 15.6 s), dropout, masks (half of the frames), 100 distractors and losses, in float32, as transformers'
Wav2Vec2ForPreTraining has them. It quantizes all frames, aural the masked half; the quantizer is a small part. Masks and distractors are drawn
once, outside of the timing, as aural draws them beside the computation.
"""
import argparse
import time

import numpy as np
import torch
import transformers
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining
from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices, _sample_negative_indices


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--recipe", choices=["tiny", "base"], default="tiny")
    ap.add_argument("--steps", type=int, default=20)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    np.random.seed(1)
    tiny = Wav2Vec2Config(
        conv_dim=[64] * 7, conv_kernel=[10, 3, 3, 3, 3, 2, 2], conv_stride=[5, 2, 2, 2, 2, 2, 2], hidden_size=128, num_hidden_layers=4,
        num_attention_heads=4, intermediate_size=512, num_conv_pos_embeddings=64, num_conv_pos_embedding_groups=8, num_codevectors_per_group=32,
        codevector_dim=64, proj_codevector_dim=64, num_negatives=100, hidden_dropout=0.05, attention_dropout=0.05, activation_dropout=0.0,
        feat_proj_dropout=0.0, feat_quantizer_dropout=0.0, final_dropout=0.0, layerdrop=0.0, mask_time_prob=0.65, mask_time_length=5)
    base = Wav2Vec2Config(activation_dropout=0.0, feat_proj_dropout=0.1, feat_quantizer_dropout=0.1, layerdrop=0.05, mask_time_prob=0.65, mask_time_length=10)
    cfg, batch, samples = (tiny, 8, 48000) if a.recipe == "tiny" else (base, 1, 250000)
    model = Wav2Vec2ForPreTraining(cfg).train()
    frames = int(model._get_feat_extract_output_lengths(samples))
    wave = torch.randn(batch, samples)
    mask = _compute_mask_indices((batch, frames), 0.65, cfg.mask_time_length, min_masks=2)
    negatives = torch.from_numpy(_sample_negative_indices((batch, frames), 100, mask))
    mask = torch.from_numpy(mask)
    times = []
    for i in range(a.steps + 3):
        model.zero_grad(set_to_none=True)
        begin = time.perf_counter()
        model(wave, mask_time_indices=mask, sampled_negative_indices=negatives).loss.backward()
        if i >= 3:
            times.append(time.perf_counter() - begin)
    times = np.array(times) * 1e3
    print(f"{a.recipe}: torch {torch.__version__}, transformers {transformers.__version__}, {a.threads} threads: median {np.median(times):.1f} ms, best {times.min():.1f} ms "
          f"a micro-batch of {batch * samples / 16000:.0f} s; {batch * samples / 16 / np.median(times):.0f} s of audio a second")


if __name__ == "__main__":
    main()
