/* SPDX-License-Identifier: MIT */
/*
 * One direction of the virtual cable: frames on their way, in the order they will arrive. A cable without faults hands
 * them on at once and in order; with faults it loses some, delays all, and holds some back so that later ones overtake
 * them, as a seeded generator says. What it holds is bounded: beyond WIRE_FRAMES_MAX frames are lost, as on any cable.
 * No system calls, and time is the caller's: network.c uses it, and its test and fuzz target.
 */
#ifndef HOSTED_WIRE_H
#define HOSTED_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define WIRE_FRAMES_MAX 4096u
#define WIRE_BYTES_MAX 1514u      /* an Ethernet frame without its checksum; longer ones are lost */
#define WIRE_MILLION 1000000u     /* the unit of probabilities */
#define WIRE_HOLD_LEAST 1000000u  /* ns a frame is held back, at least, */
#define WIRE_HOLD_SPREAD 4000000u /* and up to so much more */
#define WIRE_NEVER UINT64_MAX

struct wire_faults {
    uint32_t loss, reorder; /* of a million frames */
    uint64_t delay;         /* ns */
};

struct wire_frame {
    struct wire_frame *next, *previous;
    uint64_t due; /* ns: when it arrives */
    uint32_t bytes;
    uint8_t data[];
};

struct wire {
    struct wire_faults faults;
    uint64_t random;           /* state of the generator, never 0 */
    struct wire_frame *first;  /* arrives first */
    struct wire_frame *last;   /* arrives last */
    uint32_t count;            /* frames held */
    uint64_t lost, held, full; /* frames lost by fault, held back, lost because it was full */
};

void wire_init(struct wire *w, const struct wire_faults *faults, uint64_t seed);

/* Puts a frame on the cable (copied). False: it is lost. */
bool wire_put(struct wire *w, const uint8_t *frame, uint32_t bytes, uint64_t now);

/* The next frame that has arrived by now; NULL: none. It stays until wire_drop. */
const struct wire_frame *wire_look(const struct wire *w, uint64_t now);
void wire_drop(struct wire *w);

/* When the next frame arrives; WIRE_NEVER: none is on its way. */
uint64_t wire_next(const struct wire *w);

/* True if a frame put in now would arrive at once, undisturbed: the caller may hand it on without the cable. */
bool wire_is_plain(const struct wire *w);

/* Loses all it holds. */
void wire_clear(struct wire *w);

#endif
