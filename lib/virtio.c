/* SPDX-License-Identifier: MIT */
/*
 * The transport: registers of virtio 1.2, 4.1.4.3 in a BAR that the PCI server mapped. Vector 0 is
 * that of all queues, vector 1 that of configuration changes where the device has two.
 */
#include "lib/virtio.h"
#include "lib/startup.h"
#include <stdio.h>
#include <stdlib.h>

#define FAILED 3           /* exit status of a driver whose device misbehaves */
#define RESET_READS 10000u /* of the status until a reset has to be over */
#define CONFIG_READS 16u   /* of the configuration until it has to be at rest */
#define STEADY_AGREE 3u    /* times a register has to say the same, */
#define STEADY_READS 32u   /* in so many */
#define WATCH_STACK 1024u
#define WATCH_PRIORITY 10u
#define NO_VECTOR 0xffffu
#define VECTOR_QUEUES 0u
#define ISR_QUEUE 1u
#define ISR_CONFIG 2u
#define IDLE_INTERRUPTS 1000u /* in a row for which its status gives no reason */
#define VECTOR_CONFIG 1u

enum register_offset {
    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    CONFIG_VECTOR = 16,
    STATUS = 20,
    CONFIG_GENERATION = 21,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_VECTOR = 26,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30,
    QUEUE_DESC = 32,
    QUEUE_AVAIL = 40,
    QUEUE_USED = 48
};

enum { STATUS_FOUND = 1, STATUS_DRIVER = 2, STATUS_READY = 4, STATUS_FEATURES = 8 };

static uint64_t common(const struct virtio_device *d, uint32_t offset)
{
    return d->pci.bar[d->places.common.bar].va + d->places.common.offset + offset;
}

static uint64_t read_at(uint64_t at, uint32_t width)
{
    switch (width) {
    case 1:
        return mmio_read8(at);
    case 2:
        return mmio_read16(at);
    case 4:
        return mmio_read32(at);
    default:
        return mmio_read32(at) | (uint64_t)mmio_read32(at + 4) << 32;
    }
}

/* What is read at a place, once it was the same STEADY_AGREE times in a row; 0 in *good: it never was. */
static uint64_t read_steady(uint64_t at, uint32_t width, int *good)
{
    uint64_t value = read_at(at, width);
    uint32_t agree = 1;
    for (uint32_t n = 0; n < STEADY_READS && agree < STEADY_AGREE; n++) {
        uint64_t again = read_at(at, width);
        agree = again == value ? agree + 1 : 1;
        value = again;
    }
    *good = agree == STEADY_AGREE;
    return value;
}

/* A register of those that do not change by themselves. */
static uint32_t steady(struct virtio_device *d, uint32_t offset, uint32_t width)
{
    int good;
    uint64_t value = read_steady(common(d, offset), width, &good);
    if (!good)
        virtio_fail(d, "a register never says the same twice");
    return (uint32_t)value;
}

static void write_address(const struct virtio_device *d, uint32_t offset, uint64_t address)
{
    mmio_write32(common(d, offset), (uint32_t)address);
    mmio_write32(common(d, offset + 4), (uint32_t)(address >> 32));
}

void virtio_stop(struct virtio_device *d)
{
    mmio_write8(common(d, STATUS), 0);
    for (uint32_t n = 0; n < RESET_READS; n++)
        if (mmio_read8(common(d, STATUS)) == 0)
            return;
    fprintf(stderr, "%s: the device does not come out of its reset\n", startup_name());
    exit(FAILED); /* the PCI server stops it with its own means */
}

_Noreturn void virtio_fail(struct virtio_device *d, const char *what)
{
    fprintf(stderr, "%s: its device is reset: %s\n", startup_name(), what);
    virtio_stop(d);
    exit(FAILED);
}

/* What is wrong before its registers are known. */
_Noreturn static void open_fail(const char *what)
{
    fprintf(stderr, "%s: the device cannot be used: %s\n", startup_name(), what);
    exit(FAILED);
}

static int64_t config_space(void *context, uint32_t offset, uint32_t bytes, void *to)
{
    return pci_config_read(context, offset, bytes, to);
}

/* What the device says of its status is never written back to it. */
static void status_add(struct virtio_device *d, uint8_t bits)
{
    d->status |= bits;
    mmio_write8(common(d, STATUS), d->status);
}

static int status_holds(struct virtio_device *d) { return steady(d, STATUS, 1) == d->status; }

