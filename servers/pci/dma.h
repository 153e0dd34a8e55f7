/* SPDX-License-Identifier: MIT */
/*
 * DMA memory: single pages, each mapped in the keeper, a process of init's without threads, and in the
 * device's owner. So they are there until they are dropped here, however the owner or this server
 * ends. The owner's container pays for its mapping of them, the keeper's for that one.
 */
#ifndef PCI_DMA_H
#define PCI_DMA_H

#include <stdint.h>

#define DMA_PAGES_MAX 65536u /* a device: 256 MiB */

/* 1: there is a keeper. */
int dma_start(void);

/* A range of the owner's memory. */
struct dma_range {
    uint64_t process; /* handle */
    uint64_t va;
    uint64_t pages; /* PCI_DMA_PIECE at most */
};

/* Fresh zeroed pages for device n; physical gets their addresses. 0, an enum pci_error or a positive
   enum atm_error; at an error nothing remains. How many pages an owner may have is for the caller. */
uint64_t dma_alloc(uint32_t n, struct dma_range r, uint64_t *physical);

/* Pages device n has. */
uint64_t dma_used(uint32_t n);

/* Drops pages of device n that were given at these addresses. PCI_BAD_REQUEST: one was not. */
uint64_t dma_free(uint32_t n, uint64_t va, uint64_t pages);

/* Drops all of device n. */
void dma_drop(uint32_t n);

#endif
