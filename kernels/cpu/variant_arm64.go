package cpu

import "golang.org/x/sys/cpu"

// native lists the variants with assembly. Nearly every processor of this architecture has ASIMD, the vectors of NEON.
func native() []candidate {
	return []candidate{{"neon", missing(feature{"ASIMD", cpu.ARM64.HasASIMD}), neon}}
}

// neon has the sizes of blocks by count, for caches of 32 KiB and more, and 512 KiB and more: a panel of A and one of B take 30 KiB, a block of A 288 KiB.
func neon() *variant {
	v := portable()
	v.name = "neon"
	v.gemm = gemmKernel{mr: 12, nr: 8, kc: 384, mc: 192, nc: 1024, near: 128, tile: tile12x8NEON, half: tile12x4NEON,
		direct: [2][3][2]directTile{
			{{nil, tile12x8FlatNEON}, {tile12x8RowsNEON, nil}, {tile12x8ColumnsNEON, tile12x8ColumnsFlatNEON}},
			{{nil, tile12x4FlatNEON}, {tile12x4RowsNEON, nil}, {tile12x4ColumnsNEON, tile12x4ColumnsFlatNEON}}},
		packA: packer{transpose: transposer(transpose12NEON, 12, 12, 4), copy: copier(copy12NEON, 12)},
		packB: packer{transpose: transposer(transpose8NEON, 8, 8, 4), copy: copier(copy8NEON, 8)},
	}
	v.vec = vectorsNEON()
	return v
}
