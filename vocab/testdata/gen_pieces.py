"""Makes pieces.model and pieces.json with SentencePiece (pip install sentencepiece; made with 0.2.3).

python3 gen_pieces.py ../../lm/testdata/train.txt ../../lm/testdata/heldout.txt
"""
import json
import pathlib
import sys

import sentencepiece as spm

train, heldout = sys.argv[1:]
here = pathlib.Path(__file__).parent
options = dict(
    model_type="bpe", normalization_rule_name="identity", character_coverage=1.0,
    split_by_unicode_script=False, split_by_number=False, minloglevel=2,
)
spm.SentencePieceTrainer.train(input=train, model_prefix=str(here / "pieces"), vocab_size=120, **options)
(here / "pieces.vocab").unlink()
sp = spm.SentencePieceProcessor(model_file=str(here / "pieces.model"))
lines = [s.strip() for s in open(heldout, encoding="utf-8")][:40]
known = [s for s in lines if s and 0 not in sp.encode(s)]
json.dump(
    {
        "pieces": [sp.id_to_piece(i) for i in range(sp.get_piece_size())],
        "texts": [{"text": s, "pieces": sp.encode(s, out_type=str)} for s in known],
    },
    open(here / "pieces.json", "w"), ensure_ascii=False, indent=0,
)
