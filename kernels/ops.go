package kernels

// All lists one value of every op of the vocabulary. Tests use it to prove that each has a reference kernel, a test case and a
// gradient rule (or says that it has none).
func All() []Op {
	return []Op{
		Linear{}, LinearGradInput{}, LinearGradWeight{},
		Conv1D{}, Conv1DGradInput{}, Conv1DGradWeight{}, WeightNorm{}, WeightNormGrad{},
		LayerNorm{}, LayerNormGrad{}, GroupNorm{}, GroupNormGrad{},
		GELU{}, GELUGrad{}, Dropout{}, AddN{}, Scale{}, ScaleBy{}, GradScale{}, MeanSquare{}, MeanSquareGrad{}, Cast{},
		MaskFrames{}, MaskFramesGrad{}, MaskChannels{}, MaskPadding{}, GatherRows{}, ScatterRows{}, Select{}, SelectGrad{},
		Waveform{},
		Attention{}, AttentionGrad{},
		GumbelQuantize{}, GumbelQuantizeGrad{}, Diversity{}, DiversityGrad{},
		InfoNCE{}, InfoNCEGrad{}, CTCLoss{}, CTCLossGrad{},
		SumSquares{}, ClipScale{}, AdamW{},
	}
}
