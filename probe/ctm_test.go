package probe

import (
	"math"
	"strings"
	"testing"
)

func TestReadCTM(t *testing.T) {
	a, err := ReadCTM(strings.NewReader(";; made by hand\nu1 1 0.10 0.05 AH0 0.9\n\nu1 1 0.00 0.10 HH\nu2 A 1.5 2 one\nu1 1 0.3 0.1 L\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id   string
		at   float64
		want string
	}{{"u1", 0, "HH"}, {"u1", 0.0999, "HH"}, {"u1", 0.1, "AH0"}, {"u1", 0.2, ""}, {"u1", 0.3, "L"}, {"u1", 9, ""}, {"u2", 1.4, ""}, {"u2", 2, "one"}, {"u3", 0, ""}} {
		if got, ok := At(a[c.id], c.at); got != c.want || ok != (c.want != "") {
			t.Errorf("%s at %v s: %q, %v; want %q", c.id, c.at, got, ok, c.want)
		}
	}
	for text, want := range map[string]string{
		"u 1 0 1":                    "line 1 has 4 fields",
		"u 1 0 1 a b c":              "line 1 has 7 fields",
		"u 1 x 1 a":                  `start: "x"`,
		"u 1 0 -1 a":                 `duration: "-1"`,
		"u 1 NaN 1 a":                "NaN",
		"u 1 1e9 1 a":                "1e9",
		"u 1 0 1 a\nu 1 0.5 1 b":     `"b" from 0.5 s begins before "a" ends`,
		strings.Repeat("x", 1<<20+1): "too long",
	} {
		if _, err := ReadCTM(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v; want %q", text, err, want)
		}
	}
}

func FuzzReadCTM(f *testing.F) {
	f.Add("u1 1 0.10 0.05 AH0 0.9\nu1 1 0 0.1 HH\n")
	f.Add(";;\n\nu 1 0 0 a")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ReadCTM(strings.NewReader(text))
		if err != nil {
			return
		}
		for id, list := range a {
			last := math.Inf(-1)
			for _, i := range list {
				if id == "" || i.Label == "" || !(i.Start >= last) || !(i.End >= i.Start) || i.End > 2*maxSeconds {
					t.Fatalf("%q: %+v", id, list)
				}
				last = i.Start
				if i.End > i.Start+1e-3 {
					if _, ok := At(list, i.Start+(i.End-i.Start)/2); !ok {
						t.Fatalf("%q: nothing at %+v", id, i)
					}
				}
			}
		}
	})
}
