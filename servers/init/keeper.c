/* SPDX-License-Identifier: MIT */
/* Processes that keep DMA memory; see keeper.h. */
#include "keeper.h"
#include "lib/memory.h"
#include "lib/spawn.h"
#include "lib/sys.h"

#define KEPT_MAX 16u        /* lives that ended before any had reset the devices */
#define PRIORITY_CEILING 1u /* nothing runs there */

static uint64_t container, process; /* handles; 0: not yet */
static uint64_t kept[KEPT_MAX];     /* processes of earlier lives */
static unsigned kept_count;

uint64_t keeper_overhead(uint64_t pages) { return 64 + pages / 256; }

uint64_t keeper_process(void) { return process; }

int keeper_alive(void)
{
    struct atm_result r = atm_process_info(process);
    return r.status == 0 && r.r[0] == PROCESS_ALIVE;
}

static struct atm_result container_make(uint64_t pages)
{
    uint64_t name[2];
    name_pack(KEEPER_NAME, name);
    uint64_t cpus = atm_container_info(BOOT_CONTAINER).r[3];
    return atm_container_create(BOOT_CONTAINER, pages, cpus, PRIORITY_CEILING, name[0], name[1]);
}

/* The process of the life that has ended becomes one of the kept. */
static int64_t process_keep(void)
{
    if (process == 0)
        return 0;
    if (kept_count == KEPT_MAX)
        return -ERR_FULL;
    kept[kept_count++] = process;
    process = 0;
    return 0;
}

int64_t keeper_renew(uint64_t pages, uint64_t endpoint, uint64_t bits)
{
    uint64_t name[2];
    name_pack(KEEPER_NAME, name);
    int64_t status = process_keep();
    if (status != 0)
        return status;
    if (atm_handle_info(container).r[0] != KIND_CONTAINER) { /* there is none yet, or none any more */
        struct atm_result made = container_make(pages);
        if (made.status != 0)
            return made.status;
        atm_handle_close(container);
        container = made.r[0];
    }
    struct atm_result r = atm_process_create(container, endpoint, bits, name[0], name[1]);
    process = r.status == 0 ? r.r[0] : 0;
    return r.status;
}

void keeper_settle(void)
{
    while (kept_count > 0) {
        uint64_t old = kept[--kept_count];
        object_destroy(old);
        atm_handle_close(old);
    }
}
