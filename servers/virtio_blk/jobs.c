/* SPDX-License-Identifier: MIT */
/*
 * Jobs. Those with requests that are not at the device yet wait in a queue; each in turn puts one
 * request, so that no client starves another.
 */
#include "blk.h"
#include <stddef.h>

static struct job jobs[JOBS_MAX];
static struct job *list[JOBS_MAX]; /* first those in work, then the others, as far as ever used */
static uint32_t in_work, ever_used;
static struct job *waiting_first, *waiting_last;

/* A job that is not in work; it is now. */
static struct job *job_take(void)
{
    if (in_work == ever_used) {
        if (ever_used == JOBS_MAX)
            return NULL;
        list[ever_used] = &jobs[ever_used];
        ever_used++;
    }
    struct job *job = list[in_work];
    job->place = in_work++;
    return job;
}

static void job_free(struct job *job)
{
    struct job *last = list[--in_work];
    list[job->place] = last;
    last->place = job->place;
    list[in_work] = job;
}

struct job *job_new(struct client *client, uint32_t kind)
{
    struct job *job = client->jobs < CLIENT_JOBS_MAX ? job_take() : NULL;
    if (job == NULL)
        return NULL;
    job->client = client;
    job->reply = job->failed = 0;
    job->error = 0;
    job->kind = kind;
    job->count = 1;
    job->next = job->done = job->slots = job->later = 0;
    job->after = NULL;
    client->jobs++;
    return job;
}

static void wait_last(struct job *job)
{
    job->after = NULL;
    if (waiting_first == NULL)
        waiting_first = job;
    else
        waiting_last->after = job;
    waiting_last = job;
}

void jobs_push(void)
{
    while (waiting_first != NULL && disk_put(waiting_first)) {
        struct job *job = waiting_first;
        waiting_first = job->after;
        if (job->next < job->count)
            wait_last(job);
    }
}

void job_begin(struct job *job)
{
    wait_last(job);
    jobs_push();
}

uint64_t job_finish(struct job *job, uint64_t *failed)
{
    *failed = job->failed;
    job_free(job);
    client_job_over(job->client);
    return TAG(job->error, 1, 0);
}

void job_request_done(struct job *job, uint64_t requests, uint32_t error)
{
    job->slots--;
    if (error != 0) {
        job->failed |= requests;
        job->error = error;
    }
    if (job->later == 0 || !job_is_over(job))
        return;
    uint64_t reply = job->reply, failed;
    uint64_t tag = job_finish(job, &failed);
    if (reply != 0 && atm_reply(reply, tag, failed, 0, 0, 0).status != 0) /* the client died */
        atm_handle_close(reply);
}

uint32_t jobs_patience(void)
{
    uint32_t least = VIRTIO_QUEUE_MAX;
    if (waiting_first != NULL)
        return 1;
    for (uint32_t i = 0; i < in_work; i++)
        if (list[i]->slots < least)
            least = list[i]->slots;
    return least;
}
