package audio

import (
	"encoding/csv"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aural/internal/testkit"
)

// TestOddFiles goes through files that break loaders. EXPECT.tsv says what each is, what a careful loader does, and the
// rate, channels and frames that ffmpeg finds.
func TestOddFiles(t *testing.T) {
	dir := filepath.Join(testkit.DataDir(t), "odd")
	f, err := os.Open(filepath.Join(dir, "EXPECT.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 80 {
		t.Fatalf("EXPECT.tsv has %d rows", len(rows))
	}
	for _, row := range rows[1:] {
		t.Run(row[0], func(t *testing.T) { checkOddFile(t, filepath.Join(dir, row[0]), row) })
	}
}

func checkOddFile(t *testing.T, path string, row []string) {
	expect := row[2]
	clip, err := DecodeFile(path, Limits{})
	mayDecode := expect != "refuse" && expect != "ignore"
	mustDecode := expect == "ok" || expect == "ok, no NaN" || expect == "refuse for training" // shortness is the store's concern
	switch {
	case err == nil && !mayDecode:
		t.Fatalf("decoded (%s, %d frames), want a refusal", clip.Format, clip.Frames())
	case err != nil && mustDecode:
		t.Fatalf("refused: %v", err)
	case err != nil:
		named := errors.Is(err, ErrUnsupportedFormat) || errors.Is(err, ErrCorrupt) || errors.Is(err, ErrEmpty) || errors.Is(err, ErrNonFinite)
		if !named || !strings.Contains(err.Error(), strconv.Quote(path)) {
			t.Fatalf("refusal without a reason or the path: %v", err)
		}
		if expect == "ok-or-named-refusal" && !errors.Is(err, ErrUnsupportedFormat) {
			t.Fatalf("refusal of a good file that is not called unsupported: %v", err)
		}
		return
	}
	number := func(column int) int {
		n, err := strconv.Atoi(row[column])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	frames := number(6)
	switch filepath.Base(path) {
	case "block_align_wrong.wav":
		frames = 40000 // ffmpeg believes the header's 7 bytes a frame and drops the rest
	case "imaadpcm.wav":
		frames = 40000 // the fact chunk says so; ffmpeg plays the padding of the last block too
	case "gsm610_8k.wav":
		frames = 20000 // likewise
	}
	if clip.Rate != number(4) || len(clip.Channels) != number(5) || clip.Frames() != frames {
		t.Errorf("%d Hz, %d channels, %d frames; want %d, %d, %d", clip.Rate, len(clip.Channels), clip.Frames(), number(4), number(5), frames)
	}
	warned := len(clip.Warnings) > 0
	if must := strings.Contains(expect, "warning") || strings.HasPrefix(expect, "partial"); must && !warned {
		t.Error("decoded without the warning that is due")
	}
	if plain := expect == "ok" || expect == "ok, no NaN"; plain && warned && !slices.Contains([]string{
		"float_over_unity.wav", "stereo_antiphase.wav", "stereo_left_only.wav", "riff_ffffffff_stream.wav"}, filepath.Base(path)) {
		t.Errorf("warnings for a good file: %q", clip.Warnings)
	}
}

// TestOddFilesHoldTheReference: these files hold the reference's samples in other containers and codings, so they must
// decode to the same numbers, up to the rounding of the coding.
func TestOddFilesHoldTheReference(t *testing.T) {
	dir := filepath.Join(testkit.DataDir(t), "odd")
	want, err := DecodeFile(filepath.Join(dir, "reference.flac"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, tolerance := range map[string]float64{
		"src16k.wav": 0, "extensible_pcm16.wav": 0, "junk_list_odd_chunks.wav": 0, "rf64.wav": 0, "rifx_be.wav": 0,
		"riff_ffffffff_stream.wav": 0, "data_size_zero_but_has_data.wav": 0, "block_align_wrong.wav": 0, "wav_named.flac": 0,
		"pcm24.wav": 0, "pcm32.wav": 0, "float32.wav": 0, "float64.wav": 0, "pcm_u8.wav": 0.6 / 128, "truncated_half.wav": 0,
		"truncated_half.flac": 0, "flac_l0.flac": 0, "flac_lax_bs4000.flac": 0, "flac_md5_absent.flac": 0,
		"flac_streamed_unknown_len.flac": 0, "flac_with_id3_prefix.flac": 0, "flac_wrong_md5.flac": 0,
		"name with  spaces & üñí.flac": 0, "stereo_dual.wav": 0, "stereo_left_only.wav": 0, "stereo_antiphase.wav": 0,
	} {
		got, err := DecodeFile(filepath.Join(dir, name), Limits{})
		if err != nil {
			t.Error(err)
			continue
		}
		worst := 0.0
		for i, v := range got.Channels[0] {
			worst = math.Max(worst, math.Abs(float64(v-want.Channels[0][i])))
		}
		if worst > tolerance {
			t.Errorf("%s differs from the reference by %g, want at most %g", name, worst, tolerance)
		}
	}
}
