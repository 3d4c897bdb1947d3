#!/usr/bin/env python3
"""Makes the MP3 files of this folder and golden.json, what other decoders make of them.

Needs lame 3.100 and ffmpeg 5.1 (Debian 12). The oracle is ffmpeg's float decoder, `ffmpeg -cpuflags 0 -i X -f f32le -`,
except where it cannot serve: it does not decode free format, and its scalefactor bands at 24 kHz are not those of LAME
(see longWidths). There it is `lame --decode`, whose 16 bits allow an error of half a step.

golden.json holds for each file the length, every 97th sample of each channel, and the energy of each block of 576 samples,
as base64 of little-endian float32.
"""
import array, base64, json, math, os, random, subprocess, sys, tempfile, wave

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS, EVERY, BLOCK = 0.4, 97, 576


def voice(rate, channels):
    """Something like speech: harmonics under a moving formant, hiss, clicks that force short blocks, and silence."""
    rnd = random.Random(rate * 10 + channels)
    n = int(rate * SECONDS)
    out = []
    for c in range(channels):
        x, phase = [0.0] * n, 0.0
        for i in range(n):
            t = i / rate
            phase += 2 * math.pi * 110 * (1 + c * 0.1) * (1 + 0.1 * math.sin(2 * math.pi * 2 * t)) / rate
            formant = 700 + 400 * math.sin(2 * math.pi * 4 * t)
            v = sum(math.sin(k * phase) / k**0.5 * math.exp(-(((k * 110 - formant) / 900) ** 2))
                    for k in range(1, 16) if k * 130 < rate / 2)
            v *= 0.25 * (1 + math.sin(2 * math.pi * 5 * t))
            if math.sin(2 * math.pi * 4 * t) > 0.3:
                v += 0.05 * rnd.gauss(0, 1)
            x[i] = v
        for p in range(n // 5, n - 20, n // 5):
            for i in range(20):
                x[p + i] += 0.6 * rnd.gauss(0, 1) * math.exp(-i / 5)
        for i in range(int(n * 0.85), int(n * 0.9)):
            x[i] = 0.0
        out.append(x)
    if channels == 2:
        out[1] = [0.7 * a + 0.3 * b for a, b in zip(*out)]
    return array.array("h", (max(-32767, min(32767, int(out[c][i] * 16000))) for i in range(n) for c in range(channels)))


def write_wav(path, rate, channels):
    with wave.open(path, "wb") as w:
        w.setnchannels(channels)
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(voice(rate, channels).tobytes())


# name: rate, channels, encoder and its options, change made to the stream afterwards
CASES = {
    "mpeg25-8k-mono-cbr16": (8000, 1, "lame -m m -b 16", None),
    "mpeg25-8k-joint-vbr": (8000, 2, "lame -m j -V 4", None),
    "mpeg25-11k-joint-cbr32": (11025, 2, "lame -m j -b 32", None),
    "mpeg25-12k-mono-vbr": (12000, 1, "lame -m m -V 2", None),
    "mpeg2-16k-mono-vbr": (16000, 1, "lame -m m -V 7", None),
    "mpeg2-16k-mono-untagged": (16000, 1, "ffmpeg -q:a 5 -write_xing 0 -id3v2_version 0", None),
    "mpeg2-16k-stereo-cbr64": (16000, 2, "lame -m s -b 64", None),
    "mpeg2-16k-joint-crc": (16000, 2, "lame -m j -b 48 -p", None),
    "mpeg2-22k-joint-id3": (22050, 2, "ffmpeg -b:a 64k -metadata title=voice", None),
    "mpeg2-22k-short-blocks": (22050, 2, "lame -m j -b 64 --allshort", None),
    "mpeg2-24k-mono-cbr64": (24000, 1, "lame -m m -b 64", None),
    "mpeg2-24k-joint-vbr": (24000, 2, "lame -m j -V 4", None),
    "mpeg1-32k-forced-ms-cbr128": (32000, 2, "lame -m f -b 128", None),
    "mpeg1-44k-mono-cbr32": (44100, 1, "lame -m m -b 32", None),
    "mpeg1-44k-joint-vbr": (44100, 2, "lame -m j -V 2", None),
    "mpeg1-44k-stereo-cbr320": (44100, 2, "lame -m s -b 320", None),
    "mpeg1-44k-short-blocks": (44100, 1, "lame -m m -b 64 --allshort", None),
    "mpeg1-44k-no-reservoir": (44100, 1, "lame -m m -b 48 --nores -t", None),
    "mpeg1-48k-joint-crc": (48000, 2, "lame -m j -b 64 -p", None),
    "mpeg1-48k-joint-abr": (48000, 2, "lame -m j --abr 96", None),
    "mpeg25-11k-free-format": (11025, 2, "lame -m j --freeformat -b 72", None),
    "mpeg1-32k-free-format": (32000, 2, "lame -m j --freeformat -b 90", None),
    # No encoder at hand makes these, so flags in LAME's streams are changed. The lines then mean something else, but the
    # stream stays decodable, and all decoders must agree on what it sounds like.
    "mpeg1-44k-intensity": (44100, 2, "lame -m j -b 64", "intensity"),
    "mpeg1-48k-intensity-ms": (48000, 2, "lame -m j -V 6", "intensity-ms"),
    "mpeg2-22k-mixed-blocks": (22050, 2, "lame -m s -b 64 --allshort", "mixed"),
    "mpeg1-44k-mixed-blocks": (44100, 2, "lame -m s -b 80 --allshort", "mixed"),
}

RATES = [44100, 48000, 32000]
BITRATES = {3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
            2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]}


