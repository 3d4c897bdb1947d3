"""Makes unigram.model, unigram_bytes.model, unigram_ties.model and unigram.json with SentencePiece (pip install sentencepiece; made with 0.2.3).

python3 gen_unigram.py ../../lm/testdata/train.txt ../../lm/testdata/heldout.txt

The first model has user-defined pieces and knows only frequent characters; the second spells unknown characters as bytes. Both are unigram (the default of
spm_train) without normalisation. The third is written by hand: scores with many
equal sums, and characters without a piece of their own. Lines hold repeated spaces, characters of all planes, and runs of one piece, whose cuts are ties but for rounding.
"""
import json
import pathlib
import random
import struct
import sys

import sentencepiece as spm

train, heldout = sys.argv[1:]
here = pathlib.Path(__file__).parent
rng = random.Random(7)
odd = (
    "é ÉTÉ naïve Ωμέγα приве́т 漢字仮名 한국어 नमस्ते שָׁלוֹם 😀 👩‍👩‍👧 🇫🇷 ﬁ ＡＢＣ ² ½ İ ß ǆ \u0301 \u200d \u200b \ufeff \ufffd \U0010ffff \u0000 <unk> <s> </s> <0x41> | "
    "… “THE” THE—TYPE A\u0301B THE's IT'S 1234 3.14 # @@ \\n \u00ad \u2060"
).split(" ")
lines = [s.rstrip("\n") for s in open(heldout, encoding="utf-8")][:60]
words = [w for s in open(train, encoding="utf-8") for w in s.split()]
for n in range(120):
    part = [rng.choice(words) for _ in range(rng.randint(1, 6))]
    if n % 2:
        part.insert(rng.randint(0, len(part)), rng.choice(odd))
    if n % 3 == 0:
        at = rng.randrange(len(part))
        part[at] = part[at][: len(part[at]) // 2] + rng.choice(odd) + part[at][len(part[at]) // 2 :]
    if n % 5 == 0:
        part.insert(rng.randint(0, len(part)), rng.choice(["E", "TH", "IN", "ER", "S", "L", "ING", "PRINT"]) * rng.randint(2, 30))
    lines.append((" " * rng.randint(1, 4)).join(part))
for n in range(60):  # any letters: many ways to cut them are nearly as good
    lines.append("".join(rng.choice("ETAOINSHRDLU  ") for _ in range(rng.randint(1, 120))))
lines += odd + ["", " ", "   A   B  ", "ROMANROMAN[MUSIC]ROMAN", "ROMA ROMAN TYPES", "[MUSIC] [MUSIC][MUSIC]X[MUSI"]

out = []
for name, more in [
    ("unigram", dict(vocab_size=200, character_coverage=0.998, user_defined_symbols=["[MUSIC]", "ROMAN", "TH"])),
    ("unigram_bytes", dict(vocab_size=400, character_coverage=0.995, byte_fallback=True)),
]:
    spm.SentencePieceTrainer.train(
        input=train, model_prefix=str(here / name), model_type="unigram", normalization_rule_name="identity", num_threads=1, minloglevel=2, **more
    )
    (here / (name + ".vocab")).unlink()
    sp = spm.SentencePieceProcessor(model_file=str(here / (name + ".model")))
    out.append({
        "model": name + ".model",
        "pieces": [sp.id_to_piece(i) for i in range(sp.get_piece_size())],
        "texts": [{"text": s, "pieces": sp.encode(s, out_type=str)} for s in lines],
    })


def field(number, body):
    return bytes([number << 3 | 2, len(body)]) + body


def piece(text, score, kind):
    return field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + bytes([0x18, kind]))


model = piece("<unk>", 0, 2) + piece("\u2581", -1.1, 1)
for text in "a aa aaa aaaaa b bb bbb abab".split():
    model += piece(text, -rng.random() - 0.7 * len(text), 1)
for text, score in [("cd", -2), ("de", -2.5), ("ef", -3), ("cdef", -29), ("def", -21), ("fc", -20.25), ("efc", -4)]:
    model += piece(text, score, 1)
for text, score in [("gh", -29), ("ij", -29), ("ik", -29), ("hij", -19.5), ("hik", -18.5)]:  # which way depends on the unknown g counting -39, not -38 or -40
    model += piece(text, score, 1)
model += piece("fd", 0, 4) + field(2, bytes([0x18, 1])) + field(3, field(1, b"identity") + bytes([0x18, 1, 0x20, 1, 0x28, 1]))
(here / "unigram_ties.model").write_bytes(model)
sp = spm.SentencePieceProcessor(model_file=str(here / "unigram_ties.model"))
lines = [" ".join("".join(rng.choice(some) for _ in range(rng.randint(1, 40))) for _ in range(rng.randint(1, 12))) for some in ["a", "aaab", "abb", "ab", "b", "cdef"] * 25]
lines += ["ghij", "ghik"]
out.append({
    "model": "unigram_ties.model",
    "pieces": ["<unk>", "<s>", "</s>"] + [sp.id_to_piece(i) for i in range(1, sp.get_piece_size())],
    "texts": [{"text": s, "pieces": sp.encode(s, out_type=str)} for s in lines],
})
json.dump(out, open(here / "unigram.json", "w"), ensure_ascii=False, separators=(",", ":"))
