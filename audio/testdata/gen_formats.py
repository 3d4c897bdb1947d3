#!/usr/bin/env python3
"""Makes the small files in testdata/formats from a synthetic signal, and formats.json with what ffmpeg decodes from them.

    python3 gen_formats.py                 writes formats/* and formats.json
    python3 gen_formats.py odd DIR         writes odd.json for the files that DIR/EXPECT.tsv lists

Needs ffmpeg 5.1 with libopus, libmp3lame and libvorbis, sox 14.4 and opusenc 0.2. Each entry has the sampling rate, the
channels and the frames; lossless codings the SHA-256 of the samples as little-endian 32-bit floats, frame by frame; lossy
ones every 97th value of that list and the energies of its 1024-value blocks. Opus is decoded by libopus and Vorbis by
libvorbis (oggdec 1.4), their references.
"""
import array, hashlib, json, math, os, struct, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "formats")


def run(*command, data=None):
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def signal(seconds, rate, channel):
    """A gliding voice of eight harmonics with a 4 Hz envelope, a pause and noise at -50 dB."""
    seed, phase, out = 12345 + channel, 0.0, []
    for i in range(round(seconds * rate)):
        t = i / rate
        seed = (seed * 1103515245 + 12345) % 2**31
        pitch = 110 * (1 + channel / 4) * (1 + 0.3 * math.sin(3 * t))
        phase += 2 * math.pi * pitch / rate
        voice = sum(math.sin(k * phase) / k for k in range(1, 9) if k * pitch < rate / 2)
        level = 0.3 * (0.5 - 0.5 * math.cos(8 * math.pi * t)) * (0.0 if 0.30 < t % 1 < 0.38 else 1.0)
        out.append(level * voice + 0.003 * (seed / 2**30 - 1))
    return out


def source(name, seconds, rate, channels=1):
    """Writes a 32-bit integer WAV file in the scratch folder of the system and returns its path."""
    planes = [signal(seconds, rate, c) for c in range(channels)]
    data = b"".join(struct.pack("<i", max(-2**31, min(2**31 - 1, round(p[i] * 2**31)))) for i in range(len(planes[0])) for p in planes)
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), name + ".wav")
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, channels, rate, 4 * channels * rate,
                       4 * channels, 32, b"data", len(data))
    open(path, "wb").write(head + data)
    return path


def make():
    os.makedirs(OUT, exist_ok=True)
    mono, stereo = source("mono", 0.02, 16000), source("stereo", 0.01, 22050, 2)
    talk, phone = source("talk", 0.6, 16000), source("phone", 0.1, 8000)
    wide, music, six = source("wide", 0.3, 48000), source("music", 0.4, 48000, 2), source("six", 0.2, 48000, 6)

    def ffmpeg(src, name, codec, *more):
        run("ffmpeg", "-y", "-v", "error", "-i", src, "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact",
            "-c:a", codec, *more, os.path.join(OUT, name))

    def sox(src, name, *more):
        run("sox", "-D", src, *more, os.path.join(OUT, name))

    for src, who in ((mono, "mono"), (stereo, "stereo")):
        ffmpeg(src, who + "_u8.wav", "pcm_u8")
        ffmpeg(src, who + "_s24.wav", "pcm_s24le")
        ffmpeg(src, who + "_s24.aiff", "pcm_s24be")
        ffmpeg(src, who + "_s24.au", "pcm_s24be")
        ffmpeg(src, who + "_s24.caf", "pcm_s24le")
    for codec in ("s16le", "s32le", "f32le", "f64le", "alaw", "mulaw"):
        ffmpeg(mono, codec + ".wav", "pcm_" + codec)
    for codec in ("s8", "s16be", "s32be", "f32be", "f64be", "alaw", "mulaw"):
        ffmpeg(mono, codec + ".aiff", "pcm_" + codec)
        ffmpeg(mono, codec + ".au", "pcm_" + codec)
        ffmpeg(mono, codec + ".caf", "pcm_" + codec)
    ffmpeg(mono, "sowt.aiff", "pcm_s16le")
    for codec in ("s16le", "s32le", "f32le", "f64le"):
        ffmpeg(mono, codec + ".caf", "pcm_" + codec)
    ffmpeg(stereo, "stereo_s16.w64", "pcm_s16le")
    ffmpeg(mono, "f32.w64", "pcm_f32le")
    ffmpeg(mono, "rf64.wav", "pcm_s16le", "-rf64", "always")
    for bits in ("16", "24", "32"):
        sox(stereo, "pcm%s.sph" % bits, "-b", bits)
    sox(stereo, "pcm16_be.sph", "-b", "16", "-B")
    sox(phone, "ulaw.sph", "-e", "mu-law", "-b", "8")
    sox(mono, "dns.au", "-b", "16", "-L")
    for src, who in ((phone, "mono"), (music, "stereo")):
        ffmpeg(src, who + "_ima.wav", "adpcm_ima_wav", "-t", "0.05")
        ffmpeg(src, who + "_ms.wav", "adpcm_ms", "-t", "0.05")
    sox(phone, "gsm.wav", "-e", "gsm-full-rate")
    short = run("sox", "-D", talk, "-b", "16", "-t", "wav", "-", "trim", "0", "0.1")
    run("flac", "-s", "-f", "--no-padding", "--no-seektable", "-o", os.path.join(OUT, "mono.flac"), "-", data=short)
    run("flac", "-s", "-f", "--no-padding", "--no-seektable", "-o", os.path.join(OUT, "stereo24.flac"), "-",
        data=run("sox", "-D", stereo, "-b", "24", "-t", "wavpcm", "-"))
    ffmpeg(talk, "flac.oga", "flac", "-t", "0.1", "-sample_fmt", "s16")
    ffmpeg(talk, "mono.mp3", "libmp3lame", "-b:a", "24k")
    ffmpeg(talk, "mp3.wav", "libmp3lame", "-b:a", "24k")
    ffmpeg(talk, "mono_vorbis.ogg", "libvorbis", "-q:a", "2")
    ffmpeg(music, "stereo_vorbis.ogg", "libvorbis", "-q:a", "2")
    ffmpeg(six, "six_vorbis.ogg", "libvorbis", "-q:a", "0")
    ffmpeg(talk, "silk.opus", "libopus", "-b:a", "10k", "-application", "voip")
    ffmpeg(wide, "hybrid.opus", "libopus", "-b:a", "28k", "-application", "voip")
    ffmpeg(music, "celt_stereo.opus", "libopus", "-b:a", "48k", "-application", "audio")
    ffmpeg(talk, "frames_60ms.opus", "libopus", "-b:a", "12k", "-frame_duration", "60")
    ffmpeg(six, "six.opus", "libopus", "-b:a", "64k", "-mapping_family", "1")
    run("opusenc", "--quiet", "--serial", "1", "--bitrate", "12", "--set-ctl-int", "4016=1", "-", os.path.join(OUT, "dtx.opus"),
        data=run("sox", "-D", talk, "-b", "16", "-t", "wav", "-", "pad", "0", "1"))
    names = [n for n in sorted(os.listdir(OUT))]
    return {n: reference(os.path.join(OUT, n)) for n in names if n != "six.opus"}


