/* SPDX-License-Identifier: MIT */
/*
 * Client of the PCI server.
 */
#include "lib/pci.h"
#include "lib/error.h"
#include "lib/memory.h"
#include "lib/message.h"
#include "lib/startup.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END_NS 10000000000u
#define ANSWER_WORDS (sizeof(struct pci_answer) / 8)

const char *pci_error_text(int64_t status)
{
    static const char *const texts[] = {"there is no such device",
                                        "it is not this program's device",
                                        "another program has the device",
                                        "malformed request",
                                        "no more DMA memory for this program",
                                        "the device has no interrupt that can be used",
                                        "this program was given no PCI server"};
    if (status <= 0)
        return atm_error_text(status);
    return status >= PCI_ABSENT && status <= PCI_NO_SERVICE ? texts[status - PCI_ABSENT]
                                                            : "unknown error";
}

/* The message is sent and replaced by the answer. */
static int64_t ask(uint64_t endpoint, struct message *m)
{
    if (endpoint == 0)
        return PCI_NO_SERVICE;
    int64_t status = message_call(endpoint, m);
    if (status < 0)
        return status;
    uint64_t label = TAG_LABEL(m->tag);
    return label < PCI_ABSENT ? -(int64_t)label : (int64_t)label;
}

/* The PCI server knows nothing of a device that is open here: it was started anew and has reset the
   device, and init is about to end this program, too. Until then nothing it could tell anybody would
   be of use, so it waits; a call in hand goes to its next life. */
_Noreturn static void end_await(void)
{
    struct atm_result r = atm_endpoint_create(0);
    if (r.status == 0)
        (void)atm_receive_until(r.r[0], atm_clock().r[0] + END_NS);
    fprintf(stderr, "%s: the PCI server took its device away\n", startup_name());
    exit(1);
}

/* Asks about a device that is open. */
static int64_t ask_device(const struct pci_device *d, struct message *m)
{
    int64_t status = ask(d->endpoint, m);
    if (status == PCI_REFUSED && d->id != 0)
        end_await();
    return status;
}

/* Up to `words` words of an answer; those that did not come are 0. */
static void words_take(const struct message *m, uint64_t *to, size_t words)
{
    size_t there = TAG_WORDS(m->tag);
    for (size_t i = 0; i < words; i++)
        to[i] = i >= there ? 0 : i < REGISTER_WORDS ? m->w[i] : atm_message()->word[i];
}

static void open_take(const struct message *m, struct pci_device *d)
{
    struct pci_answer a;
    words_take(m, (uint64_t *)&a, ANSWER_WORDS);
    d->id = a.id;
    d->vendor = (uint16_t)a.ids;
    d->device = (uint16_t)(a.ids >> 16);
    d->subsystem_vendor = (uint16_t)(a.ids >> 32);
    d->subsystem = (uint16_t)(a.ids >> 48);
    d->line = (uint32_t)a.irqs;
    d->msi_lines = (uint32_t)(a.irqs >> 32 & 0xffff);
    size_t item = 0;
    if ((a.irqs & PCI_ANSWER_IRQS) != 0)
        d->irqs = atm_message()->item[item++].value;
    if ((a.irqs & PCI_ANSWER_PORTS) != 0)
        d->ports = atm_message()->item[item].value;
    memcpy(d->bar, a.bar, sizeof d->bar);
}

int64_t pci_open(unsigned index, struct pci_device *d)
{
    struct message m = {.tag = TAG(PCI_OPEN, 2, 1), .w = {index, PCI_BAR_VA(index, 0)}};
    *d = (struct pci_device){.endpoint = startup_handle("pci")};
    uint64_t self = startup_handle("self");
    if (self == 0)
        return PCI_NO_SERVICE;
    atm_message()->item[0] = (struct atm_item){ITEM_HANDLE, self, RIGHT_READ | RIGHT_WRITE, 0};
    int64_t status = ask(d->endpoint, &m);
    if (status == 0)
        open_take(&m, d);
    return status;
}

