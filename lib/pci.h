/* SPDX-License-Identifier: MIT */
/*
 * The PCI server's protocol, and its client side. A driver opens the devices that its block of the
 * manifest names ("device VENDOR:DEVICE [INDEX]"), and gets of each: its memory BARs, mapped; a
 * handle to its I/O ports; a handle to its interrupt lines; and DMA memory. It gets nothing of any
 * other device, and nobody else gets this one while the driver lives.
 *
 * The PCI server maps DMA memory itself first and shares it with the driver, so the pages outlive
 * the driver: when it has died the device is stopped and reset before they are freed.
 */
#ifndef LIB_PCI_H
#define LIB_PCI_H

#include "lib/sys.h"

#define PCI_BARS 6u
#define PCI_VECTORS_MAX 4u            /* message-signalled interrupts a device */
#define PCI_CONFIG_PIECE 32u          /* bytes a PCI_CONFIG_READ call reads at most */
#define PCI_DMA_PIECE 32u             /* pages one PCI_DMA_ALLOC call handles at most */
#define PCI_BAR_PAGES_MAX 4096u       /* of a BAR as many pages are mapped at most */
#define PCI_DEVICES_MAX 64u           /* functions the server knows */
#define PCI_WINDOW_VA 0x400000000000u /* BAR b of a program's device i lies at: */
#define PCI_BAR_VA(i, b) (PCI_WINDOW_VA + ((uint64_t)(i)*8u + (b)) * 0x10000000u)

/* A request's label. The device's id is w0 where nothing else is said; an answer's label is 0, an
   enum pci_error, or (at a failed transfer) an enum atm_error below 100. */
enum pci_label {
    PCI_OPEN = 1, /* w0 index among the program's grants, w1 where its BARs go; item: the handle
                     "self". Answer: struct pci_answer in w0 up; items: IRQS, PORTS where it says so */
    PCI_CLOSE,
    PCI_CONFIG_READ, /* w1 offset, w2 bytes: 1, 2, 4, or a multiple of 4 to PCI_CONFIG_PIECE; aligned
                        to that, or to 4. Answer: they, from w0 up */
    PCI_IRQ,         /* INTx: w1 bits; item: endpoint handle with the right to signal */
    PCI_IRQ_ACK,     /* INTx: may fire again */
    PCI_DMA_ALLOC,   /* w1 va, w2 pages, w3 pages to be asked for after these: too many are refused
                        at once. Answer: w0 pages done, w1 up: their physical addresses */
    PCI_DMA_FREE,    /* w1 va, w2 pages */
    PCI_LIST,        /* w0 number from 0. Answer: struct pci_info in w0 up */
    PCI_PRESENT /* w0 a program's place in the manifest from 1: how many of its devices are there */
};

enum pci_error {
    PCI_ABSENT = 100, /* there is no such device, or no such grant */
    PCI_REFUSED,      /* not this program's device */
    PCI_BUSY,         /* another living program has it */
    PCI_BAD_REQUEST,  /* malformed */
    PCI_NO_MEMORY,    /* more DMA memory than the program may have */
    PCI_NO_IRQ,       /* the device has no interrupt that can be used */
    PCI_NO_SERVICE    /* the program has no handle "pci" or "self" */
};

struct pci_bar {
    uint64_t va;    /* where it is mapped, uncached; 0: no memory BAR */
    uint64_t bytes; /* mapped bytes; pages that hold the MSI-X table are left out */
    uint64_t port;  /* first port of an I/O BAR; 0: none */
};

/* What PCI_OPEN answers, in words from w0 up. */
struct pci_answer {
    uint64_t id;
    uint64_t ids;  /* vendor, device, subsystem vendor, subsystem device: 16 bits each */
    uint64_t irqs; /* bits 0-31 first line, 32-47 lines; then PCI_ANSWER_IRQS, PCI_ANSWER_PORTS */
    struct pci_bar bar[PCI_BARS];
};
#define PCI_ANSWER_IRQS (1ul << 48)  /* an item IRQS comes */
#define PCI_ANSWER_PORTS (1ul << 49) /* then an item PORTS */

struct pci_device {
    uint64_t id;
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint64_t endpoint; /* the PCI server's */
    struct pci_bar bar[PCI_BARS];
    uint64_t ports;     /* handle to the ports of its I/O BAR; 0: none */
    uint64_t irqs;      /* handle to its message-signalled lines; 0: INTx */
    uint32_t msi_lines; /* MSI-X vectors 0 .. msi_lines-1 are there; 0: INTx */
    uint32_t line;      /* of vector 0 */
};

/* A function, for people. */
struct pci_info {
    uint64_t place;     /* bus << 8 | device << 3 | function */
    uint64_t ids;       /* as in struct pci_answer */
    uint64_t class_irq; /* bits 0-23 class, subclass, interface; 24-31 interrupt line; 32-47 MSI-X
                           vectors; 48: opened by a program now */
    uint64_t owner;     /* the program's place in the manifest from 1; 0: granted to nobody */
    uint64_t name[2];   /* and its name */
    uint64_t bar[PCI_BARS]; /* address | kind: 0 none, 1 ports, 2 memory */
    uint64_t bytes[PCI_BARS];
};

/* Each returns 0, an enum pci_error, or -error of a system call; or not at all, when the PCI server was
   started anew and so this program is about to be. */

/* Opens the program's device number index (its "device" lines, from 0): maps its BARs and enables
   it, bus mastering and all. The device was reset if it was in use before. */
int64_t pci_open(unsigned index, struct pci_device *d);
/* Resets the device, unmaps its BARs, frees its DMA memory. */
int64_t pci_close(struct pci_device *d);
int64_t pci_config_read(struct pci_device *d, uint32_t offset, uint32_t bytes, void *to);

/* From now on the device's interrupt number vector sets bits on an endpoint (a handle with the
   right to signal). Without MSI-X all vectors are one: INTx. */
int64_t pci_irq(struct pci_device *d, uint32_t vector, uint64_t endpoint, uint64_t bits);
/* Lets it come again; what arrived meanwhile comes at once. */
int64_t pci_irq_ack(struct pci_device *d, uint32_t vector);

/* Maps fresh zeroed pages at va that the device may access; physical gets an address for each page.
   All or none. Pages are single: neighbours in va are not neighbours in physical memory. */
int64_t pci_dma_alloc(struct pci_device *d, uint64_t va, uint64_t pages, uint64_t *physical);
/* Gives pages of pci_dma_alloc back; the device must not use them any more. */
int64_t pci_dma_free(struct pci_device *d, uint64_t va, uint64_t pages);

/* Function number n; PCI_ABSENT after the last. */
int64_t pci_list(unsigned n, struct pci_info *info);

const char *pci_error_text(int64_t status);

#endif