int64_t virtio_open(struct virtio_device *d, enum virtio_type type)
{
    uint64_t bars[VIRTIO_BARS];
    *d = (struct virtio_device){.dma_next = VIRTIO_VA};
    int64_t status = pci_open(0, &d->pci);
    if (status == PCI_ABSENT)
        return status;
    if (status != 0)
        open_fail(pci_error_text(status));
    if (d->pci.vendor != VIRTIO_VENDOR || d->pci.device != VIRTIO_DEVICE(type))
        open_fail("the manifest grants a device of another kind");
    for (uint32_t b = 0; b < VIRTIO_BARS; b++)
        bars[b] = d->pci.bar[b].va != 0 ? d->pci.bar[b].bytes : 0;
    const char *wrong = virtio_places_read(config_space, &d->pci, bars, &d->places);
    if (wrong != NULL)
        open_fail(wrong);
    virtio_stop(d);
    status_add(d, STATUS_FOUND);
    status_add(d, STATUS_DRIVER);
    return 0;
}

void virtio_negotiate(struct virtio_device *d, uint64_t wanted)
{
    uint64_t offered = 0;
    wanted |= VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC;
    for (uint32_t half = 0; half < 2; half++) {
        mmio_write32(common(d, DEVICE_FEATURE_SELECT), half);
        offered |= (uint64_t)steady(d, DEVICE_FEATURE, 4) << half * 32;
    }
    d->features = offered & wanted;
    if (!virtio_has(d, VIRTIO_F_VERSION_1))
        virtio_fail(d, "it does not offer virtio 1.x");
    for (uint32_t half = 0; half < 2; half++) {
        mmio_write32(common(d, DRIVER_FEATURE_SELECT), half);
        mmio_write32(common(d, DRIVER_FEATURE), (uint32_t)(d->features >> half * 32));
    }
    status_add(d, STATUS_FEATURES);
    if (!status_holds(d))
        virtio_fail(d, "it does not accept the features it offers");
}

static void vector_claim(struct virtio_device *d, uint16_t vector, uint64_t endpoint, uint64_t bits)
{
    int64_t status = pci_irq(&d->pci, vector, endpoint, bits);
    if (status != 0)
        virtio_fail(d, pci_error_text(status));
}

void virtio_interrupts(struct virtio_device *d, const struct virtio_signals *s)
{
    int two = d->pci.msi_lines > VECTOR_CONFIG && s->config_bits != 0;
    d->config_vector = two ? VECTOR_CONFIG : VECTOR_QUEUES;
    vector_claim(d, VECTOR_QUEUES, s->endpoint,
                 two ? s->queue_bits : s->queue_bits | s->config_bits);
    if (two)
        vector_claim(d, VECTOR_CONFIG, s->endpoint, s->config_bits);
    if (d->pci.msi_lines == 0)
        return;
    uint16_t vector = s->config_bits != 0 ? d->config_vector : NO_VECTOR;
    mmio_write16(common(d, CONFIG_VECTOR), vector);
    if (steady(d, CONFIG_VECTOR, 2) != vector)
        virtio_fail(d, "it does not take the interrupt of its configuration");
}

/* The queue's doorbell. */
static uint64_t doorbell(struct virtio_device *d)
{
    uint64_t offset = (uint64_t)steady(d, QUEUE_NOTIFY_OFF, 2) * d->places.notify_step;
    if (offset + 2 > d->places.notify.bytes || offset % 2 != 0)
        virtio_fail(d, "a doorbell lies outside its registers");
    return d->pci.bar[d->places.notify.bar].va + d->places.notify.offset + offset;
}

/* How many descriptors the selected queue gets: a power of two. */
static uint32_t queue_size(struct virtio_device *d, uint32_t most, uint32_t least)
{
    uint32_t size = most;
    uint32_t offered = steady(d, QUEUE_SIZE, 2);
    while (size > offered)
        size /= 2;
    if (size < least)
        virtio_fail(d, "a queue is missing or too small");
    return size;
}

void virtio_queue_make(struct virtio_device *d, struct virtio_queue *q, uint16_t number,
                       uint32_t size, uint32_t stride)
{
    uint64_t physical[2];
    struct virtio_rings *rings = virtio_dma(d, 2, physical);
    if (rings == NULL)
        virtio_fail(d, "there is no memory for its queues");
    mmio_write16(common(d, QUEUE_SELECT), number);
    size = queue_size(d, size, stride);
    virtio_queue_begin(q, rings, size, stride, virtio_has(d, VIRTIO_F_EVENT_IDX));
    q->number = number;
    q->notify = doorbell(d);
    mmio_write16(common(d, QUEUE_SIZE), (uint16_t)size);
    write_address(d, QUEUE_DESC, physical[0]);
    write_address(d, QUEUE_AVAIL, physical[1] + VIRTIO_AVAIL_OFFSET);
    write_address(d, QUEUE_USED, physical[1] + VIRTIO_USED_OFFSET);
    if (d->pci.msi_lines != 0) {
        mmio_write16(common(d, QUEUE_VECTOR), VECTOR_QUEUES);
        if (steady(d, QUEUE_VECTOR, 2) != VECTOR_QUEUES)
            virtio_fail(d, "it does not take the interrupt of a queue");
    }
    mmio_write16(common(d, QUEUE_ENABLE), 1);
}

