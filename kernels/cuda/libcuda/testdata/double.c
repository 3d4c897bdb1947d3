// A stand-in for libcuda.so.1 with the functions that aural calls. Memory, copies and one kernel are real, on the CPU; every call leaves a line with its
// arguments as C received them. With -DHEADER it is compiled against NVIDIA's cuda.h, which then checks each definition below against the real prototype.
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <string.h>
#include <stdint.h>
#include <time.h>

#ifdef HEADER
#include <cuda.h>
#else
typedef int CUresult, CUdevice, CUdevice_attribute, CUfunction_attribute, CUjit_option, CUstreamCaptureMode;
typedef unsigned long long CUdeviceptr;
typedef struct { char bytes[16]; } CUuuid;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;
#define cuDeviceTotalMem cuDeviceTotalMem_v2
#define cuDevicePrimaryCtxRelease cuDevicePrimaryCtxRelease_v2
#define cuMemGetInfo cuMemGetInfo_v2
#define cuMemAlloc cuMemAlloc_v2
#define cuMemFree cuMemFree_v2
#define cuMemcpyHtoDAsync cuMemcpyHtoDAsync_v2
#define cuMemcpyDtoHAsync cuMemcpyDtoHAsync_v2
#define cuMemcpyDtoDAsync cuMemcpyDtoDAsync_v2
#define cuStreamDestroy cuStreamDestroy_v2
#define cuEventDestroy cuEventDestroy_v2
#define cuStreamBeginCapture cuStreamBeginCapture_v2
#endif

struct CUfunc_st { char name[64]; int shared; };
struct CUevent_st { double at; };

static char lines[1 << 16];
static size_t used;
static int fail_in, fail_code;
static char fail_name[64];
static __thread void *current; // as in the real one, of the thread

static CUresult did(const char *name, const char *format, ...) {
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

// For the test.
const char *double_lines(void) { return lines; }
int double_reset(void) { used = 0; lines[0] = 0; fail_name[0] = 0; return 0; }
int double_fail(const char *name, int nth, int code) { snprintf(fail_name, sizeof fail_name, "%s", name); fail_in = nth; fail_code = code; return 0; }

#define DID(...) did(__func__, __VA_ARGS__)
#define CHECK(...) do { CUresult r = DID(__VA_ARGS__); if (r) return r; } while (0)
#define INSIDE do { if (!current) return 201; } while (0)
static int capturing, captured, plan, instance;
// Calls that could wait for a capture fail with CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, and spoil it.
#define UNCAPTURED do { if (capturing) { capturing = 2; return 900; } } while (0)

CUresult cuGetErrorName(CUresult error, const char **text) { *text = error == 998 ? "CUDA_ERROR_OF_TOMORROW" : 0; return *text ? 0 : 1; }
CUresult cuInit(unsigned flags) { return DID(" flags=%u", flags); }
CUresult cuDriverGetVersion(int *v) { CHECK(""); *v = 12090; return 0; }
CUresult cuDeviceGetCount(int *n) { CHECK(""); *n = 2; return 0; }
CUresult cuDeviceGet(CUdevice *d, int ordinal) { CHECK(" ordinal=%d", ordinal); if (ordinal < 0 || ordinal > 1) return 101; *d = 70 + ordinal; return 0; }
CUresult cuDeviceGetName(char *name, int len, CUdevice d) { CHECK(" len=%d dev=%d", len, d); snprintf(name, len, "Double %d", d); return 0; }
CUresult cuDeviceGetUuid(CUuuid *u, CUdevice d) { CHECK(" dev=%d", d); for (int i = 0; i < 16; i++) u->bytes[i] = (char)(i * 16 + i); return 0; }
CUresult cuDeviceTotalMem(size_t *n, CUdevice d) { CHECK(" dev=%d", d); *n = 85899345920; return 0; }
CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice d) {
	CHECK(" attribute=%d dev=%d", (int)a, d);
	switch ((int)a) { case 75: *v = 9; break; case 76: *v = 0; break; case 16: *v = 132; break; case 97: *v = 232448; break; case 38: *v = 52428800; break; default: return 1; }
	return 0;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) { CHECK(" dev=%d", d); *c = (CUcontext)(intptr_t)0x1000; return 0; }
