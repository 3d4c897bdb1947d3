package vocab

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/eliben/go-sentencepiece"
	"google.golang.org/protobuf/encoding/protowire"
)

// Types of pieces, ModelProto.SentencePiece.Type of sentencepiece_model.proto.
const (
	normalPiece      = 1
	unknownPiece     = 2
	controlPiece     = 3
	userDefinedPiece = 4
	bytePiece        = 6
)

// Field numbers of sentencepiece_model.proto.
const (
	modelPieces, modelTrainer, modelNormalizer                       = 1, 2, 3
	pieceText, pieceScore, pieceType                                 = 1, 2, 3
	trainerType, trainerSize, trainerSuffix                          = 3, 4, 24
	normalizerName, normalizerPrefix, normalizerTrim, normalizerMark = 1, 3, 4, 5
)

// Kinds of models, TrainerSpec.ModelType.
var modelKinds = map[uint64]string{unigramModel: "unigram", bpeModel: "bpe", 3: "word", 4: "char"}

const (
	unigramModel = 1 // the default
	bpeModel     = 2
)

// maxUserDefined bounds the pieces that are matched before all others: the library keeps them in a trie of maps.
const maxUserDefined = 1 << 10

// piece is one of a SentencePiece model.
type piece struct {
	text  string
	score float32
	kind  uint64
}

// readModel reads the pieces and the kind, bpe or unigram, of a SentencePiece model file. What it returns can be given to the library, which trusts its input.
func readModel(raw []byte) (list []piece, kind uint64, err error) {
	kind = unigramModel
	suffix, mark := uint64(0), uint64(1)
	err = eachField(raw, func(number protowire.Number, n uint64, text []byte) error {
		switch number {
		case modelPieces:
			if len(list) == maxTokens {
				return fmt.Errorf("more than %d pieces", maxTokens)
			}
			p, err := readPiece(text)
			if err != nil {
				return fmt.Errorf("piece %d: %w", len(list), err)
			}
			list = append(list, p)
			return nil
		case modelTrainer:
			return eachField(text, func(number protowire.Number, n uint64, _ []byte) error {
				switch number {
				case trainerType:
					kind = n
				case trainerSuffix:
					suffix = n
				}
				return nil
			})
		case modelNormalizer:
			return eachField(text, func(number protowire.Number, n uint64, _ []byte) error {
				if number == normalizerMark {
					mark = n
				}
				return nil
			})
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("vocab: no SentencePiece model: %w", err)
	case len(list) == 0:
		return nil, 0, errors.New("vocab: no SentencePiece model: there are no pieces")
	case kind != bpeModel && kind != unigramModel:
		name := modelKinds[kind]
		if name == "" {
			name = fmt.Sprintf("unknown (%d)", kind)
		}
		return nil, 0, fmt.Errorf("vocab: the SentencePiece model is of kind %s, only bpe and unigram are supported: make it with \"aural vocab train\", or spm_train --model_type=unigram or bpe", name)
	case suffix != 0 || mark == 0:
		return nil, 0, fmt.Errorf("vocab: the SentencePiece model does not mark the beginning of words with %s (treat_whitespace_as_suffix or escape_whitespaces)", WordMark)
	}
	return list, kind, nil
}

func readPiece(raw []byte) (piece, error) {
	p := piece{kind: normalPiece}
	err := eachField(raw, func(number protowire.Number, n uint64, text []byte) error {
		switch number {
		case pieceText:
			if len(text) > maxToken {
				return fmt.Errorf("it has %d bytes, more than %d", len(text), maxToken)
			}
			p.text = string(text)
		case pieceScore:
			p.score = math.Float32frombits(uint32(n))
		case pieceType:
			p.kind = n
		}
		return nil
	})
	switch {
	case err != nil:
	case p.kind < normalPiece || p.kind > bytePiece || p.kind == 5:
		err = fmt.Errorf("%q is of type %d; normal, unknown, control, user-defined and byte pieces are supported", p.text, p.kind)
	case p.score != p.score:
		err = fmt.Errorf("%q has the score NaN", p.text)
	}
	return p, err
}

// eachField calls f with the fields of a protobuf message: n for numbers, text for what has a length.
func eachField(raw []byte, f func(number protowire.Number, n uint64, text []byte) error) error {
	for len(raw) > 0 {
		number, kind, size := protowire.ConsumeTag(raw)
		if size < 0 {
			return protowire.ParseError(size)
		}
		raw = raw[size:]
		var n uint64
		var text []byte
		switch kind {
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(raw)
		case protowire.Fixed32Type:
			var x uint32
			x, size = protowire.ConsumeFixed32(raw)
			n = uint64(x)
		case protowire.BytesType:
			text, size = protowire.ConsumeBytes(raw)
		default:
			size = protowire.ConsumeFieldValue(number, kind, raw)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		raw = raw[size:]
		if err := f(number, n, text); err != nil {
			return err
		}
	}
	return nil
}

// writeModel is the file of a model of a kind. trim says that the model has the program which reads it put a mark before the first word and drop other white space,
// as spm_train does.
func writeModel(kind uint64, pieces []piece, trim bool) []byte {
	message := func(dst []byte, number protowire.Number, body []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), body)
	}
	number := func(dst []byte, number protowire.Number, n uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(dst, number, protowire.VarintType), n)
	}
	var out, body []byte
	for _, p := range pieces {
		body = message(body[:0], pieceText, []byte(p.text))
		body = protowire.AppendFixed32(protowire.AppendTag(body, pieceScore, protowire.Fixed32Type), math.Float32bits(p.score))
		body = number(body, pieceType, p.kind)
		out = message(out, modelPieces, body)
	}
	out = message(out, modelTrainer, number(number(nil, trainerType, kind), trainerSize, uint64(len(pieces))))
	flag := protowire.EncodeBool(trim)
	body = message(body[:0], normalizerName, []byte("identity"))
	return message(out, modelNormalizer, number(number(number(body, normalizerPrefix, flag), normalizerTrim, flag), normalizerMark, 1))
}

