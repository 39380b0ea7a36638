/* A stand-in for NVIDIA's management library, for tests: one device whose figures are read from the file SCRIPT at every
 * call, so that a test can take memory away while the real NVML code runs. The file holds "total used ours pid" in bytes;
 * reserved memory is always zero. `ours` below zero: the driver does not say who holds what. */
#include <stdio.h>
#include <string.h>

enum { OK = 0, INSUFFICIENT_SIZE = 7, UNKNOWN = 999 };

typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } Process;

static long long total, used, ours, pid;

static int read_script(void) {
    FILE *file = fopen(SCRIPT, "r");
    if (!file) return UNKNOWN;
    int read = fscanf(file, "%lld %lld %lld %lld", &total, &used, &ours, &pid);
    fclose(file);
    return read == 4 ? OK : UNKNOWN;
}

int nvmlInit_v2(void) { return OK; }
int nvmlInitWithFlags(unsigned flags) { (void)flags; return OK; }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) { return code ? "the script cannot be read" : "fine"; }

int nvmlSystemGetDriverVersion(char *text, unsigned length) {
    snprintf(text, length, "575.00");
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return OK; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    *device = (void *)&total;
    return index == 0 ? OK : 2;
}

int nvmlDeviceGetName(void *device, char *name, unsigned length) {
    (void)device;
    snprintf(name, length, "Scripted GPU");
    return OK;
}

int nvmlDeviceGetMemoryInfo_v2(void *device, Memory *memory) {
    (void)device;
    if (read_script()) return UNKNOWN;
    memory->total = total;
    memory->used = used;
    memory->reserved = 0;
    memory->free = total - used;
    return OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, Process *found) {
    (void)device;
    if (read_script()) return UNKNOWN;
    unsigned room = *count;
    *count = 2;
    if (room < 2 || !found) return INSUFFICIENT_SIZE;
    memset(found, 0, 2 * sizeof *found);
    found[0].pid = 1;
    found[0].used = used - (ours > 0 ? ours : 0);
    found[1].pid = (unsigned)pid;
    found[1].used = ours < 0 ? ~0ULL : (unsigned long long)ours;
    return OK;
}
