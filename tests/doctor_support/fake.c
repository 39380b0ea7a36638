/* Stand-ins for libraries a test machine has not got: compiled once with -DORT="1.24.4" and once with -DDRIVER="470.42.01".
   They know what `flyball doctor` asks, and nothing else. */
#include <string.h>

#ifdef ORT
typedef struct {
    const void *(*api)(unsigned);
    const char *(*version)(void);
} Base;
static const void *api(unsigned version) { (void)version; return 0; }
static const char *version(void) { return ORT; }
static const Base base = {api, version};
const Base *OrtGetApiBase(void) { return &base; }
#endif

#ifdef DRIVER
static int device;
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned length) { strncpy(text, DRIVER, length); return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { *handle = &device; return index != 0; }
int nvmlDeviceGetName(void *handle, char *text, unsigned length) { (void)handle; strncpy(text, "fake", length); return 0; }
int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long *memory) {
    (void)handle;
    memory[0] = 16ull << 30; memory[1] = 12ull << 30; memory[2] = 4ull << 30;
    return 0;
}
#endif
