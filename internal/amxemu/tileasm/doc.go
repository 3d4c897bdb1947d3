// Package tileasm has AMX and AVX512_BF16 instructions in assembly, for the tests of amxemu.
package tileasm
