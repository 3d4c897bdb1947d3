package cpu

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// native lists the variants with assembly. The features are those that the operating system has enabled, too.
func native() []candidate {
	x := &cpu.X86
	wide := []feature{{"AVX512F", x.HasAVX512F}, {"AVX512BW", x.HasAVX512BW}, {"AVX512DQ", x.HasAVX512DQ}, {"AVX512VL", x.HasAVX512VL}}
	tiles := missing(append(slices.Clip(wide), feature{"AVX512_BF16", x.HasAVX512BF16}, feature{"AMX-TILE", x.HasAMXTile}, feature{"AMX-BF16", x.HasAMXBF16})...)
	if len(tiles) == 0 {
		tiles = tileState()
	}
	return []candidate{
		{reduced, tiles, amx},
		{"avx512", missing(wide...), avx512},
		{"avx2", missing(feature{"AVX2", x.HasAVX2}, feature{"FMA", x.HasFMA}), avx2},
	}
}

func avx512() *variant {
	return &variant{
		name: "avx512",
		gemm: gemmKernel{mr: 12, nr: 32, kc: 512, mc: 240, nc: 1024, near: 128, tile: tile12x32AVX512, half: tile12x16AVX512,
			direct: [2][3][2]directTile{
				{{nil, tile12x32FlatAVX512}, {tile12x32RowsAVX512, nil}, {tile12x32ColumnsAVX512, tile12x32ColumnsFlatAVX512}},
				{{nil, tile12x16FlatAVX512}, {tile12x16RowsAVX512, nil}, {tile12x16ColumnsAVX512, tile12x16ColumnsFlatAVX512}}},
			packA: packer{transpose: transposer(transpose12AVX512, 12, 12, 16), copy: copier(copy12AVX512, 12), copyPart: copyPart},
			packB: packer{transpose: transposer(transpose16AVX512, 16, 32, 16), copy: copier(copy32AVX512, 32), copyPart: copyPart},
		},
		vec:  vectorsAVX512(),
		int8: int8AVX512(),
	}
}

// int8AVX512 needs VNNI. Without it, products of 16-bit numbers in 512 bits would do no more than float32 ones do.
func int8AVX512() int8Kernel {
	if !cpu.X86.HasAVX512VNNI {
		return int8AVX2()
	}
	return int8Kernel{name: "gemm_vnni", mr: 12, nr: 32, width: 1, tile: tile12x32VNNI, extent: extentAVX512, quantize: quantizeAVX512}
}

func int8AVX2() int8Kernel {
	return int8Kernel{name: "gemm_pairs", mr: 6, nr: 16, width: 2, tile: tile6x16PairsAVX2, extent: extentAVX2, quantize: quantizePairsAVX2}
}

// amx is avx512 with products in reduced precision. Its float32 is that of avx512.
func amx() *variant {
	v := avx512()
	v.name = reduced
	v.bf16 = &bf16Kernel{parts: 1, kc: 1024, mc: 384, nc: 1024, product: productAMX, packRows: packRowsAMX, packColumns: packColumnsAMX, transpose: transposeTile}
	v.high = &bf16Kernel{parts: 2, kc: 1024, mc: 384, nc: 1024, product: productSplitAMX, packRows: packRowsSplitAMX,
		packColumns: packColumnsSplitAMX, transpose: transposeTile}
	return v
}

// transposeTile moves pairs of bfloat16 values as if they were float32: the instructions only move bits.
func transposeTile(tile *uint16) {
	p := (*float32)(unsafe.Pointer(tile))
	transpose16AVX512(p, p, 64, 64, 1)
}

func avx2() *variant {
	return &variant{
		name: "avx2",
		gemm: gemmKernel{mr: 6, nr: 16, kc: 384, mc: 192, nc: 1024, near: 128, tile: tile6x16AVX2, half: tile6x8AVX2,
			direct: [2][3][2]directTile{
				{{nil, tile6x16FlatAVX2}, {tile6x16RowsAVX2, nil}, {tile6x16ColumnsAVX2, tile6x16ColumnsFlatAVX2}},
				{{nil, tile6x8FlatAVX2}, {tile6x8RowsAVX2, nil}, {tile6x8ColumnsAVX2, tile6x8ColumnsFlatAVX2}}},
			packA: packer{transpose: transposer(transpose6AVX2, 6, 6, 8), copy: copier(copy6AVX2, 6)},
			packB: packer{transpose: transposer(transpose8AVX2, 8, 16, 8), copy: copier(copy16AVX2, 16)},
		},
		vec:  vectorsAVX2(),
		int8: int8AVX2(),
	}
}

func copyPart(dst []float32, width int, src []float32, rows, stride, kc int) {
	_, _ = src[(kc-1)*stride+rows-1], dst[width*kc-1]
	copyPartAVX512(&dst[0], &src[0], int64(4*stride), int64(kc), int64(rows), int64(width))
}
