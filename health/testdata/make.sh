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
# Three utterances, one of which is held out.
[ -d "$work/few" ] || "$aural" data subset "$work/speech" --out "$work/few" --hours 30s --by utterances --seed 2

wanted() { [ "$only" = "  " ] || case "$only" in *" $1 "*) true ;; *) false ;; esac }

# train NAME STORE RECIPE UPDATES [--set ...]: a run that may fail, as some of them do by design.
train() {
	name=$1 store=$2 recipe=$3 updates=$4
	shift 4
	wanted "$name" || return 0
	rm -rf "$work/runs/$name"
	case $store in s3:*) ;; *) store=$work/$store ;; esac
	"$aural" pretrain --recipe "$recipe" --data "$store" --run "$work/runs/$name" --threads 1 --plain \
		--set train.max_minutes=0 --set train.max_updates="$updates" --set train.log_every=10 --set train.valid_every=50 --set valid.seconds=40 "$@" \
		>"$work/$name.out" 2>&1 || echo "$name ended with code $?"
}

# goon NAME --set ...: the healthy run goes on with other settings.
goon() {
	name=$1
	shift
	wanted "$name" || return 0
	rm -rf "$work/runs/$name"
	cp -a "$work/runs/healthy-quickstart" "$work/runs/$name"
	"$aural" pretrain --data "$work/synthetic" --run "$work/runs/$name" --threads 1 --plain --resume last --resume-force \
		--set train.max_updates=700 "$@" >"$work/$name.out" 2>&1 || echo "$name ended with code $?"
}

# begin NAME ...: as train, in the background; until_update NAME UPDATES waits for it.
begin() {
	train "$@" &
	sleep 1
}
process() { sed -n 's/.*"pid": \([0-9]*\).*/\1/p' "$work/runs/$1/state.json"; }
until_update() { while [ "$(sed -n 's/.*"step": \([0-9]*\).*/\1/p' "$work/runs/$1/state.json" 2>/dev/null || echo 0)" -lt "$2" ]; do sleep 1; done; }

# Healthy runs: the quickstart model on synthetic and on recorded speech, and the tiny one.
train healthy-quickstart synthetic quickstart 500
train healthy-speech speech quickstart 500
train healthy-tiny speech tiny 1500 --set train.log_every=20 --set train.valid_every=100 --set train.save_every=0

# The learning rate a thousand times too high, without and with clipping; and raised a hundred times in a run that had learnt, or the
# weight decay of 0.01 three thousand times.
train rate-x1000 synthetic quickstart 300 --set train.schedule.peak=3 --set train.optimizer.clip=0
train rate-x1000-clipped synthetic quickstart 300 --set train.schedule.peak=3
train rate-infinite synthetic quickstart 60 --set train.schedule.peak=1e38 --set train.schedule.warmup=30 --set train.log_every=1
goon rate-raised-x100 --set train.schedule.peak=0.3
goon decay-raised --set train.optimizer.weight_decay=30

# No diversity loss; codes drawn at a temperature of nearly zero; logits a hundred times too large; features driven to zero; weights
# decayed to zero; a diversity loss that outweighs all else.
train diversity-0 synthetic quickstart 500 --set loss.diversity=0 --set 'train.optimizer.groups=[]'
train temperature-0 synthetic quickstart 500 --set quantizer.temp_start=0.001 --set quantizer.temp_end=0.001
train logits-x100 synthetic quickstart 300 --set contrastive.temperature=0.001
train penalty-1000 synthetic quickstart 300 --set loss.feature_penalty=1000
train decay-x3000 synthetic quickstart 300 --set train.optimizer.weight_decay=30
train diversity-x500 synthetic quickstart 700 --set loss.diversity=50

# Two utterances over and over, for a model of a quarter of the size; batches of one crop of two seconds; a warm-up that never ends.
c='{channels: 32, kernel: 3, stride: 2}' d='{channels: 32, kernel: 2, stride: 2}'
train repeated-data few quickstart 4000 --set data.batch_samples=64000 --set encoder.width=96 --set encoder.ffn=384 --set encoder.layers=2 \
	--set "encoder.conv=[{channels: 32, kernel: 10, stride: 5}, $c, $c, $c, $c, $d, $d]" \
	--set train.log_every=40 --set train.valid_every=200 --set valid.seconds=12
train tiny-batch synthetic quickstart 2000 --set data.batch_samples=32000
train endless-warmup synthetic quickstart 300 --set train.schedule.warmup=20000

# A store in a bucket behind a line of 250 kB/s, and a model that is small enough to wait for it. The bucket's cache fills up within these updates.
if wanted slow-data; then
	go build -o "$work/slowbucket" health/testdata/slowbucket.go
	"$work/slowbucket" "$work" 127.0.0.1:8371 250000 &
	server=$!
	sleep 1
	rm -rf "$work/cache"
	AURAL_S3_CACHE=$work/cache train slow-data 's3://speech?endpoint=http://127.0.0.1:8371&anonymous=true' quickstart 10 \
		--set encoder.width=32 --set encoder.layers=1 --set encoder.ffn=32 --set encoder.position_kernel=4 --set train.log_every=1 --set train.valid_every=0 --set train.schedule.warmup=2 \
		--set 'encoder.conv=[{channels: 16, kernel: 10, stride: 5}, {channels: 16, kernel: 8, stride: 8}, {channels: 16, kernel: 8, stride: 8}]'
	kill $server
fi

# A trainer that is stopped, and one that is killed. The packed heartbeat is the last one.
if wanted stopped-process; then
	begin stopped-process synthetic quickstart 500
	until_update stopped-process 60
	kill -STOP "$(process stopped-process)"
	sleep 2
	go run health/testdata/pack.go "$work/runs/stopped-process" health/testdata/stopped-process.gz
	kill -CONT "$(process stopped-process)"
	kill -TERM "$(process stopped-process)"
	wait
fi
if wanted killed-process; then
	begin killed-process synthetic quickstart 500
	until_update killed-process 60
	kill -KILL "$(process killed-process)"
	wait
fi

for run in "$work"/runs/*; do
	name=$(basename "$run")
	if wanted "$name" && [ "$name" != stopped-process ]; then go run health/testdata/pack.go "$run" "health/testdata/$name.gz"; fi
done
