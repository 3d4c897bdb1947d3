// Package flac decodes and encodes FLAC (RFC 9639), the lossless format in which most corpora of read speech are handed
// out and in which the store keeps recordings small. It exists because both are on the path of every hour of audio: the
// decoder takes a few nanoseconds a sample on one core, about a third less than FFmpeg's and several times less than
// decoders that read bit by bit through an io.Reader.
//
// What makes it fast: the file lies in memory as a whole; Rice codes are taken several at a time from one 64-bit word, with
// a single check that the word held them all; a linear predictor computes two samples with one multiplication; and nothing
// is allocated for a frame. What makes it safe: each frame is verified by its two checksums, a sample never exceeds its bit
// depth, and memory follows the frames that are there and not what a header claims.
package flac

import (
	"crypto/md5"
	"errors"
	"fmt"
	"hash"
	"io"
)

var (
	// ErrCorrupt is wrapped by errors about data that is not FLAC or is damaged: a checksum differs, a code is reserved.
	ErrCorrupt = errors.New("corrupt FLAC data")
	// ErrTruncated is wrapped by errors about data that ends inside the metadata or inside a frame. What Next returned
	// before is whole.
	ErrTruncated = errors.New("FLAC data ends too early")
)

// Decoder decodes one stream. It is not safe for concurrent use.
type Decoder struct {
	info Info
	data []byte // the whole file; nil for packets
	at   int    // where in data the next frame begins
	done uint64 // samples of each channel that were decoded
	err  error  // the first error of Next, for good

	bits   bitReader
	sub    subframe
	planes [][]int32 // (channel, pad + sample): the frame, behind what predictors may look back to
	block  [][]int32 // (channel, sample): what Next returns, parts of planes
	wide   []int64   // (pad + sample): the 33-bit difference of two 32-bit channels

	sum     hash.Hash // MD5 over the samples
	packed  []byte    // a part of a block as sum wants it
	skipMD5 bool
}

// NewDecoder reads the metadata of a file that begins with "fLaC". It keeps data, which must not change while the Decoder
// is in use. Errors wrap ErrCorrupt or ErrTruncated.
func NewDecoder(data []byte) (*Decoder, error) {
	info, at, err := readMetadata(data)
	if err != nil {
		return nil, fmt.Errorf("flac: %w", err)
	}
	return &Decoder{info: info, data: data, at: at, sum: md5.New()}, nil
}

// NewPacketDecoder takes the 34 bytes of a STREAMINFO block without its header. Containers such as Ogg hold them apart
// from the frames, which then come by DecodeFrame.
func NewPacketDecoder(streamInfo []byte) (*Decoder, error) {
	info, err := readStreamInfo(streamInfo)
	if err != nil {
		return nil, fmt.Errorf("flac: %w", err)
	}
	return &Decoder{info: info, sum: md5.New()}, nil
}

// Info returns what STREAMINFO says.
func (d *Decoder) Info() Info { return d.info }

// Next decodes the next frame and returns its samples as (channel, sample), each in [-2^(Bits-1), 2^(Bits-1)). They are
// valid until the next call. It returns io.EOF behind the last sample that STREAMINFO promises, whatever follows, and at
// the end of the data; a file that ends between two frames shows only in the number of samples. Other errors wrap
// ErrCorrupt or ErrTruncated and are final.
func (d *Decoder) Next() ([][]int32, error) {
	if d.err != nil {
		return nil, d.err
	}
	rest := d.data[d.at:]
	switch {
	case d.info.Samples > 0 && d.done >= d.info.Samples, len(rest) == 0:
		d.err = io.EOF
	case d.info.Samples == 0 && len(rest) >= 3 && string(rest[:3]) == "TAG": // ID3v1 behind a stream of unknown length
		d.err = io.EOF
	default:
		var used int
		if used, d.err = d.decode(rest); d.err == nil {
			d.at += used
			return d.block, nil
		}
		d.err = fmt.Errorf("flac: frame at byte %d, after sample %d: %w", d.at, d.done, d.err)
	}
	return nil, d.err
}

// DecodeFrame decodes a packet that holds exactly one frame. The samples and errors are those of Next, but an error is
// not final: the next packet stands for itself.
func (d *Decoder) DecodeFrame(packet []byte) ([][]int32, error) {
	used, err := d.decode(packet)
	if err == nil && used != len(packet) {
		err = fmt.Errorf("%d bytes behind the frame: %w", len(packet)-used, ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("flac: packet after sample %d: %w", d.done, err)
	}
	return d.block, nil
}

// SkipMD5 leaves out the MD5, which takes as long as all the rest of a frame. The frames' own checksums are always verified. It must be called
// before the first frame; MD5 then returns zeros.
func (d *Decoder) SkipMD5() { d.skipMD5 = true }

// decode decodes the frame at the start of data into d.block and returns its length in bytes.
func (d *Decoder) decode(data []byte) (int, error) {
	used, err := d.frame(data)
	if err != nil {
		return 0, err
	}
	d.done += uint64(len(d.block[0]))
	if !d.skipMD5 {
		d.addMD5()
	}
	return used, nil
}
