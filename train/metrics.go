package train

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"aural/runlog"
)

// metric is one number of a tagged struct.
type metric struct {
	name  string
	value *float64
	sum   bool // added up instead of averaged
}

// metrics lists the numbers of the struct that p points to (see Task.Metrics). They are found once; reading them later allocates nothing.
func metrics(p any) ([]metric, error) {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("train: metrics are a %T, want a pointer to a struct", p)
	}
	out, err := appendMetrics(nil, v.Elem())
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(out))
	for _, m := range out {
		if seen[m.name] {
			return nil, fmt.Errorf("train: two metrics of %T are called %q", p, m.name)
		}
		seen[m.name] = true
	}
	return out, nil
}

func appendMetrics(out []metric, v reflect.Value) ([]metric, error) {
	for i := range v.NumField() {
		f, field := v.Type().Field(i), v.Field(i)
		tag, tagged := f.Tag.Lookup("metric")
		if f.Anonymous && !tagged && field.Kind() == reflect.Struct {
			var err error
			if out, err = appendMetrics(out, field); err != nil {
				return nil, err
			}
			continue
		}
		if !tagged {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		if name == "" || option != "" && option != "sum" || !f.IsExported() {
			return nil, fmt.Errorf("train: field %s.%s has the tag metric:%q: want an exported field with `metric:\"name\"` or `metric:\"name,sum\"`", v.Type(), f.Name, tag)
		}
		sum := option == "sum"
		switch p := field.Addr().Interface().(type) {
		case *float64:
			out = append(out, metric{name, p, sum})
		default:
			if k := field.Kind(); k != reflect.Array && k != reflect.Slice || field.Type().Elem().Kind() != reflect.Float64 {
				return nil, fmt.Errorf("train: metric %q is a %s, want float64 or an array or slice of float64", name, f.Type)
			}
			for j := range field.Len() {
				out = append(out, metric{name + "/" + strconv.Itoa(j), field.Index(j).Addr().Interface().(*float64), sum})
			}
		}
	}
	return out, nil
}

// find is the position of a metric, -1 when there is none.
func find(list []metric, name string) int {
	for i, m := range list {
		if m.name == name {
			return i
		}
	}
	return -1
}

// values turns a tagged struct into what a record holds.
func values(p any) ([]runlog.Value, error) {
	list, err := metrics(p)
	if err != nil {
		return nil, err
	}
	out := make([]runlog.Value, len(list))
	for i, m := range list {
		out[i] = runlog.Value{Name: m.name, Value: *m.value}
	}
	return out, nil
}

// tally adds up what a number of micro-batches measured: Σ weight·value of every metric, or Σ value of those that are sums.
type tally struct {
	totals       []float64
	sampleSize   float64
	audioSeconds float64
	codes        Counts // of a [Coded] task
}

func (t *tally) reset() {
	clear(t.totals)
	clear(t.codes)
	t.sampleSize, t.audioSeconds = 0, 0
}

// take adds the present values of a micro-batch.
func (t *tally) take(list []metric, m *Measured) {
	for i := range list {
		if list[i].sum {
			t.totals[i] += *list[i].value
		} else {
			t.totals[i] += m.SampleSize * *list[i].value
		}
	}
	t.sampleSize += m.SampleSize
	t.audioSeconds += m.AudioSeconds
}

// merge adds the totals of an update.
func (t *tally) merge(u *tally) {
	for i, x := range u.totals {
		t.totals[i] += x
	}
	for i, n := range u.codes {
		t.codes[i] += n
	}
	t.sampleSize += u.sampleSize
	t.audioSeconds += u.audioSeconds
}

// mean is the average of metric i, or its sum if it is one.
func (t *tally) mean(list []metric, i int) float64 {
	if list[i].sum {
		return t.totals[i]
	}
	return t.totals[i] / t.sampleSize
}

// Number is a float64 that survives JSON also when it is not finite, as "NaN", "Inf" or "-Inf".
type Number float64

// MarshalJSON writes the shortest decimal that reads back to the same bits. All NaNs are one NaN.
func (n Number) MarshalJSON() ([]byte, error) {
	switch x := float64(n); {
	case math.IsNaN(x):
		return []byte(`"NaN"`), nil
	case math.IsInf(x, 0):
		if x < 0 {
			return []byte(`"-Inf"`), nil
		}
		return []byte(`"Inf"`), nil
	default:
		return json.Marshal(x)
	}
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Number) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`:
		*n = Number(math.NaN())
	case `"Inf"`:
		*n = Number(math.Inf(1))
	case `"-Inf"`:
		*n = Number(math.Inf(-1))
	default:
		return json.Unmarshal(data, (*float64)(n))
	}
	return nil
}
