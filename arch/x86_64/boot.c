/* SPDX-License-Identifier: MIT */
/*
 * From the loader's memory map to the first user instruction, in the order of x86_boot. Owns the
 * two lists of physical memory: x86_ram, all RAM of the boot map, which never changes again, and
 * x86_free, what of it below 64 GiB nobody uses. Everything boot needs for ever (page tables, frame
 * arrays) is taken from x86_free; the core gets the rest.
 */
#include "arch/x86_64/x86.h"

#define LOW_FRAMES 256u /* the first MiB is the firmware's, and other processors start there */

struct x86_ranges x86_ram;
struct x86_ranges x86_free;
static struct x86_loader boot_loader;

extern const uint8_t image_text[], image_end[];

/* The frames that hold, or lie within, bytes [base, base + bytes); an overflowing range ends at the
   top. */
X86_INIT static struct x86_range frames_around(uint64_t base, uint64_t bytes)
{
    uint64_t end = base + bytes < base ? UINT64_MAX : base + bytes;
    return (struct x86_range){base / PAGE_SIZE, end / PAGE_SIZE + (end % PAGE_SIZE != 0)};
}

X86_INIT static struct x86_range frames_within(uint64_t base, uint64_t bytes)
{
    uint64_t end = base + bytes < base ? UINT64_MAX : base + bytes;
    return (struct x86_range){base / PAGE_SIZE + (base % PAGE_SIZE != 0), end / PAGE_SIZE};
}

X86_INIT static void boot_reserve(uint64_t base, uint64_t bytes)
{
    struct x86_range r = frames_around(base, bytes);
    /* A full list cannot be split: giving up the whole range loses memory, never safety. */
    while (!x86_ranges_remove(&x86_free, r.first, r.end))
        x86_note("too many memory ranges; some memory is lost near", base);
}

X86_INIT static void boot_add_ram(uint64_t base, uint64_t bytes)
{
    struct x86_range r = frames_within(base, bytes), around = frames_around(base, bytes);
    if (!x86_ranges_add(&x86_ram, around.first, around.end))
        x86_note("too many memory ranges; ignored the one at", base);
    if (r.end > FRAMES_MAX) {
        x86_note("memory above 64 GiB is not used, from a range that begins at", base);
        r.end = FRAMES_MAX;
    }
    if (!x86_ranges_add(&x86_free, r.first, r.end))
        x86_note("too many memory ranges; ignored the one at", base);
}

/* All RAM first, then everything reserved out of it: the order of the map does not matter, and
   where entries overlap, reserved wins. */
X86_INIT static void boot_memory(const struct x86_loader *loader)
{
    for (uint32_t i = 0; i < loader->map_count; i++)
        if (loader->map[i].type == X86_MAP_RAM)
            boot_add_ram(loader->map[i].base, loader->map[i].bytes);
    for (uint32_t i = 0; i < loader->map_count; i++)
        if (loader->map[i].type != X86_MAP_RAM)
            boot_reserve(loader->map[i].base, loader->map[i].bytes);
    boot_reserve(0, LOW_FRAMES * PAGE_SIZE);
    boot_reserve(X86_IMAGE_LOAD, x86_phys_of_image(image_end) - X86_IMAGE_LOAD);
    boot_reserve(loader->module, loader->module_bytes);
    boot_reserve(loader->info, loader->info_bytes);
}

/* One more than the last frame the windows must reach. */
X86_INIT static pfn_t boot_frames(void)
{
    uint64_t frames = 0;
    for (uint32_t i = 0; i < x86_ram.count; i++)
        if (x86_ram.range[i].first < FRAMES_MAX)
            frames = x86_ram.range[i].end;
    return (pfn_t)(frames < FRAMES_MAX ? frames : FRAMES_MAX);
}

/* The ramdisk as whole frames: moves it if the loader did not align it, and clears what follows in
   its last page, which the first process will see. */
X86_INIT static void boot_initrd(const struct x86_loader *loader, pfn_t frames,
                                 struct boot_image *image)
{
    if (loader->module_bytes == 0)
        x86_fail("no initial ramdisk was loaded; QEMU: -initrd FILE, GRUB: module2 FILE");
    struct x86_range r = frames_around(loader->module, loader->module_bytes);
    if (r.end > frames || !x86_ranges_cover(&x86_ram, r.first, r.end))
        x86_fail("the initial ramdisk is not in memory that the boot map calls RAM");
    uint64_t count = (loader->module_bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    if (loader->module % PAGE_SIZE != 0) {
        r.first = x86_ranges_take(&x86_free, count, 1, frames);
        if (r.first == 0)
            x86_fail("no memory to align the initial ramdisk");
        __builtin_memcpy(x86_phys(r.first * PAGE_SIZE), x86_phys(loader->module),
                         loader->module_bytes);
    }
    uint8_t *bytes = x86_phys(r.first * PAGE_SIZE);
    __builtin_memset(bytes + loader->module_bytes, 0, count * PAGE_SIZE - loader->module_bytes);
    image->initrd = (pfn_t)r.first;
    image->initrd_bytes = loader->module_bytes;
}

X86_INIT static void boot_or_fail(const char *error)
{
    if (error)
        x86_fail(error);
}

/* Gives the core its memory and starts its first process. */
X86_INIT static pfn_t boot_core(const struct x86_loader *loader, pfn_t frames)
{
    struct boot_image image = {.command = loader->command,
                               .rsdp = x86_acpi.rsdp,
                               .machine = MACHINE_X86_64,
                               .ecam = x86_acpi.ecam,
                               .ecam_first = x86_acpi.ecam_first,
                               .ecam_last = x86_acpi.ecam_last};
    boot_initrd(loader, frames, &image);
    kernel_boot_begin(frames);
    for (uint32_t i = 0; i < x86_free.count; i++)
        kernel_boot_ram((pfn_t)x86_free.range[i].first,
                        (pfn_t)(x86_free.range[i].end - x86_free.range[i].first));
    kernel_boot_cpu(0);
    pfn_t first = 0;
    boot_or_fail(kernel_boot_init(&image, &first));
    return first;
}

X86_INIT _Noreturn void x86_boot(uint32_t kind, uint32_t info)
{
    x86_serial_init();
    boot_or_fail(x86_cpu_init());
    boot_or_fail(x86_loader_read(&boot_loader, kind, info));
    boot_memory(&boot_loader);
    pfn_t frames = boot_frames();
    if (frames == 0)
        x86_fail("the boot map has no RAM");
    x86_paging_init(frames);
    x86_acpi_init(boot_loader.rsdp);
    boot_or_fail(x86_apic_init());
    boot_or_fail(x86_time_init());
    x86_run(boot_core(&boot_loader, frames));
}
