/* SPDX-License-Identifier: MIT */
/*
 * Typed windows: every frame of memory, once as each type. frame_kind[p] says which window is meaningful for frame p;
 * an access goes through the index guard of its type (T, P, C, E, H, PT, U below), whose contract requires that
 * kind. And the per-frame records, one array a field.
 *
 * The machine places them: before this header an architecture may define WINDOW(type, name, slot) and
 * ARRAY(type, name, slot) as typed constants at addresses of its own (compile core/ with -include). By default
 * they are plain arrays, which is how the proof sees them.
 */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include "core/types.h"

#ifndef WINDOW
#define WINDOW(type, name, slot, count) extern type name[count];
#endif
#ifndef ARRAY
#define ARRAY(type, name, slot, count) extern type name[count];
#endif

/* clang-format off */
WINDOW(struct thread, thread_at, 0, FRAMES_MAX)
WINDOW(struct process, process_at, 1, FRAMES_MAX)
WINDOW(struct container, container_at, 2, FRAMES_MAX)
WINDOW(struct endpoint, endpoint_at, 3, FRAMES_MAX * SLOTS)
WINDOW(struct handle, handle_at, 4, FRAMES_MAX * SLOTS)
WINDOW(struct page_table, table_at, 5, FRAMES_MAX)
WINDOW(struct page_words, page_at, 6, FRAMES_MAX)
#define WINDOWS 7

/* X(type, name, slot, elements): an array's index divides frame numbers by FRAMES_MAX / elements. */
#define FRAME_ARRAYS(X)                                                                                       \
    X(uint8_t, frame_kind, 0, FRAMES_MAX)        /* enum frame_kind */                                        \
    X(uint64_t, frame_generation, 22, FRAMES_MAX) /* unique birth number of the object here; 0: none */        \
    X(uint32_t, frame_maps, 2, FRAMES_MAX)       /* FRAME_USER: page-table entries that map it */             \
    X(pfn_t, frame_owner, 3, FRAMES_MAX)         /* container, process, thread: its owner; 0: in no list */ \
    X(pfn_t, own_next, 4, FRAMES_MAX)            /* owner lists: the next younger sibling; 0: none */         \
    X(pfn_t, own_prev, 5, FRAMES_MAX)                                                                         \
    X(pfn_t, own_first, 6, FRAMES_MAX)           /* containers and processes: eldest child; 0: none */        \
    X(pfn_t, own_last, 7, FRAMES_MAX)                                                                         \
    X(endpoint_t, queue_of, 8, FRAMES_MAX)       /* threads: the queue it waits in; 0: none */                \
    X(pfn_t, queue_next, 9, FRAMES_MAX)                                                                       \
    X(pfn_t, queue_prev, 10, FRAMES_MAX)                                                                      \
    X(uint32_t, free_slot, 11, FRAMES_MAX)       /* alloc.h: frames of a region, the free ones first */       \
    X(uint32_t, free_pos, 12, FRAMES_MAX)        /* inverse of free_slot */                                   \
    X(pfn_t, table_parent, 13, FRAMES_MAX)       /* FRAME_TABLE: the table whose entry points here; root: 0. FRAME_ENDPOINTS: its process */ \
    X(uint16_t, table_slot, 14, FRAMES_MAX)      /* FRAME_TABLE: that entry's index */                        \
    X(uint16_t, table_used, 15, FRAMES_MAX)      /* FRAME_TABLE: present entries (a root's: of its user half) */ \
    X(uint8_t, table_level, 16, FRAMES_MAX)      /* FRAME_TABLE: 4 root .. 1; else 0 */                       \
    X(pfn_t, deadline_heap, 17, FRAMES_MAX)      /* deadline.h: heap of threads, from index 1 */              \
    X(uint32_t, region_free, 18, REGIONS_MAX)    /* alloc.h: free 4 KiB frames in each 2 MiB region */        \
    X(uint32_t, big_slot, 19, REGIONS_MAX)       /* regions of a giga, the wholly free ones first */          \
    X(uint32_t, big_pos, 20, REGIONS_MAX)                                                                     \
    X(uint32_t, partial_slot, 21, REGIONS_MAX)   /* all regions, those partly free first */                   \
    X(uint32_t, partial_pos, 1, REGIONS_MAX)
/* clang-format on */
#define FRAME_ARRAY_COUNT 23

FRAME_ARRAYS(ARRAY)

#define INDEX_GUARD static inline __attribute__((always_inline))
/* What seldom runs: small, out of the way of what often does. */
#define RARE __attribute__((noinline, cold))

/*@ predicate is_frame(integer p) = 0 < p < FRAMES_MAX;
    predicate is_kind{L}(integer p, integer k) = 0 < p < FRAMES_MAX && frame_kind[p] == k;
    predicate is_thread{L}(integer p) = 0 < p < FRAMES_MAX && frame_kind[p] == FRAME_THREAD;
    predicate is_process{L}(integer p) = 0 < p < FRAMES_MAX && frame_kind[p] == FRAME_PROCESS;
    predicate is_container{L}(integer p) = 0 < p < FRAMES_MAX && frame_kind[p] == FRAME_CONTAINER;
    predicate is_table{L}(integer p) = 0 < p < FRAMES_MAX && frame_kind[p] == FRAME_TABLE;
    predicate is_user{L}(integer p) = 0 < p < FRAMES_MAX && frame_kind[p] == FRAME_USER;
    predicate is_queue{L}(integer e) = 0 < e < FRAMES_MAX * SLOTS &&
        (frame_kind[e / SLOTS] == FRAME_ENDPOINTS || frame_kind[e / SLOTS] == FRAME_RUNQUEUE);
    predicate is_slot{L}(integer h) = 0 < h < FRAMES_MAX * SLOTS && frame_kind[h / SLOTS] == FRAME_HANDLES;
*/

/*@ requires is_thread(p); assigns \nothing; ensures \result == p; */
INDEX_GUARD pfn_t T(pfn_t p) { return p; }
/*@ requires is_process(p); assigns \nothing; ensures \result == p; */
INDEX_GUARD pfn_t P(pfn_t p) { return p; }
/*@ requires is_container(p); assigns \nothing; ensures \result == p; */
INDEX_GUARD pfn_t C(pfn_t p) { return p; }
/*@ requires is_table(p); assigns \nothing; ensures \result == p; */
INDEX_GUARD pfn_t PT(pfn_t p) { return p; }
/*@ requires is_queue(e); assigns \nothing; ensures \result == e; */
INDEX_GUARD endpoint_t E(endpoint_t e) { return e; }
/*@ requires is_slot(h); assigns \nothing; ensures \result == h; */
INDEX_GUARD slot_t H(slot_t h) { return h; }
/*@ requires 0 < p < FRAMES_MAX && frame_kind[p] != FRAME_TABLE && frame_kind[p] != FRAME_RESERVED; assigns \nothing; ensures \result == p; */
INDEX_GUARD pfn_t U(pfn_t p) { return p; }

/* The number of a CPU that is started. A machine that starts one CPU only may say so here: it is a constant then. */
#ifndef ARCH_CPU
#define ARCH_CPU(cpu) (cpu)
#endif
/*@ requires c < CPUS_MAX; assigns \nothing; ensures \result == c; */
INDEX_GUARD cpu_t CPU(cpu_t c) { return ARCH_CPU(c); }

#endif
