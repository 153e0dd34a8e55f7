/* SPDX-License-Identifier: MIT */
/*
 * What is done to a device itself: letting it run, its MSI-X table, stopping and resetting it.
 */
#ifndef PCI_DEVICE_H
#define PCI_DEVICE_H

#include "function.h"

extern struct config config;

/* Lets it decode its BARs and use memory. f: all functions, as bridges on the way are opened, too. */
void device_enable(const struct function *f, size_t count, size_t n);

/* Vectors 0 .. lines-1 of its MSI-X table raise lines from `line` on. 1: done; 0: not possible. */
int device_msix(const struct function *f, uint32_t line, uint32_t lines);

/* Stops the device: no memory access, no interrupt; then resets it. */
enum device_stopped {
    STOPPED,     /* it is as after power on */
    STOPPED_ODD, /* it did not become quiet, but it may not access memory */
    STOPPED_NOT  /* it does neither */
};
enum device_stopped device_stop(const struct function *f);

/* INTx: 1 if the device asks for it; and whether it may. */
int device_intx_asked(const struct function *f);
void device_intx_allow(const struct function *f, int allow);

#endif
