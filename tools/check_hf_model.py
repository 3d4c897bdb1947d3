#!/usr/bin/env python3
"""Opens model folders of aural with Hugging Face transformers and checks that every tensor arrived.

    pip install torch transformers   # any recent version
    python3 tools/check_hf_model.py RUN/checkpoint-1000 EXPORTED ...

Loads the class that config.json names: no key may be missing, unexpected or of another shape, and every tensor must be the one in the file, bit by bit. The encoder
alone, the feature extractor and, where there is a vocabulary, the tokenizer are loaded too, and a second of noise goes through the model. Exits with 1 on any
difference.
"""
import glob
import json
import os
import sys

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file
from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2Model

SPELLINGS = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}


def old(name):
    for new, published in SPELLINGS.items():
        name = name.replace(new, published)
    return name


def check(folder):
    config = json.load(open(os.path.join(folder, "config.json")))
    cls = getattr(transformers, config["architectures"][0])
    model, info = cls.from_pretrained(folder, output_loading_info=True)
    named = {k: v for k, v in info.items() if v}
    if named:
        sys.exit(f"{folder}: {cls.__name__} names {named}")
    model.eval()
    stored = {}
    for path in glob.glob(os.path.join(folder, "*.safetensors")):
        stored.update({old(k): v for k, v in load_file(path).items()})
    loaded = {old(k): v.numpy() for k, v in model.state_dict().items()}
    if loaded.keys() != stored.keys():
        sys.exit(f"{folder}: {loaded.keys() ^ stored.keys()} are on one side only")
    for name, value in loaded.items():
        if value.dtype != np.float32 or value.tobytes() != stored[name].tobytes():
            sys.exit(f"{folder}: {name} differs after loading")
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    wave = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    inputs = extractor(wave, sampling_rate=16000, return_tensors="pt")
    transformers.logging.set_verbosity_error()  # it names the heads as unexpected, which they are
    hidden = Wav2Vec2Model.from_pretrained(folder).eval()(**inputs).last_hidden_state
    out = model(**inputs)
    if not torch.isfinite(hidden).all() or not all(torch.isfinite(v).all() for v in out.values() if isinstance(v, torch.Tensor)):
        sys.exit(f"{folder}: the model gives values that are not finite")
    words = ""
    if os.path.exists(os.path.join(folder, "vocab.json")):
        tokenizer = Wav2Vec2CTCTokenizer.from_pretrained(folder)
        words = f"; {len(tokenizer)} tokens"
        if "logits" in out:
            words += f", {tokenizer.decode(out.logits[0].argmax(-1))!r} of noise"
    print(f"{folder}: {cls.__name__}, {len(loaded)} tensors equal; {tuple(hidden.shape)} hidden states from a second of audio{words}")


if __name__ == "__main__":
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    for folder in sys.argv[1:]:
        check(folder)