CUresult cuDevicePrimaryCtxRelease(CUdevice d) { return DID(" dev=%d", d); }
CUresult cuCtxSetCurrent(CUcontext c) { CHECK(" context=%p", (void *)c); current = c; return 0; }
CUresult cuMemGetInfo(size_t *free_, size_t *total) { INSIDE; CHECK(""); *free_ = 80000000000; *total = 85899345920; return 0; }
CUresult cuMemAlloc(CUdeviceptr *p, size_t n) { INSIDE; CHECK(" bytes=%zu", n); UNCAPTURED; *p = (CUdeviceptr)(uintptr_t)aligned_alloc(256, (n + 255) / 256 * 256); return 0; }
CUresult cuMemFree(CUdeviceptr p) { INSIDE; CHECK(""); UNCAPTURED; free((void *)(uintptr_t)p); return 0; }
CUresult cuMemHostAlloc(void **p, size_t n, unsigned flags) { INSIDE; CHECK(" bytes=%zu flags=%u", n, flags); *p = malloc(n); return 0; }
CUresult cuMemFreeHost(void *p) { INSIDE; CHECK(""); free(p); return 0; }
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t n, CUstream s) { INSIDE; CHECK(" bytes=%zu stream=%p", n, (void *)s); memcpy((void *)(uintptr_t)to, from, n); return 0; }
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t n, CUstream s) { INSIDE; CHECK(" bytes=%zu stream=%p", n, (void *)s); memcpy(to, (void *)(uintptr_t)from, n); return 0; }
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) { INSIDE; CHECK(" bytes=%zu stream=%p", n, (void *)s); memmove((void *)(uintptr_t)to, (void *)(uintptr_t)from, n); return 0; }
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char v, size_t n, CUstream s) { INSIDE; CHECK(" value=%u bytes=%zu stream=%p", v, n, (void *)s); memset((void *)(uintptr_t)to, v, n); return 0; }
static int streams, events;
CUresult cuStreamCreate(CUstream *s, unsigned flags) { INSIDE; CHECK(" flags=%u", flags); *s = (CUstream)(intptr_t)(0x2000 + streams++); return 0; }
CUresult cuStreamDestroy(CUstream s) { INSIDE; return DID(" stream=%p", (void *)s); }
CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned flags) { INSIDE; return DID(" stream=%p flags=%u event=%d", (void *)s, flags, e != 0); }
CUresult cuStreamSynchronize(CUstream s) { INSIDE; CHECK(" stream=%p", (void *)s); UNCAPTURED; return 0; }
CUresult cuEventCreate(CUevent *e, unsigned flags) { INSIDE; CHECK(" flags=%u", flags); *e = calloc(1, sizeof **e); (*e)->at = ++events; return 0; }
CUresult cuEventDestroy(CUevent e) { INSIDE; free(e); return DID(""); }
CUresult cuEventRecord(CUevent e, CUstream s) { INSIDE; e->at += 0.5; return DID(" stream=%p", (void *)s); }
CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to) { INSIDE; *ms = (float)(to->at - from->at); return DID(""); }
CUresult cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned n, CUjit_option *options, void **values) {
	INSIDE;
	CHECK(" image=%.8s options=%u", (const char *)image, n);
	if (!strncmp(image, "bad", 3)) {
		for (unsigned i = 0; i + 1 < n; i++)
			if ((int)options[i] == 5 && (int)options[i + 1] == 6) snprintf(values[i], (size_t)values[i + 1], "ptxas: line 3: no such instruction");
		return 218;
	}
	*m = (CUmodule)(intptr_t)0x3000;
	return 0;
}
CUresult cuModuleUnload(CUmodule m) { INSIDE; return DID(" module=%p", (void *)m); }
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
	INSIDE;
	CHECK(" module=%p name=%s", (void *)m, name);
	if (strcmp(name, "axpy")) return 500;
	static struct CUfunc_st axpy = { "axpy", 49152 };
	*f = &axpy;
	return 0;
}
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int v) { INSIDE; CHECK(" %s attribute=%d value=%d", f->name, (int)a, v); f->shared = v; return 0; }

// axpy has one parameter, a struct by value, as every kernel of aural.
struct axpy { uint64_t y, x; int32_t n; float a; int64_t last; };
static struct axpy list[16]; // captured
static void run(const struct axpy *a) {
	for (int i = 0; i < a->n; i++) ((float *)(uintptr_t)a->y)[i] += a->a * ((float *)(uintptr_t)a->x)[i];
}

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream s, void **params, void **extra) {
	INSIDE;
	CHECK(" %s grid=%u,%u,%u block=%u,%u,%u shared=%u stream=%p", f->name, gx, gy, gz, bx, by, bz, shared, (void *)s);
	if (params || (intptr_t)extra[0] != 1 || (intptr_t)extra[2] != 2 || extra[4]) return 1;
	if (shared > (unsigned)f->shared) return 701;
	struct axpy a;
	if (*(size_t *)extra[3] != sizeof a) return 1;
	memcpy(&a, extra[1], sizeof a);
	if (!capturing) run(&a);
	else if (captured < 16) list[captured++] = a;
	return a.last == 0x1122334455667788 ? 0 : 1;
}
// One graph at a time: its plan, from the end of the capture to cuGraphDestroy, and its instance, until cuGraphExecDestroy.
CUresult cuStreamBeginCapture(CUstream s, CUstreamCaptureMode mode) { INSIDE; CHECK(" stream=%p mode=%d", (void *)s, (int)mode); if (capturing || !s) return 401; capturing = 1, captured = 0; return 0; }
CUresult cuStreamEndCapture(CUstream s, CUgraph *g) {
	INSIDE;
	int was = capturing;
	capturing = 0;
	CHECK(" stream=%p", (void *)s);
	if (was != 1) return was ? 901 : 401;
	plan = 1;
	*g = (CUgraph)(intptr_t)0x4000;
	return 0;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *e, CUgraph g, unsigned long long flags) { INSIDE; CHECK(" graph=%p flags=%llu", (void *)g, flags); if (!plan || g != (CUgraph)(intptr_t)0x4000) return 400; instance = 1; *e = (CUgraphExec)(intptr_t)0x5000; return 0; }
CUresult cuGraphLaunch(CUgraphExec e, CUstream s) {
	INSIDE;
	CHECK(" exec=%p stream=%p", (void *)e, (void *)s);
	if (!instance || e != (CUgraphExec)(intptr_t)0x5000) return 400;
	for (int i = 0; i < captured; i++) run(&list[i]);
	return 0;
}
CUresult cuGraphExecDestroy(CUgraphExec e) { INSIDE; CHECK(" exec=%p", (void *)e); if (!instance) return 400; instance = 0; return 0; }
CUresult cuGraphDestroy(CUgraph g) { INSIDE; CHECK(" graph=%p", (void *)g); if (!plan) return 400; plan = 0; return 0; }
