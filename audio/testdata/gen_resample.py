"""Writes resample.json: reference outputs of torchaudio.functional.resample for TestResampleMatchesTorchaudio.

Run with torch and torchaudio 2.2.2:  python gen_resample.py > resample.json

The input of every case is x[i] = ((7919 * (i + 1)) mod 1009) / 504 - 1, i = 0 .. n-1, in float64.
"""

import json

import torch
import torchaudio

QUALITIES = {
    "sinc_hann": {},
    "sinc_kaiser": {"resampling_method": "sinc_interp_kaiser"},
    "kaiser_best": {
        "resampling_method": "sinc_interp_kaiser",
        "lowpass_filter_width": 64,
        "rolloff": 0.9475937167399596,
        "beta": 14.769656459379492,
    },
}
RATES = [  # from, to, samples
    (8000, 16000, 16),
    (16000, 8000, 61),
    (44100, 16000, 90),
    (48000, 16000, 95),
    (11025, 16000, 23),
    (22050, 16000, 44),
    (16000, 44100, 12),
    (3, 2, 46),
]

cases = []
for name, options in QUALITIES.items():
    for source, target, n in RATES:
        x = torch.tensor([((7919 * (i + 1)) % 1009) / 504 - 1 for i in range(n)], dtype=torch.float64)
        y = torchaudio.functional.resample(x, source, target, **options)
        cases.append({"quality": name, "from": source, "to": target, "n": n, "y": [round(v, 9) for v in y.tolist()]})

print('{"made_with": "torchaudio %s", "cases": [' % torchaudio.__version__)
print(",\n".join(json.dumps(c) for c in cases))
print("]}")
