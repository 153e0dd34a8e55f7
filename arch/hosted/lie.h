/* SPDX-License-Identifier: MIT */
/*
 * Devices that lie, for testing drivers: --lie KIND[,ONE-IN-N]. Transport and models ask here at each place where a device
 * says something; without --lie the answer is always the truth. The choice of when and what depends on the seed alone.
 */
#ifndef HOSTED_LIE_H
#define HOSTED_LIE_H

#include <stdbool.h>
#include <stdint.h>

struct virtio_device;

/* name, what such a device does (for --help) */
#define LIE_KINDS(X)                                                                               \
    X(LENGTH, "length", "used lengths beyond the buffers or random")                               \
    X(INDEX, "index", "used indices that jump")                                                    \
    X(ID, "id", "used ids of chains never given")                                                  \
    X(STATUS, "status", "request statuses out of range or untrue")                                 \
    X(CONFIG, "config", "registers that read as anything")                                         \
    X(PCI, "pci", "configuration space that reads as anything")                                    \
    X(SILENCE, "silence", "requests never answered")                                               \
    X(STORM, "storm", "storms of interrupts without reason")

#define LIE_NAME(name, text, meaning) LIE_##name,
enum lie_kind { LIE_KINDS(LIE_NAME) LIE_COUNT };

/* Makes devices lie from now on. text: a kind, or "all", and optionally ",N": about once in N chances (64), and
   then ",M": M times, and the truth from then on. False: it is neither. */
bool lie_start(const char *text, uint64_t seed);

/* Prints the kinds on standard output. */
void lie_help(void);

/* True when it is time for a lie of this kind. */
bool lie_now(enum lie_kind kind);

/* truth, or instead of it a number that is likely to hurt. */
uint64_t lie_value(enum lie_kind kind, uint64_t truth);

/* After a notification: now and then interrupts for nothing begin, one at each lie_poll for a while. */
void lie_storm(struct virtio_device *d);
/* Goes on with a storm. False: there is none. */
bool lie_poll(void);

#endif