def fact(data):
    """The samples that a WAV file's fact chunk counts: ffmpeg decodes the filling of the last ADPCM or GSM block too."""
    at = data.find(b"fact", 12, 400)
    return struct.unpack("<I", data[at + 8:at + 12])[0] if data[:4] == b"RIFF" and at > 0 else None


def vorbis(path, channels):
    """What oggdec makes of a file, in the order of channels of WAV files: ffmpeg 5.1 loses the last block."""
    stored = array.array("h", run("oggdec", "-Q", "-R", "-o", "-", path))
    order = [0, 2, 1, 5, 3, 4] if channels == 6 else range(channels)
    return array.array("f", [stored[i + c] / 32768 for i in range(0, len(stored), channels) for c in order]).tobytes()


def reference(path):
    if path.endswith("dns.au"):  # ffmpeg does not know the little-endian form: the same samples from sox
        pcm = run("sox", "-D", path, "-t", "f32", "-L", "-")
        return {"rate": 16000, "channels": 1, "frames": len(pcm) // 4, "sha256": hashlib.sha256(pcm).hexdigest()}
    keys = run("ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "stream=codec_name,sample_rate,channels",
               "-of", "json", "file:" + path)
    info = json.loads(keys)["streams"][0]
    codec, channels = info["codec_name"], info["channels"]
    decoder = ["-c:a", "libopus"] if codec == "opus" else []
    pcm = vorbis(path, channels) if codec == "vorbis" else run(
        "ffmpeg", "-v", "error", "-nostdin", *decoder, "-i", "file:" + path, "-f", "f32le", "-")
    if codec.startswith("adpcm") or codec.startswith("gsm"):
        count = fact(open(path, "rb").read())
        if count:
            pcm = pcm[:4 * channels * count]
    entry = {"rate": int(info["sample_rate"]), "channels": channels, "frames": len(pcm) // 4 // channels}
    if codec in ("opus", "vorbis", "mp3"):
        values = array.array("f", pcm)
        entry["samples"] = [round(v, 6) for v in values[::97]]
        entry["energies"] = [float("%.6g" % sum(v * v for v in values[i:i + 1024])) for i in range(0, len(values), 1024)]
    else:
        entry["sha256"] = hashlib.sha256(pcm).hexdigest()
    return entry


def odd(folder):
    """References for the files that ffmpeg decodes whole and rightly."""
    out = {}
    # Those with NaN are refused. ffmpeg 5.1 believes a block align of 7, reads RIFX as little-endian, and conceals a damaged frame.
    wrong = ("float_nan_inf.wav", "block_align_wrong.wav", "rifx_be.wav", "corrupt_frame.flac")
    with open(os.path.join(folder, "EXPECT.tsv")) as f:
        next(f)
        for line in f:
            name, _, _, codec, _, _, frames, _ = line.rstrip("\n").split("\t")
            ours = codec.startswith(("pcm", "adpcm_ms", "adpcm_ima", "gsm", "flac", "mp3", "opus", "vorbis"))
            if ours and int(frames or 0) > 0 and name not in wrong and not name.endswith(".webm"):
                out[name] = reference(os.path.join(folder, name))
    return out


def write(name, table):
    with open(os.path.join(HERE, name), "w") as f:
        f.write("{\n" + ",\n".join("%s: %s" % (json.dumps(k, ensure_ascii=False), json.dumps(v, separators=(",", ":"))) for k, v in table.items()) + "\n}\n")


if len(sys.argv) == 3 and sys.argv[1] == "odd":
    write("odd.json", odd(sys.argv[2]))
else:
    write("formats.json", make())
