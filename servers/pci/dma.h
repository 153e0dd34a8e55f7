/* SPDX-License-Identifier: MIT */
/*
 * DMA memory: single pages, each mapped here first and shared with the device's owner, so that they
 * are there until they are dropped here, however the owner ends. The owner's container pays for its
 * mapping of them, the server's for this one.
 */
#ifndef PCI_DMA_H
#define PCI_DMA_H

#include <stdint.h>

/* A range of the owner's memory. */
struct dma_range {
    uint64_t process; /* handle */
    uint64_t va;
    uint64_t pages; /* PCI_DMA_PIECE at most */
};

/* 1 if device n may have so many pages more, as things are. */
int dma_fits(uint32_t n, uint64_t pages);

/* Fresh zeroed pages for device n; physical gets their addresses. 0, an enum pci_error or a positive
   enum atm_error; at an error nothing remains. */
uint64_t dma_alloc(uint32_t n, struct dma_range r, uint64_t *physical);

/* Drops pages of device n that were given at these addresses. PCI_BAD_REQUEST: one was not. */
uint64_t dma_free(uint32_t n, uint64_t va, uint64_t pages);

/* Drops all of device n. */
void dma_drop(uint32_t n);

#endif