void virtio_ready(struct virtio_device *d)
{
    status_add(d, STATUS_READY);
    if (!status_holds(d))
        virtio_fail(d, "it does not begin");
}

uint64_t virtio_config(struct virtio_device *d, uint32_t offset, uint32_t width)
{
    const struct virtio_place *place = &d->places.device;
    uint64_t at = d->pci.bar[place->bar].va + place->offset + offset;
    int good;
    if (offset + width > place->bytes)
        return 0;
    for (uint32_t n = 0; n < CONFIG_READS; n++) {
        uint8_t generation = mmio_read8(common(d, CONFIG_GENERATION));
        uint64_t value = read_steady(at, width, &good);
        if (good && mmio_read8(common(d, CONFIG_GENERATION)) == generation)
            return value;
    }
    virtio_fail(d, "its configuration never comes to rest");
}

/* ---- the watching thread: it has a stack, and what it needs to know ---- */
static struct {
    uint64_t sleeps; /* endpoint it waits at */
    uint64_t endpoint;
    uint64_t bits;
} watching;

_Noreturn static void watch_run(void)
{
    for (;;) {
        atm_receive(watching.sleeps, 0);
        uint64_t end = atm_clock().r[0] + VIRTIO_PATIENCE_NS;
        while (atm_receive_until(watching.sleeps, end).status == 0)
            ;
        atm_signal(watching.endpoint, watching.bits);
    }
}

void virtio_watch_begin(struct virtio_device *d, uint64_t endpoint, uint64_t bits)
{
    static _Alignas(16) unsigned char stack[WATCH_STACK];
    const uint64_t top = (uintptr_t)stack + sizeof stack - 8; /* as after a call */
    struct atm_result r = atm_endpoint_create(0);
    watching.sleeps = r.r[0];
    watching.endpoint = endpoint;
    watching.bits = bits;
    if (r.status == 0)
        r = atm_thread_create(0, (uintptr_t)watch_run, top, 0, SETUP(WATCH_PRIORITY, 0), 0);
    if (r.status != 0)
        virtio_fail(d, "there is no thread to watch it");
    atm_handle_close(r.r[0]);
}

void virtio_watch_arm(struct virtio_device *d)
{
    if (d->watched)
        return;
    d->watched = 1;
    atm_signal(watching.sleeps, 1);
}

void virtio_watch(struct virtio_device *d, struct virtio_queue *q)
{
    int waiting = virtio_queue_watch(q);
    if (waiting < 0)
        virtio_fail(d, q->lie);
    d->watched = 0;
    if (waiting > 0)
        virtio_watch_arm(d);
}

/* A device with a wire for an interrupt holds it until its status is read. */
static void interrupt_ack(struct virtio_device *d, uint16_t vector)
{
    if (d->pci.msi_lines == 0) {
        uint8_t why = mmio_read8(d->pci.bar[d->places.isr.bar].va + d->places.isr.offset);
        if (why > (ISR_QUEUE | ISR_CONFIG))
            virtio_fail(d, "its interrupt status is impossible");
        d->idle_interrupts = why != 0 ? 0 : d->idle_interrupts + 1;
        if (d->idle_interrupts > IDLE_INTERRUPTS)
            virtio_fail(d, "it interrupts without end or reason");
    }
    (void)pci_irq_ack(&d->pci, vector);
}

void virtio_queue_ack(struct virtio_device *d) { interrupt_ack(d, VECTOR_QUEUES); }

void virtio_config_ack(struct virtio_device *d) { interrupt_ack(d, d->config_vector); }

void *virtio_dma(struct virtio_device *d, uint64_t pages, uint64_t *physical)
{
    uint64_t va = d->dma_next;
    if (pci_dma_alloc(&d->pci, va, pages, physical) != 0)
        return NULL;
    d->dma_next += pages * PAGE_SIZE;
    return (void *)(uintptr_t)va;
}
