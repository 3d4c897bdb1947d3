package audio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// ffmpegFormats are the demuxers that ffmpeg may use: containers of audio whose content is all in the file. Play lists and
// scripts that name other files or addresses are not among them.
const ffmpegFormats = "mov,matroska,asf,amr,amrnb,amrwb,aac,wv,ape,shn,tta,mpc,mpc8,dsf,avi,ogg,wav,w64,aiff,au,caf,nistsphere,mp3"

// ffmpegMessage is how many bytes of what ffmpeg says are kept.
const ffmpegMessage = 1 << 10

// DecodeWithFFmpeg decodes a file with the ffmpeg program of the given name or path: AAC, M4A, WebM, WMA, AMR and whatever
// else [Decode] refuses as ErrUnsupportedFormat although it is audio. Nothing in this package calls it: a user decides to
// run another program on files that came from elsewhere.
//
// data is the file and path its place. With a path ffmpeg reads the file itself, which formats need whose index is at the
// end; with an empty one it gets data through a pipe. Rate and channels are those of the first audio stream. lim holds
// while ffmpeg runs, which ends at the latest with ctx. What ffmpeg complains about on the way becomes a warning.
func DecodeWithFFmpeg(ctx context.Context, program, path string, data []byte, lim Limits) (*Clip, error) {
	lim = lim.WithDefaults()
	if len(data) == 0 {
		return nil, fmt.Errorf("audio: ffmpeg: the file is empty (0 bytes): %w", ErrEmpty)
	}
	if int64(len(data)) > lim.MaxBytes {
		return nil, fmt.Errorf("audio: ffmpeg: %d bytes, MaxBytes is %d: %w", len(data), lim.MaxBytes, ErrTooLarge)
	}
	if kind, _ := identify(data); !kind.isAudio() {
		return nil, fmt.Errorf("audio: ffmpeg: %w", kind.refusal())
	}
	wav, complaints, err := runFFmpeg(ctx, program, path, data, lim)
	if err != nil {
		return nil, fmt.Errorf("audio: ffmpeg: %w", err)
	}
	clip, err := decode(wav, Limits{MaxBytes: int64(len(wav)) + 1, MaxSeconds: lim.MaxSeconds, MaxSamples: lim.MaxSamples})
	if err != nil {
		return nil, fmt.Errorf("audio: ffmpeg: its output: %w", err)
	}
	clip.Format, clip.Bits, clip.Warnings = "ffmpeg", 0, nil // the warnings are about the pipe
	if complaints != "" {
		clip.warn("ffmpeg says %q", complaints)
	}
	return clip, nil
}

// runFFmpeg returns a WAV file of 32-bit floats, and what the program wrote to its standard error.
func runFFmpeg(ctx context.Context, program, path string, data []byte, lim Limits) (wav []byte, complaints string, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	input := "pipe:0"
	if path != "" {
		input = "file:" + path // a name that begins with "-" or holds ":" stays a name
	}
	cmd := exec.CommandContext(ctx, program, "-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", "file,pipe",
		"-format_whitelist", ffmpegFormats, "-i", input, "-map", "0:a:0", "-map_metadata", "-1",
		"-t", strconv.FormatFloat(lim.MaxSeconds+1, 'f', 3, 64), "-c:a", "pcm_f32le", "-f", "wav", "pipe:1")
	if path == "" {
		cmd.Stdin = bytes.NewReader(data)
	}
	messages := &headWriter{room: ffmpegMessage}
	cmd.Stderr = messages
	cmd.WaitDelay = 5 * time.Second // for pipes that a killed program's children hold open
	killGroup(cmd)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("start %q: %w", program, err)
	}
	most := 4*lim.MaxSamples + 1<<16 // the samples and a header
	wav, readErr := io.ReadAll(io.LimitReader(stdout, most+1))
	full := int64(len(wav)) > most
	if full || readErr != nil {
		stop()
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case full:
		return nil, "", fmt.Errorf("more than %d samples, which is MaxSamples: split the file or raise the limit: %w", lim.MaxSamples, ErrTooLarge)
	case ctx.Err() != nil && readErr == nil:
		return nil, "", fmt.Errorf("%q was stopped: %w", program, context.Cause(ctx))
	case errors.As(err, &exit) && exit.Exited(): // it ran and did not like the file
		return nil, "", fmt.Errorf("%q failed (%v) and says %q: %w", program, err, messages.String(), ErrCorrupt)
	case err != nil:
		return nil, "", fmt.Errorf("%q: %w", program, err)
	case readErr != nil:
		return nil, "", fmt.Errorf("read from %q: %w", program, readErr)
	}
	return wav, messages.String(), nil
}

// headWriter keeps the beginning of what is written to it.
type headWriter struct {
	strings.Builder
	room int
}

func (w *headWriter) Write(p []byte) (int, error) {
	w.Builder.Write(p[:min(len(p), w.room-w.Len())])
	return len(p), nil
}

func (w *headWriter) String() string { return strings.TrimSpace(w.Builder.String()) }
