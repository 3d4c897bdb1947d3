#!/bin/sh
# Makes the fixtures of this folder with KenLM (PyPI's source of kenlm 0.3.0, built with KENLM_MAX_ORDER=6).
# Usage: gen_kenlm.sh FOLDER-WITH-lmplz-build_binary-query CORPUS.gz   (public-domain prose, a sentence a line)
set -e
zcat "$2" | head -60 > train.txt
zcat "$2" | sed -n '1001,1025p' > heldout.txt
sed -n '1,5p' train.txt >> heldout.txt
"$1/lmplz" -o 4 --discount_fallback -S 100M < train.txt > full.arpa
"$1/lmplz" -o 4 --discount_fallback --prune 0 0 1 -S 100M < train.txt > pruned.arpa
"$1/lmplz" -o 3 --discount_fallback -S 100M < train.txt > short.arpa
for m in full pruned short; do
  # a line of TSV: every word's log10 probability, </s> last
  "$1/query" -v sentence $m.arpa < heldout.txt > /dev/null
  "$1/query" -v word $m.arpa < heldout.txt | tr '\t' '\n' | sed -n 's/^\(.*\)=[0-9]* \([0-9]*\) \(-\{0,1\}[0-9.e-]*\)$/\1 \2 \3/p' > $m.scores
  "$1/query" -v summary $m.arpa < heldout.txt | grep -E 'Perplexity|OOVs|Tokens' > $m.perplexity
done
"$1/build_binary" probing full.arpa full.probing
"$1/build_binary" trie short.arpa short.kentrie
gzip -9nf full.arpa pruned.arpa short.arpa full.probing short.kentrie
