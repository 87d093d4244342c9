/* A Vulkan driver that passes everything on to the one whose library HEADLESS_SURFACE_DRIVER names, and adds
 * VK_EXT_headless_surface to its instance extensions. A headless Chromium insists on that extension, and with
 * --disable-vulkan-surface never makes such a surface.
 *
 * What is declared here of Vulkan is the little that is needed, so that nothing but a C compiler has to be there. */

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTENSION "VK_EXT_headless_surface"
#define VARIABLE "HEADLESS_SURFACE_DRIVER"

#define NEGOTIATE "vk_icdNegotiateLoaderICDInterfaceVersion"
#define OF_PHYSICAL_DEVICE "vk_icdGetPhysicalDeviceProcAddr"

enum { SUCCESS = 0, INCOMPLETE = 5, OUT_OF_HOST_MEMORY = -1, INCOMPATIBLE_DRIVER = -9 };

typedef struct {
    char name[256];
    uint32_t version;
} Extension; /* VkExtensionProperties */

typedef struct {
    uint32_t type;
    const void *next;
    uint32_t flags;
    const void *application;
    uint32_t layer_count;
    const char *const *layers;
    uint32_t extension_count;
    const char *const *extensions;
} Wanted; /* VkInstanceCreateInfo */

typedef void (*Function)(void);
typedef Function (*Lookup)(void *instance, const char *name);
typedef int32_t (*Negotiate)(uint32_t *version);
typedef int32_t (*Enumerate)(const char *layer, uint32_t *count, Extension *extensions);
typedef int32_t (*Create)(const Wanted *wanted, const void *allocator, void **instance);

static Lookup of_instance, of_physical_device;
static Negotiate negotiate;
static Enumerate enumerate;
static Create create;

/* Load the real driver once; the loader asks for nothing before it has negotiated, and holds a lock then. */
static int loaded(void) {
    if (of_instance) return 1;
    const char *path = getenv(VARIABLE);
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) {
        fprintf(stderr, "headless_surface: %s\n", path ? dlerror() : VARIABLE " names no driver");
        return 0;
    }
    of_physical_device = (Lookup)dlsym(library, OF_PHYSICAL_DEVICE);
    negotiate = (Negotiate)dlsym(library, NEGOTIATE);
    of_instance = (Lookup)dlsym(library, "vk_icdGetInstanceProcAddr");
    if (!of_instance) return 0;
    /* Since version 7 of the loader's interface, a driver may show these to the lookup alone. */
    if (!of_physical_device) of_physical_device = (Lookup)of_instance(NULL, OF_PHYSICAL_DEVICE);
    if (!negotiate) negotiate = (Negotiate)of_instance(NULL, NEGOTIATE);
    enumerate = (Enumerate)of_instance(NULL, "vkEnumerateInstanceExtensionProperties");
    create = (Create)of_instance(NULL, "vkCreateInstance");
    return 1;
}

static int32_t enumerate_with_it(const char *layer, uint32_t *count, Extension *extensions) {
    uint32_t total = 0;
    if (layer) return enumerate(layer, count, extensions);
    int32_t result = enumerate(NULL, &total, NULL);
    if (result < 0) return result;
    Extension *all = calloc(total + 1, sizeof *all);
    if (!all) return OUT_OF_HOST_MEMORY;
    result = enumerate(NULL, &total, all);
    if (result >= 0) {
        uint32_t place = 0;
        while (place < total && strcmp(all[place].name, EXTENSION)) place++;
        if (place == total) {
            memset(&all[place], 0, sizeof *all);
            strcpy(all[place].name, EXTENSION);
            all[place].version = 1;
            total++;
        }
        uint32_t given = extensions && *count < total ? *count : total;
        if (extensions) memcpy(extensions, all, given * sizeof *all);
        *count = given;
        result = given < total ? INCOMPLETE : SUCCESS;
    }
    free(all);
    return result;
}

/* The real driver would refuse the extension that it does not know. */
static int32_t create_without_it(const Wanted *wanted, const void *allocator, void **instance) {
    Wanted passed = *wanted;
    const char **names = calloc(wanted->extension_count + 1, sizeof *names);
    if (!names) return OUT_OF_HOST_MEMORY;
    passed.extension_count = 0;
    for (uint32_t place = 0; place < wanted->extension_count; place++)
        if (strcmp(wanted->extensions[place], EXTENSION)) names[passed.extension_count++] = wanted->extensions[place];
    passed.extensions = names;
    int32_t result = create(&passed, allocator, instance);
    free(names);
    return result;
}

Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
    if (!loaded()) return NULL;
    if (enumerate && !strcmp(name, "vkEnumerateInstanceExtensionProperties")) return (Function)enumerate_with_it;
    if (create && !strcmp(name, "vkCreateInstance")) return (Function)create_without_it;
    return of_instance(instance, name);
}

Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
    return loaded() && of_physical_device ? of_physical_device(instance, name) : NULL;
}

int32_t vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
    if (!loaded()) return INCOMPATIBLE_DRIVER;
    if (negotiate) return negotiate(version);
    if (*version > 1) *version = 1; /* the last version in which drivers did not negotiate */
    return SUCCESS;
}
