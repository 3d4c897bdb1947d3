package cublaslt

// Values of NVIDIA's headers cublas_api.h, cublasLt.h and library_types.h, which have been the same since CUDA 11.4. A test holds them against a list made of
// bindings that were generated from those headers.
const (
	statusSuccess     = 0
	statusAllocFailed = 3

	typeF32  = 0  // CUDA_R_32F
	typeBF16 = 14 // CUDA_R_16BF

	// Float32 without shortcuts: no TF32, no emulation by other types.
	computeF32Pedantic = 69 // CUBLAS_COMPUTE_32F_PEDANTIC
	computeF32         = 68 // CUBLAS_COMPUTE_32F

	opTranspose = 1 // CUBLAS_OP_T

	descTransA      = 3 // CUBLASLT_MATMUL_DESC_TRANSA
	descTransB      = 4 // CUBLASLT_MATMUL_DESC_TRANSB
	descEpilogue    = 7 // CUBLASLT_MATMUL_DESC_EPILOGUE
	descBiasPointer = 8 // CUBLASLT_MATMUL_DESC_BIAS_POINTER

	epilogueBias = 4 // CUBLASLT_EPILOGUE_BIAS

	preferWorkspace  = 1 // CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
	preferReduction  = 3 // CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK
	preferAlignmentA = 5 // CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES; those of B, C and D follow

	// Sums that are split are added in a step of their own, in float32: the same bits each time.
	reductionComputeType = 2 // CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE
)

// statusNames is the enumeration cublasStatus_t.
var statusNames = map[int]string{
	1: "CUBLAS_STATUS_NOT_INITIALIZED", 3: "CUBLAS_STATUS_ALLOC_FAILED", 7: "CUBLAS_STATUS_INVALID_VALUE", 8: "CUBLAS_STATUS_ARCH_MISMATCH",
	11: "CUBLAS_STATUS_MAPPING_ERROR", 13: "CUBLAS_STATUS_EXECUTION_FAILED", 14: "CUBLAS_STATUS_INTERNAL_ERROR", 15: "CUBLAS_STATUS_NOT_SUPPORTED",
	16: "CUBLAS_STATUS_LICENSE_ERROR",
}
