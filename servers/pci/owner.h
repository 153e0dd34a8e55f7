/* SPDX-License-Identifier: MIT */
/*
 * Who has which device. A device is owned by one program at a time, from its open until it closes it
 * or ends; then the device is stopped and reset before anything of it is given away again. What is
 * held for an owner is bounded: two handles, a record a DMA page.
 */
#ifndef PCI_OWNER_H
#define PCI_OWNER_H

#include "function.h"
#include "lib/pci.h"

/* The functions, as found; n below is a place in this list. */
extern struct function functions[FUNCTIONS_MAX];
extern size_t function_count;
extern struct config config;
extern uint64_t serve; /* the server's endpoint */

/* A request to open device n. */
struct opening {
    uint64_t program; /* badge */
    uint64_t process; /* handle: the owner's memory is changed through it; kept or closed */
    uint64_t va;      /* where BARs go */
    uint64_t pages;   /* of memory that the program may have in all */
};

/* What the owner gets; handles stay the server's, to be copied. */
struct opened {
    struct pci_answer answer;
    uint64_t irqs, ports; /* 0: none */
};

/* Each returns 0, an enum pci_error or a positive enum atm_error, for a label. */
uint64_t owner_open(size_t n, const struct opening *o, struct opened *out);
/* The device an id of a program names; FUNCTIONS_MAX: none. */
size_t owner_find(uint64_t id, uint64_t program);
void owner_close(size_t n);
void owner_stop(size_t n); /* stops and resets a device nobody has */
/* Sets lines aside for its messages; to be called for the same devices in the same order in each life. */
void owner_lines_reserve(size_t n);
uint64_t owner_of(size_t n); /* program; 0: nobody has it open */

/* INTx: from now on bits are signalled on endpoint (a handle, which becomes the server's). */
uint64_t owner_irq(size_t n, uint64_t endpoint, uint64_t bits);
uint64_t owner_irq_ack(size_t n);
/* Lines (as bits) fired on the server's endpoint. */
void owner_lines(uint64_t lines);

/* DMA memory. A program may have as much as its container could hold beside the program itself, and
   init gave the server that much for each: what one takes is never missing for another. */
struct dma_wish {
    uint64_t va;    /* in the owner */
    uint64_t pages; /* now; PCI_DMA_PIECE at most */
    uint64_t after; /* and this many in the calls to come: if that is too much, it is refused now */
};
uint64_t owner_dma_alloc(size_t n, const struct dma_wish *wish, uint64_t *physical);
uint64_t owner_dma_free(size_t n, uint64_t va, uint64_t pages);

/* Gives up the devices of programs that have ended. */
void owners_check(void);

#endif
