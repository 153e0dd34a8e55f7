/* SPDX-License-Identifier: MIT */
/*
 * Start of the native hosted system: memory, the initial ramdisk in its last frames, the core's boot, the first thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/hosted/native.h"
#include "arch/hosted/network.h"
#include "arch/hosted/pci.h"

static _Noreturn void initrd_refuse(const char *why, const char *what_to_do)
{
    fprintf(stderr, "atmos-hosted: cannot read the initial ramdisk %s: %s\n%s\n", options.initrd,
            why, what_to_do);
    exit(1);
}

/* Copies the archive into the last frames of memory; returns the first of these. */
static pfn_t initrd_load(uint64_t *bytes)
{
    int fd = open(options.initrd, O_RDONLY | O_CLOEXEC);
    struct stat status;
    uint64_t pages, done = 0;
    pfn_t first;

    if (fd < 0 || fstat(fd, &status) != 0) {
        initrd_refuse(strerror(errno),
                      "Build it with `make run`, or name another with --initrd FILE.");
    }
    pages = ((uint64_t)status.st_size + PAGE_SIZE - 1) / PAGE_SIZE;
    if (!S_ISREG(status.st_mode) || pages == 0) {
        initrd_refuse("it is no file, or empty", "Name a newc cpio archive with --initrd FILE.");
    }
    if (pages > hosted_frames() / 2) {
        initrd_refuse("it needs more than half of the memory", "Give more with --memory SIZE.");
    }
    first = hosted_frames() - (pfn_t)pages;
    *bytes = (uint64_t)status.st_size;
    lseek(hosted_memory_fd(), (off_t)first * PAGE_SIZE, SEEK_SET);
    while (done < *bytes) { /* from file to file: no page of it is mapped here for that */
        ssize_t n = sendfile(hosted_memory_fd(), fd, NULL, *bytes - done);

        if (n <= 0) {
            initrd_refuse(n == 0 ? "it became shorter" : strerror(errno), "Try again.");
        }
        done += (uint64_t)n;
    }
    close(fd);
    return first;
}

#define FRAMES_IN_A_ROW 0x8000u /* 128 MiB */

/* All frames below `end`. The allocator hands out first what it got last: these come from the top, so that pages in a row
   get frames in a row, and one mapping of a stub holds them all. What is more is given as it is quickest. */
static void ram_give(pfn_t end)
{
    pfn_t low = end < FRAMES_IN_A_ROW ? end : FRAMES_IN_A_ROW;

    kernel_boot_ram(low, end - low);
    while (--low > 0) {
        kernel_boot_ram(low, 1);
    }
}

/* As a sanitizer would: leaks do not matter in a process that ends, and their finder cannot work under ptrace. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

int main(int argc, char **argv)
{
    struct boot_image image = {.machine = MACHINE_HOSTED};
    const char *error;
    pfn_t first = 0;

    options_read(argc, argv);
    hosted_memory_init((uint32_t)(options.memory / PAGE_SIZE));
    image.initrd = initrd_load(&image.initrd_bytes);
    image.command = options.command;
    time_init();
    trace_init();
    stubs_init();
    models_start();
    network_start(options.seeded ? options.seed : time_host(), options.command[0] != 0);
    if (models_exist()) {
        image.ecam = PCI_ECAM_BASE;
    }
    kernel_boot_begin(hosted_frames());
    hosted_memory_fresh(image.initrd);
    ram_give(image.initrd);
    kernel_boot_cpu(0);
    error = kernel_boot_init(&image, &first);
    if (error != NULL) {
        fprintf(stderr, "atmos-hosted: %s: %s\n", options.initrd, error);
        return 1;
    }
    terminal_init();
    guest_loop(first);
}
