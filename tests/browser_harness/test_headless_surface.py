"""The driver that is put before a GPU's own adds one extension and passes everything else on."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.platforms import vulkan_devices
from browser_harness import chromium, headless_surface
from browser_harness.headless_surface import EXTENSION, ExtensionMissingError

COMPILER = next(filter(None, map(shutil.which, headless_surface.COMPILERS)), None)
compiled = pytest.mark.skipif(
    sys.platform != "linux" or COMPILER is None, reason=f"needs Linux and one of {headless_surface.COMPILERS}"
)
INCOMPLETE = 5

# A driver with two extensions, or three, and no device; it notes what it is asked to create.
DRIVER = """
#include <stdint.h>
#include <string.h>
typedef struct { char name[256]; uint32_t version; } Extension;
typedef struct { uint32_t type; const void *next; uint32_t flags; const void *application; uint32_t layer_count;
    const char *const *layers; uint32_t extension_count; const char *const *extensions; } Wanted;
typedef void (*Function)(void);
static const Extension all[] = {{"VK_KHR_surface", 25}, {"VK_KHR_display", 23}, {"VK_EXT_headless_surface", 7}};
uint32_t known = 2, created_count;
char created[256];
const void *created_next, *created_application, *created_allocator;
static int32_t enumerate(const char *layer, uint32_t *count, Extension *out) {
    if (layer) return -6;
    if (!out) { *count = known; return 0; }
    uint32_t given = *count < known ? *count : known;
    memcpy(out, all, given * sizeof *all);
    *count = given;
    return given < known ? 5 : 0;
}
static int32_t create(const Wanted *wanted, const void *allocator, void **instance) {
    created[0] = 0;
    for (uint32_t i = 0; i < wanted->extension_count; i++) strcat(strcat(created, wanted->extensions[i]), " ");
    created_count = wanted->extension_count;
    created_next = wanted->next; created_application = wanted->application; created_allocator = allocator;
    *instance = (void *)wanted;
    return created_count == 1 ? -7 : 0;
}
void other(void) {}
void of_physical_device(void) {}
Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
    if (!strcmp(name, "vkEnumerateInstanceExtensionProperties")) return (Function)enumerate;
    if (!strcmp(name, "vkCreateInstance")) return (Function)create;
    return strcmp(name, "other") ? 0 : other;
}
Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
    return strcmp(name, "other") ? 0 : of_physical_device;
}
int32_t vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
    if (*version > 5) *version = 5;
    return 0;
}
"""


class Extension(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char * 256), ("version", ctypes.c_uint32))


class Wanted(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_uint32),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.c_void_p),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.POINTER(ctypes.c_char_p)),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.POINTER(ctypes.c_char_p)),
    )


ENUMERATE = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint32), ctypes.POINTER(Extension)
)
CREATE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(Wanted), ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))


def build(source, library, *options):
    subprocess.run([COMPILER, *options, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)


def described(library):
    return {"file_format_version": "1.0.0", "ICD": {"api_version": "1.3.0", "library_path": str(library)}}


def describe(path, library):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(described(library)))
    return path


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """The file that describes the driver; its library lies beside."""
    folder = tmp_path_factory.mktemp("driver")
    (folder / "driver.c").write_text(DRIVER)
    build(folder / "driver.c", folder / "libdriver.so")
    return describe(folder / "driver.json", "./libdriver.so")


@pytest.fixture(scope="module")
def real(driver):
    return ctypes.CDLL(str(driver.with_name("libdriver.so")))


@pytest.fixture(scope="module")
def added(driver, tmp_path_factory):
    library = tmp_path_factory.mktemp("added") / "added.so"
    build(headless_surface.SOURCE, library, "-std=c11", "-Wall", "-Wextra", "-Werror")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(headless_surface.REAL_DRIVER, str(driver.with_name("libdriver.so")))
        loaded = ctypes.CDLL(str(library))
        assert loaded.vk_icdNegotiateLoaderICDInterfaceVersion(ctypes.byref(ctypes.c_uint32(7))) == 0
    return loaded


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """Start with an empty folder of caches, and nothing named."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in (*headless_surface.NAMING, "XDG_CONFIG_HOME", "XDG_DATA_DIRS", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def function(library, name, lookup="vk_icdGetInstanceProcAddr"):
    find = getattr(library, lookup)
    find.restype = ctypes.c_void_p
    return find(None, name)


def listed(added, room):
    """Return the answer, the count and the names that are written into *room* for them; None asks for the count."""
    count = ctypes.c_uint32(room or 0)
    out = None if room is None else (Extension * (room + 1))()
    result = ENUMERATE(function(added, b"vkEnumerateInstanceExtensionProperties"))(None, ctypes.byref(count), out)
    return result, count.value, [(one.name.decode(), one.version) for one in out or () if one.name]


KNOWN = [("VK_KHR_surface", 25), ("VK_KHR_display", 23)]
ADDED = [*KNOWN, (EXTENSION, 1)]


