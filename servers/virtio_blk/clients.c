/* SPDX-License-Identifier: MIT */
/*
 * Clients and their buffers. A buffer is DMA memory at a place of its own in this address space; it
 * is given back to the PCI server when its client goes, and its frames are free when the client has
 * unmapped them or is dead. So no client ever sees what another one left.
 */
#include "blk.h"
#include <errno.h>
#include <stdlib.h>

#define BUFFERS_VA 0x310000000000u

static struct client clients[CLIENTS_MAX];

struct client *client_find(uint64_t badge)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (clients[i].alive != 0 && clients[i].leaving == 0 && clients[i].badge == badge)
            return &clients[i];
    return NULL;
}

static void client_free(struct client *client)
{
    (void)pci_dma_free(&disk.device.pci, client->va, client->pages);
    atm_handle_close(client->alive);
    free(client->physical);
    *client = (struct client){0};
}

void client_leave(struct client *client)
{
    client->leaving = 1;
    if (client->jobs == 0)
        client_free(client);
}

void client_job_over(struct client *client)
{
    client->jobs--;
    if (client->leaving != 0 && client->jobs == 0)
        client_free(client);
}

void clients_sweep(void)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (clients[i].alive != 0 && clients[i].leaving == 0 &&
            atm_handle_info(clients[i].alive).r[0] == KIND_NONE)
            client_leave(&clients[i]);
}

/* Half as many, and again half, when there is no memory for all. */
static uint32_t buffer_make(struct client *client, uint64_t pages)
{
    for (; pages > 0; pages /= 2)
        if (pci_dma_alloc(&disk.device.pci, client->va, pages, client->physical) == 0)
            return (uint32_t)pages;
    return 0;
}

uint64_t client_grow(struct client *client, uint64_t pages)
{
    if (pages > BLOCK_PAGES_MAX)
        return EINVAL;
    if (pages <= client->pages)
        return 0;
    uint64_t *physical = realloc(client->physical, pages * sizeof *physical);
    if (physical == NULL)
        return ENOMEM;
    client->physical = physical;
    if (pci_dma_alloc(&disk.device.pci, client->va + (uint64_t)client->pages * PAGE_SIZE,
                      pages - client->pages, physical + client->pages) != 0)
        return ENOMEM;
    client->pages = (uint32_t)pages;
    return 0;
}

struct client *client_attach(uint64_t badge, uint64_t alive, uint64_t pages)
{
    size_t i = 0;
    while (i < CLIENTS_MAX && clients[i].alive != 0)
        i++;
    if (i == CLIENTS_MAX || pages == 0)
        return NULL;
    if (pages > BLOCK_PAGES_MAX)
        pages = BLOCK_PAGES_MAX;
    struct client *client = &clients[i];
    client->va = BUFFERS_VA + i * BLOCK_PAGES_MAX * PAGE_SIZE;
    client->physical = malloc(pages * sizeof *client->physical);
    client->pages = client->physical != NULL ? buffer_make(client, pages) : 0;
    if (client->pages == 0) {
        free(client->physical);
        *client = (struct client){0};
        return NULL;
    }
    client->badge = badge;
    client->alive = alive;
    return client;
}
