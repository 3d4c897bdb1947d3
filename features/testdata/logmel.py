"""Writes logmel.json: log-mel spectrograms computed with numpy and the filters of librosa (0.11).

    python logmel.py > logmel.json

The signal is two tones and noise of a linear congruential generator, so that the test makes the same one.
"""

import json

import librosa
import numpy as np

samples, state = [], 1
for n in range(1000):
    state = (state * 1664525 + 1013904223) % 2**32
    noise = (state >> 8) / 2**24 - 0.5
    samples.append(0.4 * np.sin(2 * np.pi * 440 * n / 16000) + 0.2 * np.sin(2 * np.pi * 3000 * n / 16000) + 0.05 * noise)
x = np.array(samples, dtype=np.float32).astype(np.float64)

window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
frames = np.stack([x[t : t + 400] * window for t in range(0, len(x) - 400 + 1, 160)])
power = np.abs(np.fft.rfft(frames, 512)) ** 2

golden = {}
for name, options in {"htk": dict(htk=True, norm=None), "slaney": dict(htk=False, norm="slaney")}.items():
    mel = librosa.filters.mel(sr=16000, n_fft=512, n_mels=80, fmin=0, fmax=8000, dtype=np.float64, **options)
    golden[name] = [[round(float(v), 6) for v in frame] for frame in np.log(power @ mel.T + 1e-10)]
print(json.dumps(golden))