@compiled
def test_the_extension_is_listed_behind_those_of_the_driver(added):
    assert listed(added, None) == (0, 3, [])
    for room in (3, 5):
        assert listed(added, room) == (0, 3, ADDED)
    for room in (0, 1, 2):
        assert listed(added, room) == (INCOMPLETE, room, ADDED[:room])


@compiled
def test_an_extension_that_the_driver_has_is_listed_once(added, real):
    known = ctypes.c_uint32.in_dll(real, "known")
    known.value = 3
    try:
        assert listed(added, None) == (0, 3, [])
        assert listed(added, 4) == (0, 3, [*KNOWN, (EXTENSION, 7)])
    finally:
        known.value = 2


@compiled
def test_a_layers_extensions_are_the_drivers_business(added):
    enumerate_extensions = ENUMERATE(function(added, b"vkEnumerateInstanceExtensionProperties"))
    assert enumerate_extensions(b"layer", ctypes.byref(ctypes.c_uint32()), None) == -6


@compiled
@pytest.mark.parametrize(
    ("asked", "passed", "answer"),
    [
        ([b"VK_KHR_surface", EXTENSION.encode(), b"VK_KHR_display"], b"VK_KHR_surface VK_KHR_display ", 0),
        ([EXTENSION.encode()], b"", 0),
        ([b"VK_KHR_surface"], b"VK_KHR_surface ", -7),
        ([], b"", 0),
    ],
    ids=["among others", "alone", "not asked for", "none"],
)
def test_an_instance_is_created_without_the_extension_and_with_all_else(added, real, asked, passed, answer):
    names = (ctypes.c_char_p * len(asked))(*asked)
    wanted = Wanted(1, 0x10, 0, 0x20, 0, None, len(asked), names)
    instance = ctypes.c_void_p()
    create = CREATE(function(added, b"vkCreateInstance"))
    assert create(ctypes.byref(wanted), ctypes.c_void_p(0x30), ctypes.byref(instance)) == answer
    assert (ctypes.c_char * 256).in_dll(real, "created").value == passed
    seen = [ctypes.c_void_p.in_dll(real, f"created_{name}").value for name in ("next", "application", "allocator")]
    assert seen == [0x10, 0x20, 0x30]
    assert instance.value  # the driver's own
    assert (wanted.extension_count, wanted.extensions[: len(asked)]) == (len(asked), asked)


@compiled
def test_everything_else_is_the_drivers(added, real):
    assert function(added, b"other") == ctypes.cast(real.other, ctypes.c_void_p).value
    assert function(added, b"none") is None
    device = ctypes.cast(real.of_physical_device, ctypes.c_void_p).value
    assert function(added, b"other", "vk_icdGetPhysicalDeviceProcAddr") == device
    version = ctypes.c_uint32(7)
    assert added.vk_icdNegotiateLoaderICDInterfaceVersion(ctypes.byref(version)) == 0
    assert version.value == 5


@compiled
@pytest.mark.parametrize(("shown", "version"), [("", 1), ("negotiate", 5)], ids=["version 1", "by the lookup alone"])
def test_a_driver_that_exports_no_negotiation_is_taken_too(tmp_path, shown, version):
    hidden = DRIVER.replace("int32_t vk_icdNegotiateLoaderICDInterfaceVersion", "static int32_t negotiate")
    if shown:
        begin = "Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {"
        finds = f'{begin} if (!strcmp(name, "vk_icdNegotiateLoaderICDInterfaceVersion")) return (Function)negotiate;'
        hidden = hidden.replace(begin, f"static int32_t negotiate(uint32_t *version);\n{finds}")
    (tmp_path / "driver.c").write_text(hidden)
    build(tmp_path / "driver.c", tmp_path / "libdriver.so")
    build(headless_surface.SOURCE, tmp_path / "added.so")
    words = (
        "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); version = ctypes.c_uint32(7);"
        "print(library.vk_icdNegotiateLoaderICDInterfaceVersion(ctypes.byref(version)), version.value)"
    )
    environment = os.environ | {headless_surface.REAL_DRIVER: str(tmp_path / "libdriver.so")}
    command = [sys.executable, "-c", words, str(tmp_path / "added.so")]
    assert subprocess.check_output(command, env=environment, text=True) == f"0 {version}\n"


@compiled
def test_a_driver_that_cannot_be_loaded_is_refused(tmp_path):
    build(headless_surface.SOURCE, tmp_path / "added.so")
    words = (
        "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]);"
        "print(library.vk_icdNegotiateLoaderICDInterfaceVersion(ctypes.byref(ctypes.c_uint32(5))))"
    )
    environment = os.environ | {headless_surface.REAL_DRIVER: str(tmp_path / "missing.so")}
    command = [sys.executable, "-c", words, str(tmp_path / "added.so")]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout == "-9\n"
    assert answer.stderr.startswith("headless_surface: ")
    assert "missing.so" in answer.stderr


