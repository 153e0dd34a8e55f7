/* SPDX-License-Identifier: MIT */
/* The fuzzer's first state; see scene.h. Compiled with store callbacks: what it writes into the kernel is reset, too. */
#include "fuzz/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/hosted/hosted.h"
#include "core/boot.h"
#include "core/handle.h"
#include "core/memory.h"
#include "core/sched.h"
#include "tests/unit/calls.h"
#include "tests/unit/elf_image.h"

#define INITRD_FRAMES 16u
#define CONTAINER_PAGES 700u
#define CEILING 40u
#define PRIORITY 10u

pfn_t scene_thread[SCENE_THREADS];
pfn_t scene_process[SCENE_PROCESSES];

static struct image elf;
static struct image archive;

/* ---- entering the kernel ---- */

int scene_run(pfn_t thread)
{
    pfn_t now = cpu_at[0].current;
    if (now == thread)
        return 1;
    if (frame_kind[thread] != FRAME_THREAD || thread_at[T(thread)].state != THREAD_READY)
        return 0;
    if (process_at[P(frame_owner[thread])].dying != 0)
        return 0; /* the scheduler would set it aside */
    if (now != 0) {
        cpu_at[0].current = 0;
        sched_ready(now);
    }
    sched_unready(thread);
    cpu_at[0].current = thread;
    thread_at[T(thread)].state = THREAD_RUNNING;
    return 1;
}

void scene_registers(pfn_t thread, uint64_t number, const uint64_t arg[6])
{
    thread_at[T(thread)].reg[REG_RAX] = number;
    thread_at[T(thread)].reg[REG_RBX] =
        hosted_direct.clock + 1000; /* a deadline for calls that have one */
    for (uint32_t i = 0; i < 6; i++)
        thread_at[T(thread)].reg[REG_RDI + i] = arg[i];
}

void scene_poke(pfn_t process, uint64_t va, uint64_t value)
{
    pfn_t frame = user_frame(process_at[P(process)].root, va, 0);
    if (frame != 0)
        page_at[frame].word[va / 8 % 512] = value;
}

/* ---- building ---- */

/* A call of init that must succeed; its first result. */
static uint64_t must(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                     uint64_t a4, uint64_t a5)
{
    pfn_t init = scene_thread[0];
    uint64_t arg[6] = {a0, a1, a2, a3, a4, a5};
    int ran = scene_run(init);
    scene_registers(init, number, arg);
    if (ran)
        (void)kernel_syscall(0);
    if (!ran || thread_at[T(init)].reg[REG_RAX] != 0) {
        fprintf(stderr, "scene: %s failed: %s\n", calls[number].name,
                error_name((uint64_t)0 - thread_at[T(init)].reg[REG_RAX]));
        abort();
    }
    return thread_at[T(init)].reg[REG_RDI];
}

static void boot(void)
{
    hosted_memory_init(SCENE_FRAMES);
    hosted_direct_init();
    kernel_boot_begin(SCENE_FRAMES);
    kernel_boot_ram(1, SCENE_FRAMES - 1 - INITRD_FRAMES);
    kernel_boot_cpu(0);
    elf_make(&elf);
    cpio_add(&archive, "bin/init", elf.byte, elf.used);
    cpio_end(&archive);
    struct boot_image image = {
        .initrd = SCENE_FRAMES - INITRD_FRAMES, .command = "", .machine = MACHINE_HOSTED};
    for (size_t i = 0; i < archive.used; i++)
        ((uint8_t *)&page_at[image.initrd])[i] = archive.byte[i];
    image.initrd_bytes = archive.used;
    const char *wrong = kernel_boot_init(&image, &scene_thread[0]);
    if (wrong != NULL) {
        fprintf(stderr, "scene: boot: %s\n", wrong);
        abort();
    }
    scene_process[0] = init_process;
}

static uint32_t object(uint64_t handle)
{
    return handle_at[H(handle_slot(init_process, handle))].object;
}

static uint64_t thread_add(uint32_t i, uint64_t process)
{
    uint64_t h = must(SYS_thread_create, process, SCENE_CODE, SCENE_MESSAGE, i, SETUP(PRIORITY, 0),
                      SCENE_MESSAGE);
    scene_thread[i] = object(h);
    return h;
}

static void pages_add(uint64_t process, uint64_t va, uint64_t pages)
{
    must(SYS_map, process, va, pages, PAGE_READ | PAGE_WRITE, 0, 0);
}

static void give(uint64_t process, uint64_t handle, uint64_t rights, uint64_t badge)
{
    must(SYS_handle_copy, process, handle, rights, badge, 0, 0);
}

/* Handles 1 .. 14 of each process, the same in each: a fuzzer finds them at once. */
static void handles_add(uint64_t process, uint64_t thread, uint64_t container, uint64_t partner,
                        const uint64_t endpoint[2], uint64_t badge)
{
    give(process, process, RIGHTS_ALL, 0);
    give(process, thread, RIGHTS_ALL, 0);
    give(process, endpoint[0], RIGHTS_ALL, badge);
    give(process, endpoint[1], RIGHTS_ALL, 0);
    give(process, container, RIGHTS_ALL, 0);
    give(process, partner, RIGHTS_ALL, 0);
    give(process, BOOT_IRQS, RIGHTS_ALL, 0);
    give(process, BOOT_PORTS, RIGHTS_ALL, 0);
    give(process, BOOT_MEMORY, RIGHTS_ALL, 0);
    give(process, endpoint[0], RIGHT_SEND | RIGHT_SIGNAL, badge + 1);
    give(process, container, RIGHT_READ, 0);
    give(process, partner, RIGHT_READ | RIGHT_COPY, 0);
    must(SYS_endpoint_create, process, 0, 0, 0, 0, 0);
    give(process, BOOT_CONTAINER, RIGHT_READ | RIGHT_WRITE | RIGHT_COPY, 0);
}

void scene_make(void)
{
    uint64_t container[2], process[3], thread[SCENE_THREADS], endpoint[2];
    boot();
    must(SYS_priority, BOOT_THREAD, PRIORITY, 0, 0, 0, 0);
    pages_add(0, SCENE_DATA, 2);
    for (uint32_t i = 0; i < 2; i++) {
        container[i] = must(SYS_container_create, BOOT_CONTAINER, CONTAINER_PAGES, 1, CEILING, 0, 0);
        endpoint[i] = must(SYS_endpoint_create, 0, 0, 0, 0, 0, 0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        process[i] =
            must(SYS_process_create, container[i / 2], endpoint[1], (uint64_t)1 << i, 0, 0, 0);
        scene_process[1 + i] = object(process[i]);
        pages_add(process[i], SCENE_DATA, 2);
        pages_add(process[i], SCENE_MESSAGE, 1);
        thread[1 + i] = thread_add(1 + i, process[i]);
    }
    thread[4] = thread_add(4, process[0]);
    for (uint32_t i = 0; i < 3; i++)
        handles_add(process[i], thread[1 + i], container[i / 2], process[(i + 1) % 3], endpoint,
                    2 * i + 1);
    must(SYS_fault_handler, process[1], endpoint[0], 0, 0, 0, 0);
}
