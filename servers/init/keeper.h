/* SPDX-License-Identifier: MIT */
/*
 * Who keeps DMA memory while the PCI server is dead: processes without threads, which cannot end by
 * themselves. The PCI server maps every page it gives to a driver into the one of its own life. When
 * it has ended, a device may still write to those pages, whatever becomes of its driver; they are
 * given up when a new PCI server has reset all devices, and not before.
 */
#ifndef INIT_KEEPER_H
#define INIT_KEEPER_H

#include <stdint.h>

#define KEEPER_NAME "dma"

/* Pages its container needs beside those of all drivers: tables. */
uint64_t keeper_overhead(uint64_t pages);

/* For a new life of the PCI server: a new process, in a container of so many pages; those before stay.
   bits are signalled on endpoint when one ends. 0, or -error. */
int64_t keeper_renew(uint64_t pages, uint64_t endpoint, uint64_t bits);

/* Handle to the process of the PCI server's life; it is the keeper's. */
uint64_t keeper_process(void);

int keeper_alive(void);

/* All devices were reset: what earlier lives had is given up. */
void keeper_settle(void);

#endif
