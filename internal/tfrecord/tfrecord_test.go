package tfrecord

import (
	"encoding/hex"
	"errors"
	"testing"
)

// The frame of an event file version, as TensorBoard 2.21.0 writes it.
func TestFrame(t *testing.T) {
	const want = "1a00000000000000129bd82d09000010546a4ada4110031a0d627261696e2e4576656e743a329abbf615"
	message, err := hex.DecodeString("09000010546a4ada4110031a0d627261696e2e4576656e743a32")
	if err != nil {
		t.Fatal(err)
	}
	frame := Append(nil, message)
	if got := hex.EncodeToString(frame); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	n, err := Length(frame[:HeadSize])
	if err != nil || n != uint64(len(message)) {
		t.Fatalf("length %d, %v", n, err)
	}
	if back, err := Message(frame); err != nil || string(back) != string(message) {
		t.Fatalf("message % x, %v", back, err)
	}
	for i := range frame {
		for bit := range 8 {
			frame[i] ^= 1 << bit
			_, lengthErr := Length(frame[:HeadSize])
			_, messageErr := Message(frame)
			if errors.Is(lengthErr, ErrLength) != (i < HeadSize) || errors.Is(messageErr, ErrMessage) != (i >= HeadSize) {
				t.Fatalf("bit %d of byte %d: %v, %v", bit, i, lengthErr, messageErr)
			}
			frame[i] ^= 1 << bit
		}
	}
}
