/* SPDX-License-Identifier: MIT */
/*
 * Jobs. Those with requests that are not at the device yet wait in a queue; each in turn puts one
 * request, so that no client starves another.
 */
#include "blk.h"
#include <stddef.h>

static struct job jobs[JOBS_MAX];
static struct job *waiting_first, *waiting_last;

struct job *job_new(struct client *client, uint32_t kind)
{
    if (client->jobs == CLIENT_JOBS_MAX)
        return NULL;
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (jobs[i].used == 0) {
            struct job *job = &jobs[i];
            job->client = client;
            job->reply = job->failed = 0;
            job->error = 0;
            job->used = 1;
            job->kind = kind;
            job->count = 1;
            job->next = job->done = job->slots = job->later = 0;
            job->after = NULL;
            client->jobs++;
            return job;
        }
    return NULL;
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
    job->used = 0;
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
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (jobs[i].used != 0 && jobs[i].slots < least)
            least = jobs[i].slots;
    return least;
}
