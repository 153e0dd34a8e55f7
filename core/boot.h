/* SPDX-License-Identifier: MIT */
/*
 * From memory map to first process. Called once, by the architecture, before any other entry; the order is that of the
 * functions below. Not proved: boot is trusted (proofs/TRUSTED.md).
 */
#ifndef CORE_BOOT_H
#define CORE_BOOT_H

#include "core/kernel.h"

/* Frames 0 .. frames-1 exist or are holes; all are FRAME_RESERVED until given by kernel_boot_ram. frame arrays and
   windows must be readable for them. The arrays may hold anything. */
/*@ requires 0 < frames <= FRAMES_MAX;
    assigns KERNEL_STATE;
    ensures \forall integer p; is_frame(p) && p < frames ==> frame_kind[p] == FRAME_RESERVED; */
void kernel_boot_begin(pfn_t frames);

/* Frames [first, first + count) are RAM nobody uses: gives them to the allocator. Frame 0 is ignored. */
/*@ assigns KERNEL_STATE; */
void kernel_boot_ram(pfn_t first, pfn_t count);

/* CPU cpu will run threads. At least CPU 0, before kernel_boot_init. */
/*@ requires cpu < CPUS_MAX;
    assigns KERNEL_STATE;
    ensures cpu_started(cpu); */
void kernel_boot_cpu(cpu_t cpu);

/* What the first process is made of. */
struct boot_image {
    pfn_t initrd; /* first frame of the newc cpio archive, page aligned; its frames are never given as RAM */
    uint64_t initrd_bytes;
    const char *command; /* see atm_boot_info.command */
    uint64_t rsdp;
    uint64_t machine;
    uint64_t ecam; /* see atm_boot_info */
    uint64_t ecam_first;
    uint64_t ecam_last;
};

/* Starts "init" out of the archive. NULL: done, and *first is the thread to run; else a message: what is wrong. */
/*@ requires \valid_read(image) && \valid(first);
    assigns KERNEL_STATE, *first;
    ensures \result == \null ==> kernel_wf && is_thread(*first); */
const char *kernel_boot_init(const struct boot_image *image, pfn_t *first);

/* Frames the allocator has left: for leak checks. */
/*@ assigns \nothing; */
uint64_t kernel_free_frames(void);

#endif
