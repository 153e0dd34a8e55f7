/* SPDX-License-Identifier: MIT */
/*
 * What the parts of init share.
 */
#ifndef INIT_INIT_H
#define INIT_INIT_H

#include "manifest.h"
#include "atmos/abi.h"

/* The console's endpoint while the console runs; 0: it does not. */
uint64_t init_console(void);

/* Tells people: through the console, or the kernel's log while there is none. Never waits for long.
   */
__attribute__((format(printf, 1, 2))) void init_say(const char *format, ...);

/* Reads the machine's clock, for all programs started from then on. */
void clock_start(void);

/* What the PCI server is told in its environment: which program may open what and have
   how many pages of DMA memory, and where configuration space is. The texts are good until the next call; returns how many. */
#define DEVICES_TEXTS 2u
size_t devices_environment(const struct manifest *m, const struct atm_boot_info *boot,
                           uint64_t (*pages)(const struct manifest_program *p),
                           const char *text[DEVICES_TEXTS]);

/* The PCI server, as it runs. */
struct devices_server {
    uint64_t endpoint;
    uint64_t process;
};

/* How many devices of program n are there; -1: the PCI server gave no answer. Waits while it looks for
   them, so an answer also means that a new PCI server has stopped and reset all devices. */
int devices_present(struct devices_server pci, size_t n);

#endif
