package amxemu

import "testing"

// config is a configuration for c (M, N) += a (M, K pairs) · b (K pairs, N) in tiles 0, 1, 2 and, mirrored, 7, 6, 5.
func config(m, n, k int) *[64]byte {
	cfg := &[64]byte{0: 1}
	for i, shape := range [3][2]int{{m, n}, {m, k}, {k, n}} {
		for _, tile := range []int{i, numTiles - 1 - i} {
			cfg[16+2*tile], cfg[48+tile] = byte(4*shape[1]), byte(shape[0])
		}
	}
	return cfg
}

// badConfigs are changes to a configuration that make LDTILECFG refuse it.
var badConfigs = []struct {
	what string
	set  func(cfg *[64]byte)
}{
	{"palette 2", func(c *[64]byte) { c[0] = 2 }},
	{"palette 255", func(c *[64]byte) { c[0] = 255 }},
	{"reserved byte 2", func(c *[64]byte) { c[2] = 1 }},
	{"reserved byte 15", func(c *[64]byte) { c[15] = 1 }},
	{"row bytes of tile 8", func(c *[64]byte) { c[32] = 64 }},
	{"reserved byte 47", func(c *[64]byte) { c[47] = 1 }},
	{"rows of tile 8", func(c *[64]byte) { c[56] = 16 }},
	{"reserved byte 63", func(c *[64]byte) { c[63] = 1 }},
	{"17 rows", func(c *[64]byte) { c[48] = 17 }},
	{"65 bytes in a row", func(c *[64]byte) { c[16] = 65 }},
	{"256 bytes in a row", func(c *[64]byte) { c[16], c[17] = 0, 1 }},
	{"rows without columns", func(c *[64]byte) { c[16] = 0 }},
	{"columns without rows", func(c *[64]byte) { c[48+7] = 0 }},
}

func TestConfiguration(t *testing.T) {
	for _, c := range badConfigs {
		var x, before tiles
		if err := x.load(config(3, 4, 5)); err != nil {
			t.Fatal(err)
		}
		x.data[2][1][3] = 9
		before = x
		cfg := config(16, 16, 16)
		c.set(cfg)
		if err := x.load(cfg); err != errGP {
			t.Errorf("%s: %v, want %v", c.what, err, errGP)
		}
		if x != before {
			t.Errorf("%s: a refused configuration changed the tiles", c.what)
		}
	}
	var x tiles
	if err := x.load(config(16, 16, 16)); err != nil || !x.valid(0) || x.valid(3) {
		t.Errorf("a good configuration: %v, tile 0 valid: %v, unused tile 3 valid: %v", err, x.valid(0), x.valid(3))
	}
	x.data[0][0][0] = 1
	if err := x.load(&[64]byte{1: 1, 2: 3, 63: 4}); err != nil || x != (tiles{}) { // palette 0 ignores the rest
		t.Errorf("palette 0: %v, tiles initial: %v", err, x == tiles{})
	}
}

func TestShapes(t *testing.T) {
	var initial tiles
	for _, err := range []error{initial.zero(0), initial.checkMemory(0), initial.dot(0, 1, 2)} {
		if err != errUD {
			t.Errorf("without a configuration: %v, want %v", err, errUD)
		}
	}
	for _, c := range []struct {
		what string
		set  func(x *tiles)
		dot  [3]uint8
		ok   bool
	}{
		{"as it should be", func(*tiles) {}, [3]uint8{0, 1, 2}, true},
		{"destination as source", func(*tiles) {}, [3]uint8{0, 0, 2}, false},
		{"one source twice", func(*tiles) {}, [3]uint8{0, 1, 1}, false},
		{"unused tile", func(*tiles) {}, [3]uint8{0, 1, 3}, false},
		{"rows of c and a", func(x *tiles) { x.rows[0]-- }, [3]uint8{0, 1, 2}, false},
		{"columns of c and b", func(x *tiles) { x.colsb[0] -= 4 }, [3]uint8{0, 1, 2}, false},
		{"columns of a, rows of b", func(x *tiles) { x.rows[2]-- }, [3]uint8{0, 1, 2}, false},
		{"half an element", func(x *tiles) { x.colsb[0] -= 2; x.colsb[2] -= 2 }, [3]uint8{0, 1, 2}, false},
		{"half a pair", func(x *tiles) { x.colsb[1] += 2 }, [3]uint8{0, 1, 2}, false},
	} {
		var x tiles
		if err := x.load(config(7, 8, 9)); err != nil {
			t.Fatal(err)
		}
		c.set(&x)
		if err := x.dot(c.dot[0], c.dot[1], c.dot[2]); (err == nil) != c.ok || err != nil && err != errUD {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestStartRow(t *testing.T) {
	cfg := config(4, 2, 3)
	cfg[1] = 2
	var x tiles
	if err := x.load(cfg); err != nil {
		t.Fatal(err)
	}
	for i := range x.data[0] {
		for j := range x.data[0][i] {
			x.data[0][i][j] = 0xee
		}
	}
	if err := x.checkMemory(2); err != nil {
		t.Errorf("start row 2 of 3 rows: %v", err)
	}
	packed := []byte{1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18}
	x.setRows(0, packed)
	for i, row := range x.data[0] {
		for j, got := range row {
			want := byte(0)
			switch {
			case i < 2:
				want = 0xee
			case i < 4 && j < 8:
				want = packed[8*(i-2)+j]
			}
			if got != want {
				t.Fatalf("row %d, byte %d is %#x, want %#x", i, j, got, want)
			}
		}
	}
	if x.startRow != 0 {
		t.Errorf("start row is %d after a load, want 0", x.startRow)
	}
	x.startRow = 4
	if err := x.checkMemory(0); err != errUD {
		t.Errorf("start row 4 of 4 rows: %v, want %v", err, errUD)
	}
}
