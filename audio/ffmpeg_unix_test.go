//go:build unix

package audio

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aural/internal/testkit"
)

// aac is the beginning of an ADTS frame: a format that Decode refuses and DecodeWithFFmpeg accepts.
var aac = []byte("\xff\xf1\x50\x80\x02\x1f\xfc")

// fakeFFmpeg writes a shell script that stands for ffmpeg, under a name that a shell would take apart.
func fakeFFmpeg(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "-ff $(exit 3); 'mpeg\" ü")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// wavOnDisk writes a WAV file for a fake to print and returns its path, which has no characters special to the shell.
func wavOnDisk(t *testing.T, samples ...int16) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.wav")
	if err := os.WriteFile(path, AppendWAV16(nil, 8000, samples), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDecodeWithFFmpeg(t *testing.T) {
	wav := wavOnDisk(t, 0, 16384, -32768)
	for _, c := range []struct{ name, script, path, warning string }{
		{"through a pipe", "cat '" + wav + "'", "", ""},
		{"complaints", "echo 'a frame is odd' >&2; cat '" + wav + "'", "", `ffmpeg says "a frame is odd"`},
		{"by name", `case "$*" in *"-i file:-odd name: x"*) cat '` + wav + `';; *) exit 9;; esac`, "-odd name: x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			clip, err := DecodeWithFFmpeg(t.Context(), fakeFFmpeg(t, c.script), c.path, aac, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if clip.Rate != 8000 || clip.Format != "ffmpeg" || clip.Frames() != 3 || clip.Channels[0][1] != 0.5 || clip.Channels[0][2] != -1 {
				t.Errorf("clip %+v", clip)
			}
			if got := strings.Join(clip.Warnings, "; "); got != c.warning {
				t.Errorf("warnings %q, want %q", got, c.warning)
			}
		})
	}
}

// TestDecodeWithFFmpegPassesData: the file arrives at the program's standard input whole.
func TestDecodeWithFFmpegPassesData(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	data := append(aac[:len(aac):len(aac)], make([]byte, 1<<17)...)
	wav := wavOnDisk(t, 1)
	if _, err := DecodeWithFFmpeg(t.Context(), fakeFFmpeg(t, "cat > '"+seen+"'; cat '"+wav+"'"), "", data, Limits{}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(seen); err != nil || string(got) != string(data) {
		t.Errorf("the program read %d bytes, want the %d of the file: %v", len(got), len(data), err)
	}
}

func TestDecodeWithFFmpegFails(t *testing.T) {
	small := Limits{MaxSamples: 1 << 10}
	for _, c := range []struct {
		name, script string
		data         []byte
		lim          Limits
		want         error
		text         string
	}{
		{"failure", "echo 'Invalid data found' >&2; exit 183", aac, Limits{}, ErrCorrupt, "Invalid data found"},
		{"much to say", "i=0; while [ $i -lt 9999 ]; do echo 0123456789 >&2; i=$((i+1)); done; exit 1", aac, Limits{}, ErrCorrupt, "0123456789"},
		{"no output", "exit 0", aac, Limits{}, ErrEmpty, "its output"},
		{"output that is no WAV", "echo hello", aac, Limits{}, ErrUnsupportedFormat, "plain text"},
		{"endless output", "yes", aac, small, ErrTooLarge, "1024 samples"},
		{"endless output of a child", "yes & wait", aac, small, ErrTooLarge, "1024 samples"},
		{"empty file", "exit 0", nil, Limits{}, ErrEmpty, "0 bytes"},
		{"large file", "exit 0", aac, Limits{MaxBytes: 3}, ErrTooLarge, "MaxBytes is 3"},
		{"a web page", "echo run > \"$0.ran\"", []byte("<html>"), Limits{}, ErrUnsupportedFormat, "HTML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := fakeFFmpeg(t, c.script)
			clip, err := DecodeWithFFmpeg(t.Context(), program, "", c.data, c.lim)
			if clip != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, %v; want an error that is %q and says %q", clip, err, c.want, c.text)
			}
			if len(err.Error()) > 4*ffmpegMessage {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
			if _, err := os.Stat(program + ".ran"); err == nil {
				t.Error("the program ran on what is no audio")
			}
		})
	}
	_, err := DecodeWithFFmpeg(t.Context(), filepath.Join(t.TempDir(), "absent"), "", aac, Limits{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent program gives %v", err)
	}
}

// TestDecodeWithFFmpegStops: a program that hangs, or whose child does, ends with the context.
func TestDecodeWithFFmpegStops(t *testing.T) {
	for _, script := range []string{"exec sleep 600", "sleep 600", "sleep 600 & sleep 600 & wait", "trap '' TERM INT; sleep 600; sleep 600"} {
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		start := time.Now()
		_, err := DecodeWithFFmpeg(ctx, fakeFFmpeg(t, script), "", aac, Limits{})
		stop()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want the end of the context", script, err)
		}
		if d := time.Since(start); d > time.Minute {
			t.Errorf("%s: stopped after %v", script, d)
		}
	}
}

// TestRealFFmpeg runs ffmpeg itself where there is one, on shared files that Decode refuses. Their frames are in EXPECT.tsv.
func TestRealFFmpeg(t *testing.T) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg in PATH")
	}
	dir := filepath.Join(testkit.DataDir(t), "odd")
	for _, c := range []struct {
		name         string
		rate, frames int
	}{{"aac.m4a", 16000, 40960}, {"opus.webm", 48000, 120000}} {
		path := filepath.Join(dir, c.name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(data, Limits{}); !errors.Is(err, ErrUnsupportedFormat) {
			t.Errorf("%s: Decode says %v", c.name, err)
		}
		clip, err := DecodeWithFFmpeg(t.Context(), program, path, data, Limits{})
		if err != nil {
			t.Error(err)
			continue
		}
		if clip.Rate != c.rate || len(clip.Channels) != 1 || clip.Frames() != c.frames || len(clip.Warnings) > 0 {
			t.Errorf("%s: %d Hz, %d channels, %d frames, %q", c.name, clip.Rate, len(clip.Channels), clip.Frames(), clip.Warnings)
		}
		_, err = DecodeWithFFmpeg(t.Context(), program, path, data, Limits{MaxSamples: 1000})
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s within 1000 samples: %v", c.name, err)
		}
		if _, err := DecodeWithFFmpeg(t.Context(), program, "", data[:100], Limits{}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("the first bytes of %s: %v", c.name, err)
		}
	}
}
