package runlog

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"sync"
)

// decimal reads the float64 at the beginning of s, rounded as strconv does it, in about a third of the time: a log is full
// of numbers of 17 digits. n is its length, 0 when there is none. What is not common goes to strconv.
func decimal(s []byte) (v float64, n int) {
	i, negative := 0, false
	if len(s) > 0 && s[0] == '-' {
		i, negative = 1, true
	}
	var digits uint64
	count, point := 0, -1 // of digits from the first that is not 0; place of the point
	first := i
	for ; i < len(s); i++ {
		c := s[i]
		if d := c - '0'; d <= 9 {
			if digits > 0 || d > 0 {
				count++
			}
			digits = 10*digits + uint64(d)
		} else if c == '.' && point < 0 {
			point = i
		} else {
			break
		}
	}
	exponent := 0
	if point >= 0 {
		exponent = point + 1 - i
	}
	if i == first || i == first+1 && point == first {
		return 0, 0 // no digit
	}
	if i < len(s) && s[i] == 'e' || count > 19 {
		if i, exponent = powerOfTen(s, i, exponent); count > 19 || i == 0 {
			return decimalByStrconv(s)
		}
	}
	if v, ok := nearest(digits, exponent); ok {
		if negative {
			v = -v
		}
		return v, i
	}
	return decimalByStrconv(s)
}

// powerOfTen reads "e-07" at s[i:], if it is there, and adds it to exponent. The end is 0 when strconv must judge.
func powerOfTen(s []byte, i, exponent int) (end, sum int) {
	if i == len(s) || s[i] != 'e' {
		return i, exponent
	}
	i++
	sign := 1
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		if s[i] == '-' {
			sign = -1
		}
		i++
	}
	e, first := 0, i
	for ; i < len(s) && s[i]-'0' <= 9 && i < first+4; i++ {
		e = 10*e + int(s[i]-'0')
	}
	if i == first || i == first+4 {
		return 0, 0
	}
	return i, exponent + sign*e
}

// decimalByStrconv reads what decimal leaves to others. It keeps out what ParseFloat accepts and JSON does not:
// hexadecimal, underscores, "infinity".
func decimalByStrconv(s []byte) (v float64, n int) {
	n = decimalPrefix(s)
	v, err := strconv.ParseFloat(string(s[:n]), 64)
	if err != nil {
		return 0, 0
	}
	return v, n
}

// decimalPrefix returns how many bytes at the beginning of s can belong to a number.
func decimalPrefix(s []byte) int {
	for i, c := range s {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' || i == 40 {
			return i
		}
	}
	return len(s)
}

const maxPower = 60 // of ten, in the table

// exactPowers are the powers of ten that a float64 holds exactly.
var exactPowers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
	1e20, 1e21, 1e22}

// powers returns, for each power of ten from -maxPower, the first 128 bits of its binary expansion, high and low word.
var powers = sync.OnceValue(func() *[2*maxPower + 1][2]uint64 {
	var table [2*maxPower + 1][2]uint64
	word := new(big.Int).SetUint64(math.MaxUint64)
	ten := big.NewInt(1)
	for e := range maxPower + 1 {
		p := new(big.Int).Lsh(ten, 256)
		q := new(big.Int).Lsh(big.NewInt(1), 512)
		q.Quo(q, ten)
		for at, v := range map[int]*big.Int{maxPower + e: p, maxPower - e: q} {
			v.Rsh(v, uint(v.BitLen()-128))
			table[at] = [2]uint64{new(big.Int).Rsh(v, 64).Uint64(), new(big.Int).And(v, word).Uint64()}
		}
		ten.Mul(ten, big.NewInt(10))
	}
	return &table
})

// nearest returns the float64 nearest to digits × 10^exponent. ok is false when this cannot be told from 128 bits, or the
// result is not in the usual range. The method is that of D. Lemire, "Number parsing at a gigabyte per second", 2021,
// section 5, after M. Eisel.
func nearest(digits uint64, exponent int) (v float64, ok bool) {
	if digits == 0 {
		return 0, true
	}
	if digits>>53 == 0 {
		switch { // both numbers are exact, so one operation rounds once
		case exponent == 0:
			return float64(digits), true
		case 0 < exponent && exponent < len(exactPowers):
			return float64(digits) * exactPowers[exponent], true
		case -len(exactPowers) < exponent && exponent < 0:
			return float64(digits) / exactPowers[-exponent], true
		}
	}
	if exponent < -maxPower || exponent > maxPower {
		return 0, false
	}
	shift := bits.LeadingZeros64(digits)
	digits <<= shift
	power := powers()[exponent+maxPower]
	hi, lo := bits.Mul64(digits, power[0])
	if hi&0x1ff == 0x1ff && lo+digits < lo {
		// The part of the power that was left out can carry into the bits that count.
		hi2, lo2 := bits.Mul64(digits, power[1])
		var carry uint64
		lo, carry = bits.Add64(lo, hi2, 0)
		hi += carry
		if hi&0x1ff == 0x1ff && lo == math.MaxUint64 && lo2+digits < lo2 {
			return 0, false
		}
	}
	top := hi >> 63
	mantissa := hi >> (top + 9) // 54 bits
	if lo == 0 && hi&0x1ff == 0 && mantissa&3 == 1 {
		return 0, false // half way between two, as far as can be seen
	}
	binary := 217706*exponent>>16 + 64 + 1023 - shift - int(1^top) // floor(exponent × log2(10)), biased
	mantissa = (mantissa + mantissa&1) >> 1
	if mantissa>>53 > 0 {
		mantissa >>= 1
		binary++
	}
	// The exponents of the table keep the result far from the ends of the range.
	return math.Float64frombits(uint64(binary)<<52 | mantissa&(1<<52-1)), true
}
