package tensorboard

import (
	"encoding/binary"
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of event.proto, summary.proto, tensor.proto and tensor_shape.proto of TensorBoard (tensorboard/compat/proto)
// that scalars need.
const (
	eventWallTime   = 1 // double, seconds since 1970
	eventStep       = 2 // int64
	eventSummary    = 5 // Summary
	eventSessionLog = 7 // SessionLog
	sessionStatus   = 1 // enum
	sessionStart    = 1
	summaryValue    = 1 // repeated Value
	valueTag        = 1 // string
	valueSimple     = 2 // float
	valueTensor     = 8 // TensorProto
	valueMetadata   = 9 // SummaryMetadata
	metadataPlugin  = 1 // PluginData
	pluginName      = 1 // string
	tensorType      = 1 // enum DataType
	tensorShape     = 2 // TensorShapeProto
	tensorContent   = 4 // bytes, little endian
	tensorFloat     = 5 // the others are repeated
	tensorDouble    = 6
	tensorInt       = 7
	tensorInt64     = 10
	tensorHalf      = 13 // bits in an int32, also of bfloat16
	tensorUint32    = 16
	tensorUint64    = 17
	shapeDim        = 2 // repeated Dim
	dimSize         = 1 // int64
)

// The data types of types.proto.
const (
	typeFloat    = 1
	typeDouble   = 2
	typeInt32    = 3
	typeUint8    = 4
	typeInt16    = 5
	typeInt8     = 6
	typeInt64    = 9
	typeBfloat16 = 14
	typeUint16   = 17
	typeHalf     = 19
	typeUint32   = 22
	typeUint64   = 23
)

var errWire = errors.New("not a message of the kind that is expected here")

// event is what matters of an Event.
type event struct {
	wallTime float64
	step     int64
	start    bool // a process began, and what earlier ones logged from step on is void
	scalars  []scalar
}

// scalar is a number of a summary.
type scalar struct {
	tag   []byte // valid as long as the message
	value float64
}

// field is one field of a message.
type field struct {
	number protowire.Number
	wire   protowire.Type
	bits   uint64 // of a number
	bytes  []byte // of anything else
}

// fields calls visit with each field of a message. Groups, which these messages do not use, are passed over.
func fields(message []byte, visit func(f field) error) error {
	for len(message) > 0 {
		number, wire, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errWire
		}
		message = message[n:]
		f := field{number: number, wire: wire}
		switch wire {
		case protowire.VarintType:
			f.bits, n = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message)
			f.bits = uint64(v)
		case protowire.Fixed64Type:
			f.bits, n = protowire.ConsumeFixed64(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, wire, message)
		}
		if n < 0 {
			return errWire
		}
		message = message[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// parseEvent reads an Event into e.
func parseEvent(message []byte, e *event) error {
	*e = event{scalars: e.scalars[:0]}
	return fields(message, func(f field) error {
		switch {
		case f.number == eventWallTime && f.wire == protowire.Fixed64Type:
			e.wallTime = math.Float64frombits(f.bits)
		case f.number == eventStep && f.wire == protowire.VarintType:
			e.step = int64(f.bits)
		case f.number == eventSessionLog && f.wire == protowire.BytesType:
			return fields(f.bytes, func(f field) error {
				if f.number == sessionStatus && f.wire == protowire.VarintType {
					e.start = f.bits == sessionStart
				}
				return nil
			})
		case f.number == eventSummary && f.wire == protowire.BytesType:
			return fields(f.bytes, func(f field) error {
				if f.number != summaryValue || f.wire != protowire.BytesType {
					return nil
				}
				s, ok, err := parseValue(f.bytes)
				if ok {
					e.scalars = append(e.scalars, s)
				}
				return err
			})
		}
		return nil
	})
}

// parseValue reads a Summary.Value. ok is false when it is no scalar.
func parseValue(message []byte) (s scalar, ok bool, err error) {
	plugin := ""
	err = fields(message, func(f field) error {
		switch {
		case f.number == valueTag && f.wire == protowire.BytesType:
			s.tag = f.bytes
		case f.number == valueSimple && f.wire == protowire.Fixed32Type:
			s.value, ok = float64(math.Float32frombits(uint32(f.bits))), true
		case f.number == valueTensor && f.wire == protowire.BytesType:
			var err error
			s.value, ok, err = parseTensor(f.bytes)
			return err
		case f.number == valueMetadata && f.wire == protowire.BytesType:
			return fields(f.bytes, func(f field) error {
				if f.number != metadataPlugin || f.wire != protowire.BytesType {
					return nil
				}
				return fields(f.bytes, func(f field) error {
					if f.number == pluginName && f.wire == protowire.BytesType {
						plugin = string(f.bytes)
					}
					return nil
				})
			})
		}
		return nil
	})
	return s, ok && (plugin == "" || plugin == "scalars"), err
}

// parseTensor returns the only element of a TensorProto. ok is false when it has none or many, or no numbers.
func parseTensor(message []byte) (v float64, ok bool, err error) {
	dataType, elements := uint64(0), int64(1)
	var content []byte
	var values []field // of all fields that hold elements; those of the type are used
	err = fields(message, func(f field) error {
		switch f.number {
		case tensorType:
			dataType = f.bits
		case tensorShape:
			return fields(f.bytes, func(f field) error {
				if f.number != shapeDim || f.wire != protowire.BytesType {
					return nil
				}
				size := int64(0)
				err := fields(f.bytes, func(f field) error {
					if f.number == dimSize && f.wire == protowire.VarintType {
						size = int64(f.bits)
					}
					return nil
				})
				if size != 1 {
					elements = 0
				}
				return err
			})
		case tensorContent:
			content = f.bytes
		case tensorFloat, tensorDouble, tensorInt, tensorInt64, tensorHalf, tensorUint32, tensorUint64:
			values = append(values, f)
		}
		return nil
	})
	if err != nil || elements != 1 {
		return 0, false, err
	}
	kind, ok := elementTypes[dataType]
	if !ok {
		return 0, false, nil
	}
	if len(content) > 0 {
		if len(content) != kind.size {
			return 0, false, errWire
		}
		var b [8]byte
		copy(b[:], content)
		return kind.value(binary.LittleEndian.Uint64(b[:])), true, nil
	}
	count := 0
	for _, f := range values {
		if f.number != kind.field {
			continue
		}
		bits, n := f.bits, 1
		if f.wire == protowire.BytesType { // packed
			if bits, n = packed(f.bytes, kind.packed); n < 0 {
				return 0, false, errWire
			}
		}
		if count += n; n == 1 {
			v = kind.value(bits)
		}
	}
	return v, count == 1, nil
}

// packed returns the first element of a packed field, and how many there are; a negative number if it is damaged.
func packed(data []byte, wire protowire.Type) (first uint64, count int) {
	for len(data) > 0 {
		var v uint64
		var n int
		switch wire {
		case protowire.Fixed32Type:
			var w uint32
			w, n = protowire.ConsumeFixed32(data)
			v = uint64(w)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(data)
		default:
			v, n = protowire.ConsumeVarint(data)
		}
		if n < 0 {
			return 0, -1
		}
		if count == 0 {
			first = v
		}
		data = data[n:]
		count++
	}
	return first, count
}

// elementType says where the elements of a data type stand and what their bits mean.
type elementType struct {
	field  protowire.Number
	packed protowire.Type
	size   int // bytes in tensor_content
	value  func(bits uint64) float64
}

var elementTypes = map[uint64]elementType{
	typeFloat:    {tensorFloat, protowire.Fixed32Type, 4, func(b uint64) float64 { return float64(math.Float32frombits(uint32(b))) }},
	typeDouble:   {tensorDouble, protowire.Fixed64Type, 8, math.Float64frombits},
	typeInt8:     {tensorInt, protowire.VarintType, 1, func(b uint64) float64 { return float64(int8(b)) }},
	typeInt16:    {tensorInt, protowire.VarintType, 2, func(b uint64) float64 { return float64(int16(b)) }},
	typeInt32:    {tensorInt, protowire.VarintType, 4, func(b uint64) float64 { return float64(int32(b)) }},
	typeInt64:    {tensorInt64, protowire.VarintType, 8, func(b uint64) float64 { return float64(int64(b)) }},
	typeUint8:    {tensorInt, protowire.VarintType, 1, func(b uint64) float64 { return float64(uint8(b)) }},
	typeUint16:   {tensorInt, protowire.VarintType, 2, func(b uint64) float64 { return float64(uint16(b)) }},
	typeUint32:   {tensorUint32, protowire.VarintType, 4, func(b uint64) float64 { return float64(uint32(b)) }},
	typeUint64:   {tensorUint64, protowire.VarintType, 8, func(b uint64) float64 { return float64(b) }},
	typeHalf:     {tensorHalf, protowire.VarintType, 2, half},
	typeBfloat16: {tensorHalf, protowire.VarintType, 2, func(b uint64) float64 { return float64(math.Float32frombits(uint32(b) << 16)) }},
}

// half returns the value of a number of IEEE 754 binary16.
func half(bits uint64) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	v := 0.0
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 0x1f:
		if v = math.Inf(1); fraction != 0 {
			return math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15&1 == 1 {
		v = -v
	}
	return v
}
