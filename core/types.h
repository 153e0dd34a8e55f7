/* SPDX-License-Identifier: MIT */
/*
 * The kernel's objects: what each is, how long it lives, what every field means. Objects live in page frames and are
 * named by frame number; 0 names nothing. Ownership is a tree and the only rule of lifetime:
 *
 *     container > container          a child's quota is carved out of its parent's
 *     container > process > thread   frame_owner, on the owner's list
 *     process   > page tables        reached from its root table, each knows level, parent and slot
 *     process   > handle pages, endpoint page   named in the process
 *
 * Destroying an owner destroys what it owns. Nothing is reference counted but user pages (frame_maps).
 */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atmos/abi.h"

typedef uint32_t pfn_t;      /* page frame number: physical address / 4096; 0: none */
typedef uint32_t endpoint_t; /* endpoint or run queue: frame * SLOTS + slot; 0: none */
typedef uint32_t slot_t;     /* handle slot: frame * SLOTS + slot; 0: none */
typedef uint32_t cpu_t;
typedef enum atm_error status_t; /* what a handler answers; ERR_NONE: done */

#define MUST_USE __attribute__((warn_unused_result))

#define FRAMES_MAX 16777216u /* 64 GiB */
#define REGIONS_MAX 32768u   /* 2 MiB each */
#define GIGAS_MAX 64u        /* 1 GiB each */
#define SLOTS 128u           /* endpoints, or handles, in one frame */
#define HANDLE_PAGES 8u
#define IRQS_MAX 256u
#define TABLE_ENTRIES 512u
#define TABLE_LEVELS 4u
#define FPU_BYTES 2048u

/* What a frame is: says which window is meaningful for it. */
enum frame_kind {
    FRAME_FREE,      /* no object: free, or part of a larger block */
    FRAME_RESERVED,  /* not RAM, or used by the kernel itself for ever */
    FRAME_CONTAINER, /* container_at */
    FRAME_PROCESS,   /* process_at */
    FRAME_THREAD,    /* thread_at */
    FRAME_ENDPOINTS, /* endpoint_at: SLOTS of them */
    FRAME_RUNQUEUE,  /* endpoint_at: the run queues of one CPU */
    FRAME_HANDLES,   /* handle_at: SLOTS of them */
    FRAME_TABLE,     /* table_at */
    FRAME_USER,      /* page_at: a user page, or the first frame of a user superpage */
    FRAME_KINDS
};

/* Sizes of block the allocator hands out; also the level of page table whose entries map that size, less one. */
enum block_size { BLOCK_4K, BLOCK_2M, BLOCK_1G, BLOCK_SIZES };

/* clang-format off */
/* An endpoint, or one run queue. Threads wait in it, all of one kind, first come first served. */
struct endpoint {
    pfn_t first;         /* longest waiting thread; 0: none */
    pfn_t last;          /* latest; 0: none */
    uint64_t events;     /* pending event bits */
    uint64_t generation; /* unique birth number; 0: this slot is no endpoint */
    uint32_t mode;       /* enum endpoint_mode */
    uint32_t spare;
};
enum endpoint_mode {
    MODE_IDLE,    /* nobody waits */
    MODE_SEND,    /* threads wait to send */
    MODE_RECEIVE, /* threads wait to receive */
    MODE_RUN,     /* a run queue */
    MODE_DEAD     /* being destroyed: its waiters are being released */
};

/* A handle: one process's name for an object. Valid while generation is the object's. */
struct handle {
    uint64_t generation; /* the object's; KIND_REPLY: the call's id; KIND_MEMORY: pages in the range */
    uint64_t badge;      /* endpoint: given to receivers; IRQS, PORTS: last number; MEMORY: first physical page */
    uint32_t object;     /* frame, or endpoint_t; KIND_REPLY: the calling thread; IRQS, PORTS: first number */
    uint8_t kind;        /* enum atm_kind; KIND_NONE: slot is free */
    uint8_t rights;      /* RIGHT_ bits */
    uint16_t spare;
    uint64_t spare2;
};

/* A container: memory quota, CPU set and priority ceiling for the processes and containers inside. */
struct container {
    uint64_t total;   /* pages it may use, in 4 KiB units */
    uint64_t used;    /* pages charged to it: objects, tables, mappings; used + carved <= total */
    uint64_t carved;  /* totals of its child containers */
    uint64_t cpus;    /* bit n: threads may run on CPU n */
    uint64_t depth;   /* 0: the root container */
    uint64_t name[2]; /* 16 bytes of text */
    uint64_t children; /* child containers and processes */
    uint64_t cursor_generation; /* of the container at cursor: detects that another destroyed it */
    pfn_t cursor;     /* while it is being destroyed: where in its subtree; 0: not begun */
    uint8_t ceiling;  /* highest priority of its threads */
    uint8_t dying;    /* 1: being destroyed, nothing can be created in it */
    uint8_t pad[4096 - 9 * 8 - 6];
};

/* Stages of a process's destruction, in order; each process_reap does a bounded piece. */
enum reap_stage { REAP_THREADS, REAP_HANDLES, REAP_ENDPOINTS, REAP_MEMORY, REAP_BLOCK, REAP_DONE };