int64_t pci_close(struct pci_device *d)
{
    struct message m = {.tag = TAG(PCI_CLOSE, 1, 0), .w = {d->id}};
    int64_t status = ask(d->endpoint, &m);
    if (d->irqs != 0)
        atm_handle_close(d->irqs);
    if (d->ports != 0)
        atm_handle_close(d->ports);
    *d = (struct pci_device){0};
    return status;
}

int64_t pci_config_read(struct pci_device *d, uint32_t offset, uint32_t bytes, void *to)
{
    struct message m = {.tag = TAG(PCI_CONFIG_READ, 3, 0), .w = {d->id, offset, bytes}};
    uint64_t words[PCI_CONFIG_PIECE / 8];
    int64_t status = ask_device(d, &m);
    if (status == 0) {
        words_take(&m, words, sizeof words / sizeof words[0]);
        memcpy(to, words, bytes < sizeof words ? bytes : sizeof words);
    }
    return status;
}

int64_t pci_irq(struct pci_device *d, uint32_t vector, uint64_t endpoint, uint64_t bits)
{
    if (d->msi_lines != 0) {
        if (vector >= d->msi_lines)
            return PCI_NO_IRQ;
        return atm_irq_claim(d->irqs, d->line + vector, endpoint, bits).status;
    }
    struct message m = {.tag = TAG(PCI_IRQ, 2, 1), .w = {d->id, bits}};
    atm_message()->item[0] = (struct atm_item){ITEM_HANDLE, endpoint, RIGHT_SIGNAL, 0};
    return ask_device(d, &m);
}

int64_t pci_irq_ack(struct pci_device *d, uint32_t vector)
{
    if (d->msi_lines != 0)
        return atm_irq_ack(d->irqs, d->line + vector).status;
    struct message m = {.tag = TAG(PCI_IRQ_ACK, 1, 0), .w = {d->id}};
    return ask_device(d, &m);
}

int64_t pci_dma_alloc(struct pci_device *d, uint64_t va, uint64_t pages, uint64_t *physical)
{
    for (uint64_t done = 0; done < pages;) {
        uint64_t piece = pages - done < PCI_DMA_PIECE ? pages - done : PCI_DMA_PIECE;
        struct message m = {.tag = TAG(PCI_DMA_ALLOC, 4, 0),
                            .w = {d->id, va + done * PAGE_SIZE, piece, pages - done - piece}};
        uint64_t words[1 + PCI_DMA_PIECE];
        int64_t status = ask_device(d, &m);
        if (status != 0) {
            (void)pci_dma_free(d, va, done);
            return status;
        }
        words_take(&m, words, 1 + piece);
        memcpy(&physical[done], &words[1], piece * 8);
        done += piece;
    }
    return 0;
}

int64_t pci_dma_free(struct pci_device *d, uint64_t va, uint64_t pages)
{
    for (uint64_t done = 0; done < pages;) {
        uint64_t piece = pages - done < PCI_DMA_PIECE ? pages - done : PCI_DMA_PIECE;
        struct message m = {.tag = TAG(PCI_DMA_FREE, 3, 0),
                            .w = {d->id, va + done * PAGE_SIZE, piece}};
        int64_t status = ask_device(d, &m);
        if (status != 0)
            return status;
        done += piece;
    }
    return memory_unmap(0, va, pages, PAGE_SIZE_4K);
}

int64_t pci_list(unsigned n, struct pci_info *info)
{
    static uint64_t pci;
    struct message m = {.tag = TAG(PCI_LIST, 1, 0), .w = {n}};
    if (pci == 0)
        pci = startup_handle("pci");
    int64_t status = ask(pci, &m);
    if (status == 0)
        words_take(&m, (uint64_t *)info, sizeof *info / 8);
    return status;
}
