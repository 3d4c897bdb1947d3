#!/usr/bin/env python3
"""Times greedy transcription in aural and in PyTorch with transformers, alternately, on the same CPUs.

    task bench:transcribe                                  makes an environment with the newest of both and runs it
    python bench/torch_transcribe.py --aural bin/aural     in an environment of your own (pip install torch transformers)

The model is a Wav2Vec2ForCTC with random weights that this script makes with transformers: base (95 million parameters, group norm, post-norm) or large (315 million,
layer norm, pre-norm). A round transcribes the utterances of a case, which are noise in memory, from samples to text: normalisation, network, argmax, tokenizer.
PyTorch runs in inference mode: "single", utterance by utterance; "batch", all as one padded batch, where the model masks padding or all are of one length; "chunks", utterances of
more than 30 s in chunks of 30 s of which neighbours share 10 s, as transformers' pipeline cuts them. Its fastest way counts, under the better of two policies of its OpenMP threads:
"spin", as the library has it, and "park", where threads that wait go to sleep at once. aural is `aural bench transcribe`, which batches by itself and cuts as `aural transcribe` does.
With `--precisions float32 int8` both sides also run in 8-bit integers: aural with --precision int8, PyTorch with its dynamic quantization of linear layers (it has none for convolutions).

Each measurement is a process of its own; both sides take turns. Medians are over all rounds of all processes; the first round of a process does not count. Before that, aural and
PyTorch transcribe one file, and the share of equal characters is printed: with random weights near-ties may fall differently, so it need not be 100 %.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import wave

from alternate import POLICIES, arguments, cores, run, table, torch_run

# name -> model, seconds of each utterance
CASES = {
    "base-8x2s": ("base", [2.0] * 8),
    "base-5s": ("base", [5.0]),
    "base-15.6s": ("base", [15.6]),
    "base-120s": ("base", [120.0]),
    "large-15.6s": ("large", [15.6]),
    "large-mixed": ("large", [2.0, 2.5, 3.1, 3.6, 4.0, 4.4, 5.2, 6.1]),
}
TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "|"] + list("ETAONIHSRDLUMWCFGYPBVK'XJQZ")
RATE = 16000
CHUNK = 30  # seconds


def make_model(kind, folder):
    """A folder as save_pretrained writes it."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    large = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096, conv_bias=True, feat_extract_norm="layer",
                 do_stable_layer_norm=True) if kind == "large" else {}
    torch.manual_seed(1)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "vocab.json"), "w") as f:
        json.dump({token: i for i, token in enumerate(TOKENS)}, f)
    Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=len(TOKENS), **large)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=kind == "large").save_pretrained(folder)
    Wav2Vec2CTCTokenizer(os.path.join(folder, "vocab.json"), pad_token="<pad>", word_delimiter_token="|").save_pretrained(folder)


def noise(seconds, seed):
    import numpy as np

    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype("float32")


def chunks(x):
    """Pieces as AutomaticSpeechRecognitionPipeline(chunk_length_s=30) makes them: a sixth of a chunk is dropped on each side of a seam."""
    size, stride = CHUNK * RATE, CHUNK * RATE // 6
    return [x[at:at + size] for at in range(0, len(x), size - 2 * stride) if at == 0 or len(x) - at > 2 * stride]


class Transcriber:
    """The model in PyTorch."""

    def __init__(self, folder, threads, precision="float32"):
        import torch
        from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

        torch.set_num_threads(threads)
        self.extract = Wav2Vec2FeatureExtractor.from_pretrained(folder)
        self.tokenizer = Wav2Vec2CTCTokenizer.from_pretrained(folder)
        self.model = Wav2Vec2ForCTC.from_pretrained(folder, attn_implementation="sdpa").eval()
        if precision == "int8":
            import warnings

            warnings.simplefilter("ignore")  # PyTorch calls this way of its own deprecated
            self.model = torch.ao.quantization.quantize_dynamic(self.model, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)

    def __call__(self, waves):
        import torch

        with torch.inference_mode():
            x = self.extract(waves, sampling_rate=RATE, padding=True, return_tensors="pt")
            logits = self.model(x.input_values, attention_mask=x.get("attention_mask")).logits
            logits[..., 1:4] = -torch.inf  # <s>, </s> and <unk> are no text; aural never takes them
            return self.tokenizer.batch_decode(logits.argmax(-1))


def measure(a):
    """Times rounds in this process and prints JSON."""
    import torch
    import transformers

    t = Transcriber(a.model, a.threads, a.precision)
    waves = [noise(s, i) for i, s in enumerate(a.lengths)]
    ways = {"single": lambda: [t([x]) for x in waves]}
    if len(waves) > 1 and (t.extract.return_attention_mask or len(set(a.lengths)) == 1):
        ways["batch"] = lambda: t(waves)
    if max(a.lengths) > CHUNK:
        ways["chunks"] = lambda: [t([part]) for x in waves for part in chunks(x)]
    times = {}
    for name, way in ways.items():
        way()
        times[name] = []
        for _ in range(a.repeat):
            begin = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begin)
    json.dump({"torch": torch.__version__, "transformers": transformers.__version__, "seconds": times}, sys.stdout)