// speller cuts words into pieces by merges: the only place that knows the library.
type speller struct {
	processor *sentencepiece.Processor
	first     int32 // the label of the library's piece 1; its piece 0 is the unknown one
}

// newSpeller takes the pieces that words are made of; the first has the label first.
func newSpeller(pieces []piece, first int) (s *speller, err error) {
	defer rescue(&err)
	users := 0
	for _, p := range pieces {
		if p.kind == userDefinedPiece {
			users++
		}
	}
	if users > maxUserDefined {
		return nil, fmt.Errorf("vocab: the SentencePiece model has %d user-defined pieces, more than %d", users, maxUserDefined)
	}
	all := append([]piece{{text: UnknownToken, kind: unknownPiece}}, pieces...)
	p, err := sentencepiece.NewProcessor(bytes.NewReader(writeModel(bpeModel, all, false)))
	if err != nil {
		return nil, fmt.Errorf("vocab: SentencePiece model: %w", err)
	}
	return &speller{p, int32(first)}, nil
}

// spell gives the labels of a word. at is the byte of it that no piece spells, -1 when all is well. A word must be UTF-8 without white space.
func (s *speller) spell(word string) (ids []int32, at int, err error) {
	if at = strings.Index(word, WordMark); at >= 0 {
		return nil, at, nil
	}
	defer rescue(&err)
	at = -len(WordMark)
	for _, t := range s.processor.Encode(" " + word) {
		if t.ID == 0 {
			return nil, max(at, 0), nil
		}
		ids = append(ids, s.first+int32(t.ID)-1)
		at += len(t.Text)
	}
	return ids, -1, nil
}

// rescue turns a panic of the library into an error.
func rescue(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("vocab: SentencePiece: %v", r)
	}
}
