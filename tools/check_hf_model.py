#!/usr/bin/env python3
"""Opens a checkpoint of `aural pretrain` with Hugging Face transformers and checks that every tensor arrived.

    pip install torch transformers   # any recent version
    python3 tools/check_hf_model.py RUN/checkpoint-1000

Loads Wav2Vec2ForPreTraining (all tensors must match, none may be missing or left over), then Wav2Vec2Model and the feature extractor, runs a second of
noise through them, and compares a few weights with the file. Exits with 1 on any difference.
"""
import sys

import numpy as np
import torch
from safetensors.numpy import load_file
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForPreTraining, Wav2Vec2Model


def main(folder):
    model, info = Wav2Vec2ForPreTraining.from_pretrained(folder, output_loading_info=True)
    named = {k: v for k, v in info.items() if v}
    if named:
        print(f"transformers names as missing or unexpected: {named}", file=sys.stderr)
    model.eval()
    stored = load_file(f"{folder}/model.safetensors")
    renamed = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    checked = 0
    for name, value in model.state_dict().items():
        for new, old in renamed.items():
            name = name.replace(new, old)
        if not np.array_equal(stored[name], value.numpy()):
            sys.exit(f"{folder}: {name} differs after loading")
        checked += 1
    if checked != len(stored):
        sys.exit(f"{folder}: {checked} tensors loaded, {len(stored)} in the file")
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    wave = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    inputs = extractor(wave, sampling_rate=16000, return_tensors="pt")
    hidden = Wav2Vec2Model.from_pretrained(folder).eval()(**inputs).last_hidden_state
    if not torch.isfinite(hidden).all():
        sys.exit(f"{folder}: the model gives values that are not finite")
    print(f"{folder}: {checked} tensors equal; {tuple(hidden.shape)} hidden states from a second of audio")


if __name__ == "__main__":
    main(sys.argv[1])