def frames(data):
    """Yields position and version bits of each frame of an MPEG-1 or MPEG-2 stream without tags before it."""
    p = 0
    while p + 4 <= len(data) and data[p] == 0xFF:
        version = data[p + 1] >> 3 & 3
        rate = RATES[data[p + 2] >> 2 & 3] >> (3 - version)
        yield p, version
        p += (144 if version == 3 else 72) * BITRATES[version][data[p + 2] >> 4] * 1000 // rate + (data[p + 2] >> 1 & 1)


def relabel(data, what):
    b = bytearray(data)
    bit = lambda pos: b[pos >> 3] >> (7 - (pos & 7)) & 1
    for n, (p, version) in enumerate(frames(data)):
        if n == 0:
            continue  # the info tag
        if what == "intensity":
            b[p + 3] = b[p + 3] & ~0x30 | 0x10
        elif what == "intensity-ms":
            b[p + 3] |= 0x30
        elif what == "mixed":  # mixed_block_flag in every short block; stereo, no CRC
            pos = (p + 4) * 8 + (20 if version == 3 else 10)
            for _ in range(4 if version == 3 else 2):
                q = pos + (33 if version == 3 else 38)
                if bit(q) and bit(q + 1) and not bit(q + 2):
                    b[(q + 3) >> 3] |= 0x80 >> ((q + 3) & 7)
                pos += 59 if version == 3 else 63
    return bytes(b)


def run(*args):
    return subprocess.run(args, check=True, capture_output=True).stdout


def encode(wav, out, rate, command, change):
    tool, *options = command.split()
    if tool == "lame":
        run("lame", "--quiet", "--resample", "%g" % (rate / 1000), *options, wav, out)
    else:
        run("ffmpeg", "-v", "error", "-y", "-i", wav, "-c:a", "libmp3lame", *options, out)
    if change:
        with open(out, "rb") as f:
            data = f.read()
        with open(out, "wb") as f:
            f.write(relabel(data, change))


def decode(path, scratch, oracle):
    samples = array.array("f")
    if oracle == "ffmpeg":
        samples.frombytes(run("ffmpeg", "-v", "error", "-cpuflags", "0", "-i", path, "-f", "f32le", "-"))
        return samples
    run("lame", "--quiet", "--decode", path, scratch)
    with wave.open(scratch) as w:
        pcm = array.array("h")
        pcm.frombytes(w.readframes(w.getnframes()))
    return array.array("f", (v / 32768 for v in pcm))


def pack(values):
    return base64.b64encode(array.array("f", values).tobytes()).decode()


def main():
    golden = []
    with tempfile.TemporaryDirectory() as scratch:
        wav, decoded = os.path.join(scratch, "in.wav"), os.path.join(scratch, "out.wav")
        for name, (rate, channels, command, change) in CASES.items():
            path = os.path.join(HERE, name + ".mp3")
            write_wav(wav, rate, channels)
            encode(wav, path, rate, command, change)
            oracle = "lame" if rate == 24000 or "free" in name else "ffmpeg"
            samples = decode(path, decoded, oracle)
            by_channel = [samples[c::channels] for c in range(channels)]
            golden.append({
                "name": name, "oracle": oracle, "rate": rate, "channels": channels, "frames": len(by_channel[0]),
                "samples": [pack(x[::EVERY]) for x in by_channel],
                "energies": [pack(sum(v * v for v in x[i:i + BLOCK]) for i in range(0, len(x), BLOCK)) for x in by_channel],
            })
    with open(os.path.join(HERE, "golden.json"), "w") as f:
        json.dump(golden, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    sys.exit(main())
