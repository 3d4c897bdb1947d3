#!/bin/sh
# Makes the runs behind the logs in this folder: healthy ones, and ones that are broken on purpose. Each is a real run of "aural pretrain";
# pack.go makes a small log of it. From the top of the repository:
#
#	health/testdata/make.sh WORK LIBRISPEECH [NAME...]
#
# WORK is a folder for stores and runs (about 300 MB), LIBRISPEECH one of recorded speech in any layout that "aural data import" knows. On one
# thread all of it takes about an hour and a half; NAMEs make only those runs.
set -eu
work=$1 speech=$2
shift 2
only=" $* "
mkdir -p "$work"
go build -o "$work/aural" ./cmd/aural
aural=$work/aural

[ -d "$work/synthetic" ] || {
	"$aural" quickstart --dir "$work/quickstart" --minutes 0.01 --keep --plain --threads 1
	mv "$work/quickstart/store" "$work/synthetic"
}
[ -d "$work/speech" ] || "$aural" data import "$speech" --out "$work/speech"
# The same recordings as FLAC: a row is decoded whole for a crop of two seconds, which a small model waits for.
[ -d "$work/slow" ] || "$aural" data import "$speech" --out "$work/slow" --codec flac --min-seconds 12 || [ $? = 3 ]
# Two minutes of speech for training, and other speech to validate on.
[ -d "$work/few" ] || "$aural" data subset "$work/speech" --out "$work/few" --hours 2m --by utterances

wanted() { [ "$only" = "  " ] || case "$only" in *" $1 "*) true ;; *) false ;; esac }

# train NAME STORE RECIPE UPDATES [--set ...]: a run that may fail, as some of them do by design.
train() {
	name=$1 store=$2 recipe=$3 updates=$4
	shift 4
	wanted "$name" || return 0
	rm -rf "$work/runs/$name"
	"$aural" pretrain --recipe "$recipe" --data "$work/$store" --run "$work/runs/$name" --threads 1 --plain \
		--set train.max_minutes=0 --set train.max_updates="$updates" --set train.log_every=10 --set train.valid_every=50 --set valid.seconds=40 "$@" \
		>"$work/$name.out" 2>&1 || echo "$name ended with code $?"
}

train healthy-quickstart synthetic quickstart 500
train healthy-speech speech quickstart 500
train healthy-tiny speech tiny 1500 --set train.log_every=20 --set train.valid_every=100 --set train.save_every=0
train rate-x1000 synthetic quickstart 300 --set train.schedule.peak=3
train rate-x1000-unclipped synthetic quickstart 300 --set train.schedule.peak=3 --set train.optimizer.clip=0
train rate-x30-late synthetic quickstart 300 --set train.schedule.peak=0.1 --set train.schedule.warmup=250
train diversity-0 synthetic quickstart 500 --set loss.diversity=0 --set 'train.optimizer.groups=[]'
train temperature-0 synthetic quickstart 300 --set quantizer.temp_start=0.001 --set quantizer.temp_end=0.001
train logits-x100 synthetic quickstart 300 --set contrastive.temperature=0.001
train repeated-data few quickstart 600
train tiny-batch synthetic quickstart 2000 --set data.batch_samples=32000
train endless-warmup synthetic quickstart 300 --set train.schedule.warmup=20000