@compiled
def test_a_loader_lists_the_extension_where_the_variables_lead_it(driver, monkeypatch, tmp_path):
    """By the loader that comes with the packaged browser, and by files alone, as the browser finds it."""
    loader = chromium.unpacked_folder() / vulkan_devices.LOADER
    if not loader.is_file():
        pytest.skip(f"{chromium.PACKAGE} is not unpacked")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("VK_DRIVER_FILES", str(driver))
    words = "import sys; from benchmarks.platforms import vulkan_devices as v; print(v.extensions(sys.argv[1]))"
    before, after = (
        subprocess.run(
            [sys.executable, "-c", words, str(loader)], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for environment in (os.environ, os.environ | headless_surface.environment(lambda path: True))
    )
    assert "VK_KHR_surface" in before
    assert EXTENSION not in before
    assert after.count(EXTENSION) == 1


@compiled
def test_it_is_built_once_and_described_as_the_real_driver_is(caches, driver, monkeypatch):
    monkeypatch.setenv("VK_DRIVER_FILES", str(driver))
    variables = headless_surface.environment(lambda path: True)
    assert Path(variables["HEADLESS_SURFACE_DRIVER"]).samefile(driver.with_name("libdriver.so"))
    assert variables["VK_DRIVER_FILES"] == variables["VK_ICD_FILENAMES"]
    file = Path(variables["VK_DRIVER_FILES"])
    library = file.with_name("libheadless_surface.so")
    assert json.loads(file.read_text()) == described(library)
    assert {*caches.rglob("*.*")} == {library, file}  # nothing is left aside

    monkeypatch.setenv("PATH", "")  # what is there needs no compiler
    assert headless_surface.environment(lambda path: True) == variables


# Which driver


def test_of_several_drivers_the_one_with_a_gpu_is_taken(caches, tmp_path, monkeypatch):
    monkeypatch.setattr(headless_surface, "_built", lambda: caches / "built.so")
    caches.mkdir()
    simulated, gpu = (tmp_path / f"{name}.json" for name in ("simulated", "gpu"))
    describe(simulated, "libvulkan_lvp.so")
    describe(gpu, "libGLX_nvidia.so.0")
    monkeypatch.setenv("VK_DRIVER_FILES", f"{tmp_path / 'missing.json'}:{simulated}:{gpu}")
    variables = headless_surface.environment(lambda path: path == gpu)
    assert variables["HEADLESS_SURFACE_DRIVER"] == "libGLX_nvidia.so.0"  # to be looked for as any library is
    with pytest.raises(ExtensionMissingError, match=r"no file that names the driver .*; install the driver's \.json"):
        headless_surface.environment(lambda path: False)


def test_drivers_are_sought_where_a_loader_looks(caches, tmp_path, monkeypatch):
    monkeypatch.setattr(headless_surface, "FOLDERS", (str(tmp_path / "etc"), str(tmp_path / "share")))
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path / 'share'}:{tmp_path / 'more'}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    own, etc, share, more = (
        describe(tmp_path / folder / "vulkan" / "icd.d" / "driver.json", "driver.so")
        for folder in ("home/.local/share", "etc", "share", "more")
    )
    assert [*headless_surface.drivers()] == [own, etc, share, more]
    monkeypatch.setenv("VK_ICD_FILENAMES", str(more))
    assert [*headless_surface.drivers()] == [more]
    monkeypatch.setenv("VK_DRIVER_FILES", str(share))  # which newer loaders read alone
    assert [*headless_surface.drivers()] == [share]


# Where it cannot be added


def test_without_a_compiler_the_remedies_are_told(caches, tmp_path, monkeypatch):
    monkeypatch.setenv("VK_DRIVER_FILES", str(describe(tmp_path / "gpu.json", "libGLX_nvidia.so.0")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExtensionMissingError) as refused:
        headless_surface.environment(lambda path: True)
    assert str(refused.value) == (
        "the GPU's Vulkan driver lacks VK_EXT_headless_surface, and there is no C compiler to add it with; install one "
        "(cc, gcc, clang), or name a driver that has it with VK_DRIVER_FILES"
    )


@compiled
def test_a_folder_that_cannot_be_written_is_told(caches, tmp_path, monkeypatch):
    monkeypatch.setenv("VK_DRIVER_FILES", str(describe(tmp_path / "gpu.json", "libGLX_nvidia.so.0")))
    caches.write_text("no folder")
    with pytest.raises(
        ExtensionMissingError, match=r"cannot be written \(.+\); name another folder with XDG_CACHE_HOME"
    ):
        headless_surface.environment(lambda path: True)


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler is a script")
def test_a_compiler_that_fails_is_told_and_leaves_nothing(caches, tmp_path, monkeypatch):
    monkeypatch.setenv("VK_DRIVER_FILES", str(describe(tmp_path / "gpu.json", "libGLX_nvidia.so.0")))
    (tmp_path / "cc").write_text("#!/bin/sh\necho first >&2\necho 'no dlfcn.h' >&2\nexit 1\n")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    words = r"cc cannot build headless_surface\.c \(no dlfcn\.h\); install another C compiler"
    with pytest.raises(ExtensionMissingError, match=words):
        headless_surface.environment(lambda path: True)
    assert not [*caches.rglob("*.*")]