def agree(a, folder):
    """The share of characters that both sides give for one file."""
    import difflib

    import numpy as np

    path = os.path.join(folder, "..", "noise.wav")
    pcm = np.clip(np.rint(noise(6.0, 99) * 32768), -32768, 32767).astype("<i2")
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE)
        f.writeframes(pcm.tobytes())
    ours = run([a.aural, "transcribe", path, "--model", folder]).strip()
    theirs = Transcriber(folder, a.threads)([pcm.astype("float32") / 32768])[0].strip()
    # transformers keeps empty words, aural does not
    same = difflib.SequenceMatcher(None, " ".join(ours.split()), " ".join(theirs.split()), autojunk=False).ratio()
    print(f"one file of {os.path.basename(folder)}: {100 * same:.1f} % of the characters are the same ({len(theirs)} of them)", file=sys.stderr)


def compare(a):
    results = []
    with tempfile.TemporaryDirectory() as folder:
        models = a.models or folder
        for kind in sorted({CASES[name][0] for name in a.cases}):
            if not os.path.exists(os.path.join(models, kind, "config.json")):
                make_model(kind, os.path.join(models, kind))
            if not a.no_check:
                agree(a, os.path.join(models, kind))
        collected = {(name, precision): {"aural": []} for name in a.cases for precision in a.precisions}
        for number in range(a.rounds):
            for (name, precision), c in collected.items():
                kind, lengths = CASES[name]
                model = os.path.join(models, kind)
                text = ",".join(map(str, lengths))
                ours = json.loads(run([a.aural, "bench", "transcribe", "--json", "--model", model, "--lengths", text, "--repeat", str(a.repeat),
                                       "--threads", str(a.threads), "--precision", precision]))
                c["aural"] += ours["round_seconds"]
                for policy in a.policies:
                    theirs = json.loads(torch_run(a.threads, policy, "measure", "--model", model, "--lengths", *map(str, lengths), "--repeat", str(a.repeat),
                                                  "--precision", precision))
                    for way, seconds in theirs["seconds"].items():
                        c.setdefault(f"{policy}, {way}", []).extend(seconds)
                print(f"round {number + 1} of {a.rounds}, {name}, {precision}: "
                      + ", ".join(f"{side} {statistics.median(s):.3f} s" for side, s in c.items()), file=sys.stderr)
    print(f"aural ({ours['machine']['kernels']}) against PyTorch {theirs['torch']} (transformers {theirs['transformers']}), {a.threads} threads, "
          f"{a.rounds} processes of {a.repeat} rounds each; seconds of audio a second, and how much faster aural is than PyTorch in the same precision and in float32")
    rows = [["case", "precision", "aural", "PyTorch", "way", "ratio", "to float32"]]
    plain = {}
    for (name, precision), c in collected.items():
        audio = sum(CASES[name][1])
        mid = {side: statistics.median(s) for side, s in c.items()}
        best = min((side for side in mid if side != "aural"), key=mid.get)
        if precision == "float32":
            plain[name] = mid[best]
        ratio = mid[best] / mid["aural"]
        rows.append([name, precision, f"{audio / mid['aural']:.2f}", f"{audio / mid[best]:.2f}", best, f"{ratio:.2f}",
                     f"{plain[name] / mid['aural']:.2f}" if name in plain else ""])
        results.append({"case": name, "precision": precision, "audio_seconds": audio, "seconds": c, "best": best, "ratio": ratio})
    table(rows)
    if a.out:
        with open(a.out, "w") as f:
            json.dump({"threads": a.threads, "results": results}, f, indent=1)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = ap.add_subparsers(dest="command", required=True)
    c = commands.add_parser("compare", help="run both sides alternately and print ratios (the default)")
    c.add_argument("--aural", default="bin/aural", help="the program")
    c.add_argument("--rounds", type=int, default=3, help="processes of each side")
    c.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    c.add_argument("--policies", nargs="+", choices=list(POLICIES), default=list(POLICIES), help="of PyTorch's threads")
    c.add_argument("--precisions", nargs="+", choices=["float32", "int8"], default=["float32"], help="what to measure; int8: see above")
    c.add_argument("--models", help="keep the models in this folder, or take them from there")
    c.add_argument("--no-check", action="store_true", help="do not compare the texts first")
    c.add_argument("--out", help="write everything that was measured to this file, as JSON")
    c.set_defaults(run=compare)
    m = commands.add_parser("measure", help="time PyTorch")
    m.add_argument("--model", required=True)
    m.add_argument("--lengths", nargs="+", type=float, required=True)
    m.add_argument("--precision", choices=["float32", "int8"], default="float32")
    m.set_defaults(run=measure)
    for sub in (c, m):
        sub.add_argument("--threads", type=int, default=cores())
        sub.add_argument("--repeat", type=int, default=3, help="rounds that count, of each process")
    a = ap.parse_args(arguments(sys.argv[1:], commands.choices))
    a.run(a)


if __name__ == "__main__":
    main()
