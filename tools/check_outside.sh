#!/usr/bin/env bash
# Shows stores and exports of aural to pyarrow, Hugging Face datasets and libsndfile, which share no code with it. They are
# installed into a virtual environment in the cache of the user, once; where that is not possible, this says so loudly and
# succeeds, because aural needs no Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() {
	printf '\n*** SKIPPED: stores were not checked by pyarrow and datasets: %s\n\n' "$1"
	exit 0
}

packages="pyarrow==26.0.1 datasets==5.2.0 soundfile==0.14.0 numpy"
venv="${XDG_CACHE_HOME:-$HOME/.cache}/aural/outside-$(printf '%s' "$packages" | cksum | cut -d' ' -f1)"
if [ ! -e "$venv/complete" ]; then
	command -v python3 >/dev/null || skip "no python3"
	rm -rf "$venv"
	python3 -m venv "$venv" >/dev/null 2>&1 || skip "python3 has no venv"
	# shellcheck disable=SC2086
	timeout 600 "$venv/bin/pip" install --quiet --disable-pip-version-check $packages >"$venv/pip.log" 2>&1 ||
		skip "the packages cannot be installed: $(tail -n 1 "$venv/pip.log")"
	touch "$venv/complete"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" - "$work/source" <<'PY'
import pathlib, sys
import numpy, soundfile
random = numpy.random.default_rng(1)
for speaker in range(5):
    folder = pathlib.Path(sys.argv[1]) / f"speaker{speaker}"
    folder.mkdir(parents=True)
    for i in range(30):
        n = 8000 + 977 * i + speaker
        tone = numpy.sin(numpy.arange(n) * (0.02 + 0.003 * i)) * 9000 + random.normal(size=n) * 300
        name = folder / f"{i:03}.{'wav' if i % 2 else 'flac'}"
        soundfile.write(name, tone.astype("int16"), 16000, subtype="PCM_16")
        if i % 3:
            name.with_suffix(".txt").write_text(f"word {i} é\n")
PY
go build -o "$work/aural" ./cmd/aural
aural() { "$work/aural" "$@" 2>/dev/null; }
aural data import "$work/source" --out "$work/pcm" --json >/dev/null
aural data merge "$work/pcm" --codec flac --out "$work/flac"
aural data export "$work/pcm" --format hf --out "$work/hf"
export HF_HOME="$work/cache" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1
"$venv/bin/python" tools/check_hf_store.py "$work/pcm" --source "$work/source"
"$venv/bin/python" tools/check_hf_store.py "$work/flac" --source "$work/source"
"$venv/bin/python" tools/check_parquet.py "$work/hf" --store "$work/pcm"
