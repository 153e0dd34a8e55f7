/* SPDX-License-Identifier: MIT */
/*
 * Ownership; see owner.h. A device has the same message-signalled lines for ever, in all lives of this
 * server: a line that changed hands would still be claimed by the endpoint of the device's owner
 * before, which outlives both.
 */
#include "owner.h"
#include "config.h"
#include "device.h"
#include "dma.h"
#include "lib/memory.h"
#include <stdio.h>

#define PIN_LINES 24u     /* lines that INTx may arrive at */
#define PROGRAM_PAGES 96u /* what a driver itself takes of its quota */
#define BAR_STRIDE 0x10000000u

struct owner {
    uint64_t program;     /* 0: nobody */
    uint64_t process;     /* handle */
    uint64_t va;          /* where its BARs are */
    uint64_t pages;       /* of DMA memory the program may have, in all its devices */
    uint64_t opens;       /* counts owners, so that an id says which one */
    uint64_t irqs, ports; /* handles, made once; 0: not yet, or none */
    uint32_t line;        /* the first of PCI_VECTORS_MAX message-signalled ones; 0: it has none */
    uint32_t lines;       /* of them in use; given once */
    uint64_t endpoint;    /* INTx: handle to signal bits on; 0: not wanted */
    uint64_t bits;
    uint32_t stopped; /* 1: it had its interrupt and has not acknowledged it */
    uint32_t broken;  /* 1: it could not be stopped; its DMA memory is kept, and nobody gets it */
};

struct function functions[FUNCTIONS_MAX];
size_t function_count;
struct config config;
uint64_t serve;
static struct owner owners[FUNCTIONS_MAX];
static uint64_t lines_open;     /* INTx lines that are claimed */
static uint64_t lines_stuck;    /* fired, and not to be acknowledged before an owner does */
static uint32_t lines_reserved; /* message-signalled lines so far */

static uint64_t id_of(size_t n) { return owners[n].opens << 16 | n; }

uint64_t owner_of(size_t n) { return owners[n].program; }

size_t owner_find(uint64_t id, uint64_t program)
{
    size_t n = id & 0xffff;
    return n < function_count && program != 0 && owners[n].program == program && id_of(n) == id
               ? n
               : FUNCTIONS_MAX;
}

/* ---- BARs ---- */

