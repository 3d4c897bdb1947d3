// A stand-in for libcublasLt.so.12 with the functions that aural calls. Products are real, in double, on memory of the CPU; every call leaves a line with its
// arguments as C received them.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <string.h>

struct desc { int compute, scale, trans[2]; uint32_t epilogue; const void *bias; };
struct layout { int type; uint64_t rows, cols; int64_t ld; };
struct preference { uint64_t workspace; uint32_t mask, align[4]; };
struct result { uint64_t algo[8]; size_t workspace; int state; float waves; int reserved[4]; };

static char lines[1 << 16];
static size_t used;
static int fail_in, fail_code, live;
static char fail_name[64];

static int did(const char *name, const char *format, ...) {
	char text[512];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	int n = snprintf(lines + used, sizeof lines - used, "%s%s\n", name, text);
	if (used + n < sizeof lines) used += n;
	if (fail_name[0] && !strcmp(name, fail_name) && --fail_in == 0) return fail_code;
	return 0;
}

// For the test. double_live is how many objects were not destroyed.
const char *double_lines(void) { return lines; }
int double_reset(void) { used = 0; lines[0] = 0; fail_name[0] = 0; return 0; }
int double_live(void) { return live; }
int double_fail(const char *name, int nth, int code) { snprintf(fail_name, sizeof fail_name, "%s", name); fail_in = nth; fail_code = code; return 0; }

#define MAKE(name, type, to, format, ...) \
	int r = did(name, format, __VA_ARGS__); \
	if (r) return r; \
	*to = calloc(1, sizeof(type)); \
	live++;
#define DESTROY(name, what) \
	live--; \
	free(what); \
	return did(name, "");

size_t cublasLtGetVersion(void) { return 120901; }
int cublasLtCreate(void **h) { MAKE("cublasLtCreate", int, h, "%s", "") return 0; }
int cublasLtDestroy(void *h) { DESTROY("cublasLtDestroy", h) }

int cublasLtMatmulDescCreate(struct desc **d, int compute, int scale) {
	MAKE("cublasLtMatmulDescCreate", struct desc, d, " compute=%d scale=%d", compute, scale)
	(*d)->compute = compute, (*d)->scale = scale, (*d)->epilogue = 1;
	return 0;
}
int cublasLtMatmulDescDestroy(struct desc *d) { DESTROY("cublasLtMatmulDescDestroy", d) }
int cublasLtMatmulDescSetAttribute(struct desc *d, int which, const void *p, size_t n) {
	int r = did("cublasLtMatmulDescSetAttribute", " %d bytes=%zu", which, n);
	if (r) return r;
	if ((which == 3 || which == 4) && n == 4) d->trans[which - 3] = *(const int32_t *)p;
	else if (which == 7 && n == 4) d->epilogue = *(const uint32_t *)p;
	else if (which == 8 && n == 8) d->bias = *(void *const *)p;
	else return 7;
	return 0;
}

int cublasLtMatrixLayoutCreate(struct layout **l, int type, uint64_t rows, uint64_t cols, int64_t ld) {
	MAKE("cublasLtMatrixLayoutCreate", struct layout, l, " type=%d %llux%llu ld=%lld", type, (unsigned long long)rows, (unsigned long long)cols, (long long)ld)
	**l = (struct layout){type, rows, cols, ld};
	return ld >= (int64_t)rows ? 0 : 7;
}
int cublasLtMatrixLayoutDestroy(struct layout *l) { DESTROY("cublasLtMatrixLayoutDestroy", l) }

int cublasLtMatmulPreferenceCreate(struct preference **p) { MAKE("cublasLtMatmulPreferenceCreate", struct preference, p, "%s", "") return 0; }
int cublasLtMatmulPreferenceDestroy(struct preference *p) { DESTROY("cublasLtMatmulPreferenceDestroy", p) }
int cublasLtMatmulPreferenceSetAttribute(struct preference *p, int which, const void *v, size_t n) {
	int r = did("cublasLtMatmulPreferenceSetAttribute", " %d bytes=%zu", which, n);
	if (r) return r;
	if (which == 1 && n == 8) p->workspace = *(const uint64_t *)v;
	else if (which == 3 && n == 4) p->mask = *(const uint32_t *)v;
	else if (which >= 5 && which <= 8 && n == 4) p->align[which - 5] = *(const uint32_t *)v;
	else return 7;
	return 0;
}

int cublasLtMatmulAlgoGetHeuristic(void *h, struct desc *d, struct layout *a, struct layout *b, struct layout *c, struct layout *out, struct preference *p, int wanted,
                                   struct result *found, int *n) {
	(void)h, (void)d, (void)a, (void)b;
	int r = did("cublasLtMatmulAlgoGetHeuristic", " wanted=%d workspace=%llu mask=%u align=%u,%u,%u,%u", wanted, (unsigned long long)p->workspace, p->mask,
	            p->align[0], p->align[1], p->align[2], p->align[3]);
	if (r) return r;
	if (c != out) return 7;
	*n = 1;
	memset(found, 0, sizeof *found);
	for (int i = 0; i < 8; i++) found->algo[i] = 0x1111111111111111ull * (i + 1);
	found->workspace = 4096;
	return 0;
}

static double at(const struct layout *l, const void *p, int64_t r, int64_t c) {
	int64_t i = r + c * l->ld;
	if (l->type == 0) return ((const float *)p)[i];
	union { uint32_t u; float f; } v = {(uint32_t)((const uint16_t *)p)[i] << 16};
	return v.f;
}

int cublasLtMatmul(void *h, struct desc *d, const float *alpha, const void *A, struct layout *a, const void *B, struct layout *b, const float *beta, const void *C,
                   struct layout *c, void *D, struct layout *out, const uint64_t *algo, void *workspace, size_t bytes, void *stream) {
	(void)h;
	int r = did("cublasLtMatmul", " alpha=%g beta=%g workspace=%p,%zu stream=%p", *alpha, *beta, workspace, bytes, stream);
	if (r) return r;
	if (C != D || c != out || algo[7] != 0x8888888888888888ull) return 7;
	int64_t inner = d->trans[0] ? a->rows : a->cols;
	for (uint64_t i = 0; i < out->rows; i++)
		for (uint64_t j = 0; j < out->cols; j++) {
			double sum = d->epilogue == 4 ? at(&(struct layout){out->type, 0, 0, 0}, d->bias, i, 0) : 0;
			for (int64_t k = 0; k < inner; k++)
				sum += (d->trans[0] ? at(a, A, k, i) : at(a, A, i, k)) * (d->trans[1] ? at(b, B, j, k) : at(b, B, k, j));
			union { float f; uint32_t u; } v = {sum};
			if (out->type == 0) ((float *)D)[i + j * out->ld] = sum;
			else ((uint16_t *)D)[i + j * out->ld] = (v.u + 0x7fff + (v.u >> 16 & 1)) >> 16;
		}
	return 0;
}
