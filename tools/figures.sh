#!/usr/bin/env bash
# Makes the pictures and the table of docs/FIGURES.md: two short runs of the recipe tiny, which differ in their seed, on a folder of
# speech. Give the folder; UPDATES=1000 and WORK=a folder for store and runs can be set. What is there in WORK already is used again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=${1:?give a folder of speech}
work=${WORK:-$(mktemp -d)}
updates=${UPDATES:-1000}
out=docs/figures
export CGO_ENABLED=0

mkdir -p "$work" "$out"
go build -o "$work/aural" ./cmd/aural
aural=$work/aural
[ -d "$work/store" ] || "$aural" data import "$data" --out "$work/store"
runs=()
for seed in 1 2; do
	run=$work/tiny-seed$seed
	[ -d "$run" ] || "$aural" pretrain --recipe tiny --data "$work/store" --run "$run" --set seed=$seed \
		--set train.max_updates="$updates" --set train.log_every=5 --set train.valid_every=100
	runs+=("$run")
done

draw() { # NAME RUNS... -- OPTIONS
	local name=$1 args=()
	shift
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	"$aural" plot "${args[@]}" "$@" --out "$out/$name.svg"
}

one=${runs[0]}
for figure in loss losses perplexity groups gradient masks time; do
	draw $figure "$one" -- --figure $figure --smooth 0.8
done
draw codebook "$one" -- --figure codebook
draw spectrogram "$one" -- --figure spectrogram
draw throughput "$one" -- --figure throughput --x relative
draw accuracy "${runs[@]}" -- --figure accuracy --group --smooth 0.8
draw compare "${runs[@]}" -- --figure accuracy --smooth 0.8 --x hours
draw column "${runs[@]}" -- --metric contrastive_loss --group --band std --smooth 0.8 --column single --no-title
draw overview "$one" -- --smooth 0.8
"$aural" plot --figure lengths --data "$work/store" --out "$out/lengths.svg"

"$aural" plot "${runs[@]}" --table md --metric contrastive_loss,accuracy,code_perplexity --out "$work/table.md"
sed -e '/<!-- table -->/,/<!-- end -->/{/<!-- /!d;}' -e "/<!-- table -->/r $work/table.md" docs/FIGURES.md >"$work/FIGURES.md"
cp "$work/FIGURES.md" docs/FIGURES.md
ls -l "$out"
