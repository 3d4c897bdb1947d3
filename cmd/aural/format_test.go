package main

import (
	"bytes"
	"testing"
	"time"
)

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{grouped(0), "0"}, {grouped(999), "999"}, {grouped(1000), "1,000"}, {grouped(-123456), "-123,456"}, {grouped(95044608), "95,044,608"},
		{bytesText(0), "0 B"}, {bytesText(999), "999 B"}, {bytesText(1000), "1 kB"}, {bytesText(12_340_000), "12.3 MB"}, {bytesText(999_600_000), "1000 MB"},
		{bytesText(21_400_000_000), "21.4 GB"}, {flopsText(2.56e14), "256 TFLOP"}, {audioText(90), "90.0 s"}, {audioText(600), "10.0 min"}, {audioText(36000), "10.0 h"},
		{clock(59 * time.Second), "59s"}, {clock(61 * time.Second), "1m01s"}, {clock(3*time.Hour + 5*time.Minute), "3h05m"}, {clock(50 * time.Hour), "2d02h"},
		{percent(0.123), "12.3 %"}, {plural(1, "row"), "1 row"}, {plural(1200, "row"), "1,200 rows"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	var out bytes.Buffer
	table(&out, [][]string{{"A", ">N"}, {"é", "10"}, {"bcd", "1"}}, nil)
	if out.String() != "A     N\né    10\nbcd   1\n" {
		t.Errorf("table:\n%s", &out)
	}
}

// Lines of progress come as they are when the output is no terminal, and not too often.
func TestTicker(t *testing.T) {
	var out bytes.Buffer
	p := newTicker(&out, false)
	p.show(false, "one")
	p.show(false, "two")
	p.show(true, "three")
	p.note("four")
	p.close()
	if out.String() != "one\nthree\nfour\n" {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	p = &ticker{w: &out, live: true, columns: 6}
	p.show(true, "a long line")
	p.note("stays")
	p.show(true, "b")
	p.close()
	if out.String() != "\r\x1b[Ka lon\r\x1b[Kstays\n\r\x1b[Kb\n" {
		t.Errorf("%q", out.String())
	}
}
