package runlog

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"aural/internal/tfrecord"

	"google.golang.org/protobuf/encoding/protowire"
)

// The field numbers of event.proto and summary.proto of TensorBoard (tensorboard/compat/proto), as far as scalars need
// them.
const (
	eventWallTime    = 1 // double, seconds
	eventStep        = 2 // int64
	eventFileVersion = 3 // string
	eventSummary     = 5 // Summary
	eventSessionLog  = 7 // SessionLog
	sessionStatus    = 1 // enum; START = 1
	summaryValue     = 1 // repeated Value
	valueTag         = 1 // string
	valueSimple      = 2 // float
	valueMetadata    = 9 // SummaryMetadata
	metaPlugin       = 1 // PluginData
	metaDescription  = 3 // string
	pluginName       = 1 // string

	boardVersion = "brain.Event:2"
	scalars      = "scalars"
)

// board mirrors records into a TensorBoard event file. It holds one file per process; TensorBoard joins the files of a
// directory in the order of their names.
type board struct {
	out                                 *sink
	seen                                map[string]struct{} // tags whose description was written
	event, summary, value, meta, framed []byte
}

// openBoard begins the event file of a process that continues after step; 0 begins a run. TensorBoard drops what earlier
// files hold from the step of a session start on.
func openBoard(dir string, step int64, now time.Time, host string, pid int, report func(error)) (*board, *os.File, error) {
	for i := 0; ; i++ {
		// Nanoseconds are not part of the customary name; the counter tells apart what one second and process open.
		path := filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%010d.%s.%d.%d", now.Unix(), host, pid, i))
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		out, f, err := openSink(path, report)
		if err != nil {
			return nil, nil, err
		}
		b := &board{out: out, seen: make(map[string]struct{})}
		b.begin(0, now)
		b.event = protowire.AppendTag(b.event, eventFileVersion, protowire.BytesType)
		b.event = protowire.AppendString(b.event, boardVersion)
		b.write(now)
		b.begin(step+1, now)
		b.event = protowire.AppendTag(b.event, eventSessionLog, protowire.BytesType)
		b.event = protowire.AppendBytes(b.event, []byte{sessionStatus << 3, 1})
		b.write(now)
		return b, f, nil
	}
}

// begin starts an Event message.
func (b *board) begin(step int64, at time.Time) {
	b.event = protowire.AppendTag(b.event[:0], eventWallTime, protowire.Fixed64Type)
	b.event = protowire.AppendFixed64(b.event, math.Float64bits(float64(at.UnixMicro())/1e6))
	b.event = protowire.AppendTag(b.event, eventStep, protowire.VarintType)
	b.event = protowire.AppendVarint(b.event, uint64(step))
}

// record mirrors r as one Event with a simple value for each number. Numbers lose precision here: TensorBoard keeps
// float32.
func (b *board) record(r *Record, now time.Time) {
	b.summary = b.summary[:0]
	for _, v := range r.Values {
		b.value = protowire.AppendTag(b.value[:0], valueTag, protowire.BytesType)
		b.value = protowire.AppendVarint(b.value, uint64(len(r.Kind)+1+len(v.Name)))
		tag := len(b.value)
		b.value = append(b.value, r.Kind...)
		b.value = append(b.value, '/')
		b.value = append(b.value, v.Name...)
		_, described := b.seen[string(b.value[tag:])]
		if !described {
			b.seen[string(b.value[tag:])] = struct{}{}
		}
		b.value = protowire.AppendTag(b.value, valueSimple, protowire.Fixed32Type)
		b.value = protowire.AppendFixed32(b.value, math.Float32bits(float32(v.Value)))
		if !described {
			b.describe(v.Name)
		}
		b.summary = protowire.AppendTag(b.summary, summaryValue, protowire.BytesType)
		b.summary = protowire.AppendBytes(b.summary, b.value)
	}
	b.begin(r.Step, r.Time)
	b.event = protowire.AppendTag(b.event, eventSummary, protowire.BytesType)
	b.event = protowire.AppendBytes(b.event, b.summary)
	b.write(now)
}

// describe adds to b.value what TensorBoard wants to know of a series once: that it holds scalars, and the description
// that it shows beside the chart.
func (b *board) describe(name string) {
	b.meta = protowire.AppendTag(b.meta[:0], metaPlugin, protowire.BytesType)
	b.meta = append(b.meta, byte(2+len(scalars)), pluginName<<3|byte(protowire.BytesType), byte(len(scalars)))
	b.meta = append(b.meta, scalars...)
	if m, ok := metricByName(name); ok {
		text := m.Description
		if m.Unit != "" {
			text += " (" + m.Unit + ")"
		}
		b.meta = protowire.AppendTag(b.meta, metaDescription, protowire.BytesType)
		b.meta = protowire.AppendString(b.meta, text)
	}
	b.value = protowire.AppendTag(b.value, valueMetadata, protowire.BytesType)
	b.value = protowire.AppendBytes(b.value, b.meta)
}

// write appends the frame of b.event to the file.
func (b *board) write(now time.Time) {
	b.framed = tfrecord.Append(b.framed[:0], b.event)
	b.out.write(b.framed, now)
}
