// A stand-in for libnvidia-ml.so.1 with two GPUs, of which the second does not tell its power. With -DHEADER NVIDIA's nvml.h checks the prototypes.
#include <stdio.h>
#include <stdint.h>
#ifdef HEADER
#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include <nvml.h>
#else
typedef int nvmlReturn_t;
typedef int nvmlTemperatureSensors_t;
typedef struct nvmlDevice_st *nvmlDevice_t;
typedef struct { unsigned gpu, memory; } nvmlUtilization_t;
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
#endif

static int number(nvmlDevice_t d) { return (int)((intptr_t)d - 0x100); }

const char *nvmlErrorString(nvmlReturn_t r) { return (int)r == 3 ? "Not Supported" : "Unknown Error"; }
nvmlReturn_t nvmlInit_v2(void) { return 0; }
nvmlReturn_t nvmlSystemGetDriverVersion(char *v, unsigned n) { snprintf(v, n, "550.54.15"); return 0; }
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *n) { *n = 2; return 0; }
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned i, nvmlDevice_t *d) { *d = (nvmlDevice_t)(intptr_t)(0x100 + i); return 0; }
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *s, unsigned n) { snprintf(s, n, "Double %d", number(d)); return 0; }
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *s, unsigned n) { snprintf(s, n, "GPU-%d", number(d)); return 0; }
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t d, nvmlUtilization_t *u) { u->gpu = 87 + number(d); u->memory = 40; return 0; }
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t d, nvmlMemory_t *m) { m->total = 80ull << 30; m->used = (10ull + number(d)) << 30; m->free = m->total - m->used; return 0; }
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t d, nvmlTemperatureSensors_t s, unsigned *t) { *t = 60 + number(d) + 10 * (int)s; return 0; }
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t d, unsigned *p) { if (number(d)) return 3; *p = 651500; return 0; }