static uint64_t bar_pages(const struct bar *b)
{
    if (b->kind != BAR_MEMORY || b->address == 0)
        return 0;
    uint64_t pages = (b->address % PAGE_SIZE + b->bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    return pages < PCI_BAR_PAGES_MAX ? pages : PCI_BAR_PAGES_MAX;
}

/* How many pages from `page` on are none of the MSI-X table's, or all are. */
static uint64_t run_length(const struct function *f, uint32_t b, uint64_t page, uint64_t pages)
{
    int table = function_page_is_table(f, b, page);
    uint64_t n = 1;
    while (n < PAGE_PIECE && page + n < pages && function_page_is_table(f, b, page + n) == table)
        n++;
    return n;
}

static int64_t bar_map(const struct function *f, uint32_t b, uint64_t process, uint64_t va)
{
    uint64_t pages = bar_pages(&f->bar[b]);
    for (uint64_t page = 0; page < pages;) {
        uint64_t run = run_length(f, b, page, pages);
        if (!function_page_is_table(f, b, page)) {
            struct atm_result r =
                atm_device_map(config_memory(), process, va + page * PAGE_SIZE,
                               f->bar[b].address / PAGE_SIZE + page, run, PAGE_READ | PAGE_WRITE);
            if (r.status < 0)
                return r.status;
            run = r.r[0];
        }
        page += run;
    }
    return 0;
}

/* Unmaps device memory of BARs from the owner, whatever it did to its mappings. */
static void bars_unmap(size_t n)
{
    for (uint32_t b = 0; b < PCI_BARS; b++) {
        uint64_t va = owners[n].va + (uint64_t)b * BAR_STRIDE;
        uint64_t pages = bar_pages(&functions[n].bar[b]);
        for (uint64_t i = 0; i < pages;) {
            struct atm_result r =
                atm_unmap(owners[n].process, va + i * PAGE_SIZE, pages - i, PAGE_SIZE_4K);
            if (r.status == -ERR_DEAD || r.status == -ERR_HANDLE)
                return;
            i += r.status == 0 && r.r[0] > 0 ? r.r[0] : 1;
        }
    }
}

static int64_t bars_map(size_t n)
{
    int64_t status = 0;
    for (uint32_t b = 0; status == 0 && b < PCI_BARS; b++)
        status =
            bar_map(&functions[n], b, owners[n].process, owners[n].va + (uint64_t)b * BAR_STRIDE);
    if (status != 0)
        bars_unmap(n);
    return status;
}

/* ---- interrupts ---- */

void owner_lines_reserve(size_t n)
{
    if (lines_reserved + PCI_VECTORS_MAX > IRQ_MESSAGES)
        return;
    owners[n].line = IRQ_MESSAGE_FIRST + lines_reserved;
    lines_reserved += PCI_VECTORS_MAX;
}

/* As many of the device's lines as it has vectors. */
static void lines_give(size_t n)
{
    struct owner *o = &owners[n];
    uint32_t want = functions[n].msix_vectors;
    want = want < PCI_VECTORS_MAX ? want : PCI_VECTORS_MAX;
    if (functions[n].msix == 0 || o->line == 0 || o->lines != 0)
        return;
    struct atm_result r = atm_device_narrow(config_irqs(), o->line, want);
    if (r.status < 0)
        return;
    o->irqs = r.r[0];
    o->lines = want;
}

static void endpoint_forget(struct owner *o)
{
    if (o->endpoint != 0)
        atm_handle_close(o->endpoint);
    o->endpoint = 0;
    o->stopped = 0;
}

static uint64_t line_open(uint32_t line)
{
    if ((lines_open >> line & 1) != 0)
        return 0;
    struct atm_result r = atm_irq_claim(config_irqs(), line, serve, 1ul << line);
    if (r.status == 0)
        lines_open |= 1ul << line;
    return r.status == 0 ? 0 : PCI_NO_IRQ;
}

uint64_t owner_irq(size_t n, uint64_t endpoint, uint64_t bits)
{
    const struct function *f = &functions[n];
    struct owner *o = &owners[n];
    uint64_t status = f->pin == 0 || f->line >= PIN_LINES ? PCI_NO_IRQ : line_open(f->line);
    if (status != 0) {
        atm_handle_close(endpoint);
        return status;
    }
    endpoint_forget(o);
    o->endpoint = endpoint;
    o->bits = bits;
    device_intx_allow(f, 1);
    return 0;
}

static int has_line(size_t n, uint32_t line)
{
    return owners[n].program != 0 && owners[n].endpoint != 0 && functions[n].line == line;
}

/* Tells an owner, whose device may not interrupt again before it has answered. */
static void owner_tell(size_t n)
{
    device_intx_allow(&functions[n], 0);
    owners[n].stopped = 1;
    atm_signal(owners[n].endpoint, owners[n].bits);
}

/* A shared line fired: those that ask are told and kept quiet, and the line is free for the others.
   When none says it asked, all are told, and the line waits for an answer. */
static void line_fired(uint32_t line)
{
    int told = 0;
    for (size_t n = 0; n < function_count; n++)
        if (has_line(n, line) && !owners[n].stopped && device_intx_asked(&functions[n])) {
            owner_tell(n);
            told = 1;
        }
    if (told) {
        atm_irq_ack(config_irqs(), line);
        return;
    }
    lines_stuck |= 1ul << line;
    for (size_t n = 0; n < function_count; n++)
        if (has_line(n, line))
            owner_tell(n);
}

void owner_lines(uint64_t lines)
{
    for (uint32_t line = 0; line < PIN_LINES; line++)
        if ((lines & lines_open) >> line & 1)
            line_fired(line);
}

/* A line that waits for this owner waits no longer. */
static void line_release(uint32_t line)
{
    if (line < PIN_LINES && (lines_stuck >> line & 1) != 0) {
        lines_stuck &= ~(1ul << line);
        atm_irq_ack(config_irqs(), line);
    }
}

uint64_t owner_irq_ack(size_t n)
{
    struct owner *o = &owners[n];
    if (o->endpoint == 0)
        return PCI_BAD_REQUEST;
    o->stopped = 0;
    device_intx_allow(&functions[n], 1);
    line_release(functions[n].line);
    return 0;
}

/* ---- open and close ---- */

static int owner_alive(const struct owner *o)
{
    struct atm_result r = atm_process_info(o->process);
    return r.status == 0 && r.r[0] == PROCESS_ALIVE;
}

/* Says what is odd about how a device stopped. */
static void stop_report(const struct function *f, enum device_stopped how)
{
    if (how != STOPPED)
        fprintf(stderr, "pci: device %02x:%02x.%x did not become quiet when it was reset%s\n",
                PLACE_BUS(f->place), f->place / 8 % 32, f->place % 8,
                how == STOPPED_NOT ? "; it is not used any more, nor its memory" : "");
}

void owner_stop(size_t n)
{
    enum device_stopped how = device_stop(&functions[n]);
    stop_report(&functions[n], how);
    owners[n].broken = how == STOPPED_NOT;
}

void owner_close(size_t n)
{
    struct owner *o = &owners[n];
    if (o->program == 0)
        return;
    owner_stop(n);
    bars_unmap(n);
    if (o->endpoint != 0)
        line_release(functions[n].line);
    endpoint_forget(o);
    if (!o->broken)
        dma_drop((uint32_t)n);
    atm_handle_close(o->process);
    o->process = o->program = 0;
}

void owners_check(void)
{
    for (size_t n = 0; n < function_count; n++)
        if (owners[n].program != 0 && !owner_alive(&owners[n]))
            owner_close(n);
}

/* A handle to the ports of the first I/O BAR. */
static void ports_give(size_t n)
{
    for (uint32_t b = 0; owners[n].ports == 0 && b < PCI_BARS; b++) {
        const struct bar *bar = &functions[n].bar[b];
        if (bar->kind != BAR_PORTS || bar->address == 0)
            continue;
        struct atm_result r = atm_device_narrow(config_ports(), bar->address, bar->bytes);
        owners[n].ports = r.status < 0 ? 0 : r.r[0];
        return;
    }
}

static void answer_fill(size_t n, struct opened *out)
{
    const struct function *f = &functions[n];
    const struct owner *o = &owners[n];
    struct pci_answer *a = &out->answer;
    *out = (struct opened){.irqs = o->lines != 0 ? o->irqs : 0, .ports = o->ports};
    a->id = id_of(n);
    a->ids = f->vendor | (uint64_t)f->device << 16 | (uint64_t)f->subsystem_vendor << 32 |
             (uint64_t)f->subsystem << 48;
    a->irqs = out->irqs == 0 ? 0 : o->line | (uint64_t)o->lines << 32 | PCI_ANSWER_IRQS;
    a->irqs |= out->ports == 0 ? 0 : PCI_ANSWER_PORTS;
    for (uint32_t b = 0; b < PCI_BARS; b++) {
        const struct bar *bar = &f->bar[b];
        uint64_t room = bar_pages(bar) * PAGE_SIZE;
        if (room != 0) {
            uint64_t within = bar->address % PAGE_SIZE;
            a->bar[b].va = o->va + (uint64_t)b * BAR_STRIDE + within;
            a->bar[b].bytes = bar->bytes < room - within ? bar->bytes : room - within;
        } else if (bar->kind == BAR_PORTS) {
            a->bar[b].port = bar->address;
        }
    }
}

uint64_t owner_open(size_t n, const struct opening *request, struct opened *out)
{
    struct owner *o = &owners[n];
    if (o->program != 0 && o->program != request->program && owner_alive(o)) {
        atm_handle_close(request->process);
        return PCI_BUSY;
    }
    owner_close(n);
    if (o->broken) {
        atm_handle_close(request->process);
        return PCI_ABSENT;
    }
    o->program = request->program;
    o->process = request->process;
    o->va = request->va;
    o->pages = request->pages > PROGRAM_PAGES ? request->pages - PROGRAM_PAGES : 0;
    o->opens++;
    int64_t status = bars_map(n);
    if (status != 0) {
        owner_close(n);
        return (uint64_t)-status;
    }
    lines_give(n);
    ports_give(n);
    if (o->lines != 0 && !device_msix(&functions[n], o->line, o->lines)) {
        owner_close(n);
        return PCI_NO_IRQ;
    }
    device_enable(functions, function_count, n);
    answer_fill(n, out);
    return 0;
}

/* Pages of DMA memory that a program has. */
static uint64_t program_pages(uint64_t program)
{
    uint64_t pages = 0;
    for (size_t n = 0; n < function_count; n++)
        pages += owners[n].program == program ? dma_used((uint32_t)n) : 0;
    return pages;
}

uint64_t owner_dma_alloc(size_t n, const struct dma_wish *wish, uint64_t *physical)
{
    const struct owner *o = &owners[n];
    uint64_t had = program_pages(o->program);
    uint64_t most = o->pages < DMA_PAGES_MAX ? o->pages : DMA_PAGES_MAX;
    uint64_t left = most > had ? most - had : 0;
    if (wish->pages > left || wish->after > left - wish->pages)
        return PCI_NO_MEMORY;
    return dma_alloc((uint32_t)n, (struct dma_range){o->process, wish->va, wish->pages}, physical);
}

uint64_t owner_dma_free(size_t n, uint64_t va, uint64_t pages)
{
    return dma_free((uint32_t)n, va, pages);
}
