#!/usr/bin/env bash
# Fetches what the checks of the CUDA back end need and no GPU has to be there for: NVIDIA's run-time compiler (NVRTC), the headers of CUDA and NVML,
# the disassembler and the assembler. They come from NVIDIA's Python wheels, in fixed versions, and are unpacked below the user's cache folder; nothing is
# installed. Prints the folder. AURAL_SKIP=cuda-tools leaves it out, as it does in the tests.
set -euo pipefail

case ",${AURAL_SKIP:-}," in *,cuda-tools,*)
	echo "SKIPPED: AURAL_SKIP names cuda-tools" >&2
	exit ;;
esac

folder="${XDG_CACHE_HOME:-$HOME/.cache}/aural/cuda-tools"
wheels=(
	nvidia-cuda-nvrtc-cu12==12.9.86
	nvidia-cuda-runtime-cu12==12.9.79
	nvidia-nvml-dev-cu12==12.9.79
	nvidia-cuda-nvdisasm==13.5.37
	nvidia-cuda-nvcc-cu12==12.9.86
)
mkdir -p "$folder"
for wheel in "${wheels[@]}"; do
	[ -e "$folder/${wheel//==/-}.done" ] && continue
	fetched="$(mktemp -d "$folder/fetch-XXXXXX")"
	trap 'rm -rf "$fetched"' EXIT
	python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$fetched" "$wheel" >&2 || {
		echo "tools/cuda_tools.sh: pip cannot fetch $wheel; without it set AURAL_SKIP=cuda-tools" >&2
		exit 1
	}
	python3 - "$fetched" "$folder" <<-'PY'
		import glob, os, sys, zipfile
		fetched, folder = sys.argv[1:]
		for file in glob.glob(fetched + "/*.whl"):
		    with zipfile.ZipFile(file) as z:
		        for name in z.namelist():
		            if "/include/" in name and "/cuda_nvcc/" not in name or "/bin/nvdisasm" in name or "/bin/ptxas" in name or "/lib/libnvrtc" in name and ".alt." not in name:
		                path = z.extract(name, folder)
		                if "/bin/" in name:
		                    os.chmod(path, 0o755)
	PY
	touch "$folder/${wheel//==/-}.done"
	rm -rf "$fetched"
done
echo "$folder"
