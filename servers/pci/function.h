/* SPDX-License-Identifier: MIT */
/*
 * What PCI configuration space says, as plain C over a few functions that read and write it. Nothing
 * a device says is trusted: lists of capabilities are cut at a fixed length, sizes and places are
 * checked, and what makes no sense counts as not there.
 */
#ifndef PCI_FUNCTION_H
#define PCI_FUNCTION_H

#include <stddef.h>
#include <stdint.h>

#define FUNCTION_BARS 6u
#define FUNCTIONS_MAX 64u
#define CONFIG_BYTES 256u /* all that is used here is below */

#define PLACE(bus, device, function) ((uint32_t)((bus) << 8 | (device) << 3 | (function)))
#define PLACE_BUS(place) ((place) >> 8)

/* Registers. */
#define CONFIG_VENDOR 0x00u
#define CONFIG_COMMAND 0x04u
#define CONFIG_STATUS 0x06u
#define CONFIG_CLASS 0x08u /* bits 8-31 */
#define CONFIG_HEADER 0x0eu
#define CONFIG_BAR 0x10u
#define CONFIG_SECONDARY 0x19u
#define CONFIG_SUBSYSTEM 0x2cu
#define CONFIG_CAPABILITIES 0x34u
#define CONFIG_LINE 0x3cu
#define CONFIG_PIN 0x3du
#define COMMAND_IO 1u
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define COMMAND_INTX_OFF 0x400u
#define STATUS_INTX 8u
#define STATUS_CAPABILITIES 0x10u
#define MSIX_CONTROL 2u /* from its capability on */
#define MSIX_MASK_ALL 0x4000u
#define MSIX_ENABLE 0x8000u
#define EXPRESS_CONTROL 8u
#define EXPRESS_RESET 0x8000u

/* Access to configuration space; width 1, 2 or 4, offset a multiple of it below CONFIG_BYTES. */
struct config {
    uint32_t (*read)(void *context, uint32_t place, uint32_t offset, uint32_t width);
    void (*write)(void *context, uint32_t place, uint32_t offset, uint32_t width, uint32_t value);
    void *context;
};

enum bar_kind { BAR_NONE, BAR_PORTS, BAR_MEMORY };
struct bar {
    enum bar_kind kind;
    uint32_t wide;    /* 1: 64 bits, in two registers */
    uint64_t address; /* 0: it has none, or none that can be used */
    uint64_t bytes;   /* a power of two */
};

/* A place in a memory BAR. */
struct spot {
    uint32_t bar;
    uint64_t offset;
};

struct function {
    uint32_t place;
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint32_t class_code; /* class, subclass, interface */
    uint32_t header;     /* 0: a device; else a bridge */
    uint32_t line, pin;  /* INTx: firmware's interrupt line, pin 1-4 (0: none) */
    struct bar bar[FUNCTION_BARS];
    uint32_t msix; /* its capability; 0: there is none that can be used */
    uint32_t msix_vectors;
    struct spot msix_table;
    uint32_t express; /* its capability, if it offers a function-level reset; 0: not */
    uint32_t virtio;  /* 1: virtio_common is there */
    struct spot virtio_common;
};

/* Finds all functions from bus 0 on through bridges up to bus last, in the order of their places, and
   describes them. Bus mastering and INTx of each device are off afterwards. Returns how many; more
   than FUNCTIONS_MAX are left out, and *more is 1. */
size_t functions_find(const struct config *c, uint32_t last, struct function f[FUNCTIONS_MAX],
                      int *more);

/* Addresses [first, end) that a BAR may be given. */
struct window {
    uint64_t first, end;
};

/* Sees to it that no page (ports: no port) is in two BARs, nor in `taken`: the BAR that comes later
   gets a new place out of the window, or none. usable: 1 if a range can be device memory. */
struct layout {
    struct window window;
    struct window taken;
    int (*usable)(uint64_t address, uint64_t bytes);
};
void functions_place(const struct config *c, struct function *f, size_t count,
                     const struct layout *l);

/* 1 if page number `page` of BAR b holds part of the MSI-X table. */
int function_page_is_table(const struct function *f, uint32_t b, uint64_t page);

#endif