/* A process: an address space, a table of handles, a page of endpoints. Its container is frame_owner. */
struct process {
    pfn_t root;                      /* level-4 page table */
    pfn_t endpoint_page;             /* 0: none yet */
    pfn_t handle_page[HANDLE_PAGES]; /* 0: none yet; filled in order */
    uint32_t handle_free;            /* how many handle numbers are free */
    uint32_t endpoint_free;          /* how many endpoint slots are free */
    uint32_t handle_pages;           /* handle_page[0 .. handle_pages-1] are there */
    uint8_t state;                   /* enum atm_process_state */
    uint8_t spare;
    uint8_t reap_stage;              /* enum reap_stage */
    uint8_t block_size;              /* enum block_size of block */
    uint64_t name[2];                /* 16 bytes of text */
    uint64_t charged;                /* pages charged to its container for it */
    uint64_t threads;                /* threads it has */
    uint64_t next_number;            /* number of its next thread, from 1 */
    uint64_t code;                   /* exit status, or enum atm_fault */
    uint64_t fault_address;
    uint64_t fault_ip;
    uint64_t fault_thread;           /* number of the thread that ended it */
    uint64_t death_generation;       /* told when it ends: endpoint, its generation, */
    uint64_t death_bits;             /* bits */
    uint64_t mapping_birth;          /* birth number of its last change of a mapping that was there */
    uint64_t fault_generation;       /* faults are sent to: endpoint, its generation, */
    uint64_t fault_badge;            /* badge */
    endpoint_t death_endpoint;       /* 0: nobody */
    endpoint_t fault_endpoint;       /* 0: a fault ends the process */
    pfn_t block;                     /* superpage being zeroed for its next map call; 0: none */
    uint32_t block_done;             /* frames of it that are zero already */
    uint64_t reap_cursor;            /* progress within reap_stage */
    pfn_t dead_next;                 /* ended processes that still owe somebody an error: the next, */
    pfn_t dead_prev;                 /* and the one before; 0: none */
    uint32_t dying;                  /* 1: ended or being destroyed; its threads do not run again */
    uint32_t handle_fresh;           /* the first so many free handle numbers were never used, see handle.h */
    uint16_t handle_stack[HANDLES_MAX];
    uint8_t endpoint_stack[ENDPOINTS_MAX]; /* entry i, less i + 1, modulo ENDPOINTS_MAX, is a free slot: 0 at first */
    uint8_t pad[4096 - 208 - 2 * HANDLES_MAX - ENDPOINTS_MAX];
};

/* A thread. Its process is frame_owner; the queue it waits in is queue_of. */
struct thread {
    uint64_t reg[REG_COUNT]; /* user registers while it is not running */
    uint64_t deadline;       /* ns since boot; meaningful while heap_index != 0 */
    uint64_t call_id;        /* != 0 while it waits for an answer: unique number of that call */
    uint64_t reply_id;       /* call it may answer: reply_to's call_id; 0: none */
    uint64_t badge;          /* while sending: badge of the handle it sends through */
    uint64_t message_va;     /* its message page; 0: none */
    uint64_t number;         /* within its process, from 1 */
    uint64_t ticks;          /* timer ticks it was running at */
    uint64_t syscalls;       /* system calls it made */
    uint64_t fault_kind;     /* enum atm_fault; 0 unless its fault waits for a handler or an answer */
    uint64_t fault_address;
    uint64_t message_birth;  /* message_frame is right while the process's mapping_birth is this */
    pfn_t message_frame;     /* its message page, which it may write: a note; 0: none */
    pfn_t reply_to;          /* thread whose call reply_id is */
    uint32_t heap_index;     /* its place in the deadline heap; 0: not there */
    uint32_t suspended;      /* 1: it stops as soon as it would be ready */
    uint8_t state;           /* enum atm_thread_state */
    uint8_t priority;
    uint8_t cpu;
    uint8_t slice;           /* ticks left before the next thread of its priority runs */
    uint8_t calls;           /* while sending: 1 if it waits for an answer */
    uint8_t grants;          /* while sending: 1 if its handle has RIGHT_GRANT */
    uint8_t fpu_used;        /* the architecture's note about fpu[] */
    uint8_t pad[1024 - 8 * REG_COUNT - 11 * 8 - 23];
    uint8_t fpu[FPU_BYTES];  /* the architecture's: floating point and vector state, 64-byte aligned */
    uint8_t pad2[4096 - 1024 - FPU_BYTES];
};

struct page_table {
    uint64_t entry[TABLE_ENTRIES]; /* see the PTE_ constants in table.h */
};

struct page_words {
    uint64_t word[512];
};

/* clang-format on */

_Static_assert(sizeof(struct endpoint) * SLOTS == 4096, "endpoints fill one frame");
_Static_assert(sizeof(struct handle) * SLOTS == 4096, "handles fill one frame");
_Static_assert(sizeof(struct container) == 4096, "one frame");
_Static_assert(sizeof(struct process) == 4096, "one frame");
_Static_assert(sizeof(struct thread) == 4096, "one frame");
_Static_assert(offsetof(struct thread, fpu) == 1024, "aligned for XSAVE");
_Static_assert(sizeof(struct page_table) == 4096, "one frame");
_Static_assert(sizeof(struct page_words) == 4096, "one frame");

#endif
