/* SPDX-License-Identifier: MIT */
/*
 * The disk driver's parts: clients and their buffers (clients.c), jobs, that is calls in work
 * (jobs.c), and requests at the device (device.c). main.c speaks the protocol of lib/block.h.
 *
 * A job lives from its call to its answer. It is cut into device requests, each in a slot; what has
 * no free slot waits, and jobs take turns. A client that goes while its jobs are in work is kept
 * until the device is done with its buffer.
 */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

#include "lib/block.h"
#include "lib/virtio.h"

#define CLIENTS_MAX 8u
#define JOBS_MAX 32u
#define CLIENT_JOBS_MAX 4u /* calls of one client in work at once: what threads it may have */

struct client {
    uint64_t badge;
    uint64_t alive;     /* handle to an endpoint of the client; 0: the entry is free */
    uint64_t *physical; /* of each page of its buffer */
    uint64_t va;        /* where the buffer is mapped here */
    uint32_t pages;
    uint32_t jobs;    /* in work */
    uint32_t leaving; /* 1: the buffer is freed with its last job */
};

/* What a job does; the number is that of virtio-blk's request type. */
enum job_kind { JOB_READ = 0, JOB_WRITE = 1, JOB_FLUSH = 4, JOB_DISCARD = 11 };

struct job {
    struct client *client;
    uint64_t reply;             /* handle; 0: the call could not be saved */
    uint64_t failed;            /* bit i: request i failed */
    uint32_t error;             /* errno number of a failure */
    uint32_t place;             /* in jobs.c's list */
    uint32_t later;             /* 1: answered by its last request, not by who began it */
    uint32_t kind;              /* JOB_FLUSH, JOB_DISCARD, else transfers */
    uint32_t count;             /* transfers; 1 for others */
    uint32_t next;              /* the first that is not wholly at the device */
    uint32_t done;              /* sectors of it that are at the device */
    uint32_t slots;             /* requests at the device */
    struct job *after;          /* in the queue of those that wait for slots */
    uint64_t what[BLOCK_BATCH]; /* JOB_DISCARD: sector; sectors in where */
    uint64_t where[BLOCK_BATCH];
};

struct disk {
    struct virtio_device device;
    struct virtio_queue queue;
    uint64_t sectors;
    uint64_t flags;       /* BLOCK_READ_ONLY ... */
    uint32_t pieces_max;  /* data descriptors of a request */
    uint32_t discard_max; /* sectors of a discard request */
};
extern struct disk disk;

/* clients.c */
struct client *client_find(uint64_t badge);
/* Attaches a client with as many of the pages as there is memory for; NULL: none. Takes alive. */
struct client *client_attach(uint64_t badge, uint64_t alive, uint64_t pages);
/* Gives it a buffer of so many pages in all; 0 or an errno number. */
uint64_t client_grow(struct client *client, uint64_t pages);
/* It goes: frees its buffer as soon as it has no jobs. */
void client_leave(struct client *client);
/* One of its jobs is over. */
void client_job_over(struct client *client);
/* Clients that died leave. */
void clients_sweep(void);

/* jobs.c */
/* A new job for a client; NULL: it has enough. */
struct job *job_new(struct client *client, uint32_t kind);
/* Takes up a job that is filled in, and hands the device what it can take. */
void job_begin(struct job *job);
/* Requests of waiting jobs go to the device as long as it has slots. */
void jobs_push(void);
/* A request of the job is done. */
void job_request_done(struct job *job, uint64_t requests, uint32_t error);
/* All its requests are done. */
static inline int job_is_over(const struct job *job)
{
    return job->slots == 0 && job->next == job->count;
}
/* Its answer's words; the job is free then. */
uint64_t job_finish(struct job *job, uint64_t *failed);
/* How many requests must be done before any job can be over. */
uint32_t jobs_patience(void);

/* device.c */
/* Sets up disk; 0, or PCI_ABSENT. */
int64_t disk_open(uint64_t endpoint, uint64_t bits);
/* Puts as much of the job as one request takes into a free slot: 1; 0: no slot is free. */
int disk_put(struct job *job);
/* Takes what the device is done with: the number of requests. */
uint32_t disk_reap(void);

#endif
