/* SPDX-License-Identifier: MIT */
/*
 * Real access to configuration space: by memory (ECAM) where there is such, else by ports; and pages
 * of device memory mapped for a moment.
 */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include "function.h"

struct ecam {
    uint64_t base; /* physical address of bus 0; 0: there is none */
    uint64_t first, last;
};

/* Chooses the way in; ecam is what the environment says, and stays only if it works. */
struct config config_open(struct ecam *ecam);

uint64_t config_memory(void); /* the server's handles to all device memory, ports, interrupt lines */
uint64_t config_ports(void);
uint64_t config_irqs(void);

/* Maps `pages` (16 at most) of device memory at a physical address, page aligned, until the next
   call; the address, or 0. */
uint64_t device_peek(uint64_t physical, uint64_t pages);

/* 1 if the kernel lets [address, address + bytes) be device memory. */
int device_usable(uint64_t address, uint64_t bytes);

#endif
