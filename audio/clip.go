package audio

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Clip is one decoded recording. All channels have the same length, at least one frame, and only finite samples.
type Clip struct {
	Rate     int         // sampling rate in Hz
	Channels [][]float32 // (channel, frame), full scale is ±1; float files may go beyond it
	Warnings []string    // what was wrong with the file but did not stop it from being decoded
	// Truncated is set when the file ended before the length that its header names, or, where there is no such header,
	// without the mark of its end; a warning says so too.
	Truncated bool
	Format    string // container and coding: "wav/pcm", "wav/float", "aiff/pcm", "sphere/mulaw", "flac", "mp3", "ogg/opus"
	Bits      int    // bits of one stored sample; 0 for lossy codings, where it means nothing
}

func (c *Clip) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// Frames returns the number of samples in each channel.
func (c *Clip) Frames() int {
	if len(c.Channels) == 0 {
		return 0
	}
	return len(c.Channels[0])
}

// Seconds returns the length of the clip in seconds.
func (c *Clip) Seconds() float64 {
	if c.Rate <= 0 {
		return 0
	}
	return float64(c.Frames()) / float64(c.Rate)
}

// ChannelPolicy says how [Clip.Mono] makes one channel of several. The zero value averages them.
type ChannelPolicy struct {
	mode    channelMode
	channel int
}

type channelMode uint8

const (
	averageChannels channelMode = iota
	pickChannel
	requireMono
)

// Average is the mean of all channels. It halves the level when one of two channels is silent and cancels channels of
// opposite phase; Decode warns about both.
func Average() ChannelPolicy { return ChannelPolicy{} }

// Channel takes channel i, counted from 0. Mono refuses a clip that has no such channel.
func Channel(i int) ChannelPolicy { return ChannelPolicy{mode: pickChannel, channel: i} }

// First takes the first channel, in stereo the left one.
func First() ChannelPolicy { return Channel(0) }

// RefuseMultichannel makes Mono fail on any clip with more than one channel.
func RefuseMultichannel() ChannelPolicy { return ChannelPolicy{mode: requireMono} }

// ParseChannelPolicy reads the form that String writes: "average", "first" (or "left"), "refuse", or a channel number
// counted from 0.
func ParseChannelPolicy(s string) (ChannelPolicy, error) {
	switch s {
	case "average":
		return Average(), nil
	case "first", "left":
		return First(), nil
	case "refuse":
		return RefuseMultichannel(), nil
	}
	i, err := strconv.Atoi(s)
	if err != nil || i < 0 {
		return ChannelPolicy{}, fmt.Errorf("audio: channel policy %q: want average, first, refuse or a channel number from 0", s)
	}
	return Channel(i), nil
}

// String returns the name that ParseChannelPolicy reads.
func (p ChannelPolicy) String() string {
	switch {
	case p.mode == requireMono:
		return "refuse"
	case p.mode == pickChannel && p.channel == 0:
		return "first"
	case p.mode == pickChannel:
		return strconv.Itoa(p.channel)
	}
	return "average"
}

// Mono returns one channel of Frames samples. For a mono clip, and when a channel is picked, the result is the clip's own
// memory and not a copy.
func (c *Clip) Mono(policy ChannelPolicy) ([]float32, error) {
	n := len(c.Channels)
	switch {
	case n == 0:
		return nil, fmt.Errorf("audio: mono: the clip has no channels: %w", ErrEmpty)
	case policy.mode == requireMono && n > 1:
		return nil, fmt.Errorf("audio: mono: the clip has %d channels and the channel policy is refuse: choose average, first or a channel number", n)
	case policy.mode == pickChannel && (policy.channel < 0 || policy.channel >= n):
		return nil, fmt.Errorf("audio: mono: channel %d asked for, the clip has channels 0 to %d", policy.channel, n-1)
	case policy.mode == pickChannel:
		return c.Channels[policy.channel], nil
	case n == 1:
		return c.Channels[0], nil
	}
	mono := slices.Clone(c.Channels[0])
	for _, ch := range c.Channels[1:] {
		for i, v := range ch {
			mono[i] += v
		}
	}
	scale := 1 / float32(n)
	for i := range mono {
		mono[i] *= scale
	}
	return mono, nil
}

// channelWarnings reports what an average over the channels would spoil, so that nobody trains on silence unknowingly:
// channels without signal, and channels that cancel each other by 40 dB or more.
func channelWarnings(channels [][]float32) []string {
	if len(channels) < 2 {
		return nil
	}
	var warnings []string
	silent, total := 0, 0.0
	for _, ch := range channels {
		energy := sumSquares(ch)
		if energy == 0 {
			silent++
		}
		total += energy
	}
	if silent > 0 && silent < len(channels) {
		warnings = append(warnings, fmt.Sprintf("channels without signal: %d of %d; averaging lowers the level by %.1f dB",
			silent, len(channels), -20*math.Log10(float64(len(channels)-silent)/float64(len(channels)))))
	}
	mixed := 0.0
	for i := range channels[0] {
		sum := 0.0
		for _, ch := range channels {
			sum += float64(ch[i])
		}
		mixed += sum * sum
	}
	// In-phase channels give len·total, independent ones give total.
	if total > 0 && mixed < 1e-4*total {
		warnings = append(warnings, fmt.Sprintf("%d channels cancel each other when averaged (opposite phase): choose one channel",
			len(channels)))
	}
	return warnings
}

func sumSquares(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}
