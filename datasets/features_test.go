package datasets

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"pgregory.net/rapid"
)

// What is written comes back, NaN and empty lists included; an error leaves nothing behind.
func TestFeaturesRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var batches [][]FeatureRow
		var all []FeatureRow
		for range rapid.IntRange(0, 4).Draw(t, "batches") {
			var batch []FeatureRow
			for range rapid.IntRange(0, 3).Draw(t, "rows") {
				r := FeatureRow{ID: rapid.String().Draw(t, "id"), Layer: rapid.SampledFrom([]string{"0", "12", "conv", "codes"}).Draw(t, "layer"),
					Frames: rapid.IntRange(0, 5).Draw(t, "frames"), Dim: rapid.IntRange(1, 4).Draw(t, "dim")}
				n := r.Frames * r.Dim
				if r.Layer == "codes" {
					r.Codes = rapid.SliceOfN(rapid.Int32(), n, n).Draw(t, "codes")
				} else {
					r.Values = rapid.SliceOfN(rapid.Float32(), n, n).Draw(t, "values")
				}
				batch = append(batch, r)
			}
			batches, all = append(batches, batch), append(all, batch...)
		}
		path := filepath.Join(dir, "f.arrow")
		want := map[string]string{"model": "m", "layers": "0,12"}
		if err := WriteFeatures(path, want, func(add func(...FeatureRow) error) error {
			for _, b := range batches {
				if err := add(b...); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var got []FeatureRow
		settings, err := readFeatures(path, func(r FeatureRow) error { got = append(got, r); return nil })
		if err != nil || !reflect.DeepEqual(settings, want) || !reflect.DeepEqual(got, all) {
			t.Fatalf("%v, %v\n%+v\n%+v", settings, err, got, all)
		}
	})
	path := filepath.Join(dir, "g.arrow")
	if err := WriteFeatures(path, nil, func(add func(...FeatureRow) error) error {
		return add(FeatureRow{ID: "a", Layer: "1", Frames: 1, Dim: 2, Values: []float32{float32(math.NaN())}})
	}); err == nil || !strings.Contains(err.Error(), "1 values and 0 codes for 1 frames of 2") {
		t.Errorf("%v", err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("%d files are left", len(list))
	}
}

// readFeatures reads a file of WriteFeatures row by row, with its settings.
func readFeatures(path string, take func(FeatureRow) error) (settings map[string]string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := ipc.NewFileReader(f)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", path, err)
	}
	defer r.Close()
	metadata := r.Schema().Metadata()
	settings = metadata.ToMap()
	if !r.Schema().Equal(featureSchema(settings)) {
		return nil, fmt.Errorf("datasets: %s is no file of features: its columns are %v", path, r.Schema().Fields())
	}
	for i := range r.NumRecords() {
		batch, err := r.Record(i)
		if err != nil {
			return nil, fmt.Errorf("datasets: %s: %w", path, err)
		}
		for k := range int(batch.NumRows()) {
			if err := take(featureAt(batch, k)); err != nil {
				return nil, err
			}
		}
	}
	return settings, nil
}

func featureAt(batch arrow.Record, k int) FeatureRow {
	r := FeatureRow{ID: batch.Column(0).(*array.String).Value(k), Layer: batch.Column(1).(*array.String).Value(k),
		Frames: int(batch.Column(2).(*array.Int32).Value(k)), Dim: int(batch.Column(3).(*array.Int32).Value(k))}
	values, codes := batch.Column(4).(*array.List), batch.Column(5).(*array.List)
	if values.IsValid(k) {
		from, to := values.ValueOffsets(k)
		r.Values = append([]float32{}, values.ListValues().(*array.Float32).Float32Values()[from:to]...)
	}
	if codes.IsValid(k) {
		from, to := codes.ValueOffsets(k)
		r.Codes = append([]int32{}, codes.ListValues().(*array.Int32).Int32Values()[from:to]...)
	}
	return r
}
