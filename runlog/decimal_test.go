package runlog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// sameAsStrconv checks that decimal takes s for the number that strconv takes it for.
func sameAsStrconv(t *testing.T, s string) {
	t.Helper()
	want, err := strconv.ParseFloat(s, 64)
	got, n := decimal([]byte(s))
	if err != nil && n == len(s) || err == nil && (n != len(s) || math.Float64bits(got) != math.Float64bits(want)) {
		t.Fatalf("%q: got %v from %d bytes, want %v, %v", s, got, n, want, err)
	}
	// What follows a number does not matter.
	if v, m := decimal([]byte(s + `,"x":1}`)); err == nil && (m != len(s) || math.Float64bits(v) != math.Float64bits(got)) {
		t.Fatalf("%q followed by others: got %v from %d bytes", s, v, m)
	}
}

func TestDecimal(t *testing.T) {
	for _, s := range []string{"0", "-0", "0.0", "1", "-1.5", "1e5", "1e-07", "1E5", "1e+22", "1e23", "9007199254740993", "9007199254740993e-1",
		"18446744073709551615", "18446744073709551616", "123456789012345678901234567890", "0.000000000000000000000000000001", "5e-324", "2.2250738585072011e-308",
		"1.7976931348623157e+308", "1.8e308", "1e400", "1e-400", "0e999999999999", "", "-", ".", "-.", "1.", ".5", "+1", "1e", "1e-", "1e+", "--1", "1.2.3",
		"0x10", "1_0", "inf", "nan", "9.5367431640625e-07", "8.5", "4503599627370496.5", "4503599627370497.5", "9007199254740991.9", "-18014398509481983.9e10", "1e00000000000000000005", "00000000000000000000000.5"} {
		want, err := strconv.ParseFloat(s, 64)
		got, n := decimal([]byte(s))
		switch s {
		case "1E5", "+1", "inf", "nan", "0x10", "1_0": // strconv takes them, JSON does not, or we write no such
			if n == len(s) {
				t.Errorf("%q is taken", s)
			}
			continue
		}
		if err != nil && n == len(s) && n > 0 || err == nil && (n != len(s) || math.Float64bits(got) != math.Float64bits(want)) {
			t.Errorf("%q: got %v from %d bytes, want %v, %v", s, got, n, want, err)
		}
	}
}

// Numbers of every size and precision are rounded as by strconv, also those half way between two.
func TestDecimalRounds(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 5))
	for range 30_000 {
		v := math.Float64frombits(random.Uint64())
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		sameAsStrconv(t, strconv.FormatFloat(v, 'g', -1, 64))
		small := random.NormFloat64() * math.Pow(10, float64(random.IntN(20)-10))
		sameAsStrconv(t, strconv.FormatFloat(small, 'g', -1, 64))
		sameAsStrconv(t, strconv.FormatFloat(small, 'g', -1, 32))
		sameAsStrconv(t, strconv.FormatFloat(small, 'f', random.IntN(22), 64))
		sameAsStrconv(t, fmt.Sprintf("%de%d", random.Uint64()>>random.IntN(64), random.IntN(140)-70))
		// The middle between two neighbours, and just beside it.
		u := uint64(1)<<53 + random.Uint64()>>11
		sameAsStrconv(t, strconv.FormatUint(2*u+1, 10))
		sameAsStrconv(t, strconv.FormatUint(2*u+1, 10)+"00000e-5")
		sameAsStrconv(t, strconv.FormatUint(2*u+1, 10)+".01")
	}
}

// The float32 of a decimal is that of strconv, where rounding twice would give another one, too.
func TestSingleRounds(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 5))
	check := func(s string) {
		want, err := strconv.ParseFloat(s, 32)
		p := scanner{rest: []byte(s)}
		got, ok := p.number(32)
		if ok = ok && len(p.rest) == 0; ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%q: got %v, %v; want %v, %v", s, got, ok, want, err)
		}
	}
	for _, s := range []string{"0", "-0", "1e39", "-1e39", "1e-46", "1e-400", "3.4028235e38", "3.4028236e38", "1.1754943e-38", "1.1754942e-38", "1e", ""} {
		check(s)
	}
	for range 30_000 {
		v := math.Float32frombits(random.Uint32())
		if v != v || math.IsInf(float64(v), 0) {
			continue
		}
		check(strconv.FormatFloat(float64(v), 'g', -1, 32))
		middle := (float64(v) + float64(math.Nextafter32(v, float32(math.Inf(1))))) / 2
		check(strconv.FormatFloat(middle, 'g', -1, 64))
		check(strconv.FormatFloat(math.Nextafter(middle, 0), 'g', -1, 64))
		// Just beside the middle, but the same in float64.
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(middle, 'e', 25, 64), "e")
		check(mantissa + "1e" + exponent)
	}
}

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "-0e5", "1e-07", "184467440737095516159e-12", "0.1234567890123456789"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, n := decimal([]byte(s))
		if n > len(s) {
			t.Fatalf("%q: %d bytes", s, n)
		}
		if n == 0 {
			return
		}
		if want, err := strconv.ParseFloat(s[:n], 64); err != nil || math.Float64bits(want) != math.Float64bits(v) {
			t.Fatalf("%q: got %v, want %v, %v", s[:n], v, want, err)
		}
	})
}

func BenchmarkDecimal(b *testing.B) {
	random := rand.New(rand.NewPCG(4, 5))
	numbers := make([][]byte, 1024)
	for i := range numbers {
		numbers[i] = strconv.AppendFloat(nil, random.NormFloat64(), 'g', -1, 64)
	}
	sum, i := 0.0, 0
	for b.Loop() {
		v, _ := decimal(numbers[i%len(numbers)])
		sum += v
		i++
	}
}
