/* SPDX-License-Identifier: MIT */
/*
 * The registers of a virtio device: the capabilities that say where they are, negotiation, reset, interrupts. The rings
 * are in virtio_ring.c. One BAR holds four pages: common configuration, interrupt status, the device's own configuration,
 * and notifications.
 */
#include <stdio.h>
#include <string.h>

#include "arch/hosted/lie.h"
#include "arch/hosted/virtio_ring.h"

#define VENDOR 0x1af4u
#define DEVICE_BASE 0x1040u
#define BAR_MSIX 0u
#define BAR_VIRTIO 4u
#define PAGE_BYTES 0x1000u
#define PLACE_COMMON 0u
#define PLACE_ISR 1u
#define PLACE_DEVICE 2u
#define PLACE_NOTIFY 3u
#define PLACES 4u
#define NOTIFY_MULTIPLIER 4u
#define COMMON_BYTES 56u

#define CAP_VENDOR 9u
#define CAP_BYTES 16u
#define CAP_NOTIFY_BYTES 20u
#define CAP_ACCESS_BAR 4u
#define CAP_ACCESS_OFFSET 8u
#define CAP_ACCESS_LENGTH 12u
#define CAP_ACCESS_DATA 16u
enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_ACCESS };

#define ISR_QUEUE 1u
#define ISR_CONFIG 2u
#define REPORTS_MAX 8u

/* Offsets of common configuration. */
enum {
    COMMON_DEVICE_SELECT = 0,
    COMMON_DEVICE_FEATURES = 4,
    COMMON_DRIVER_SELECT = 8,
    COMMON_DRIVER_FEATURES = 12,
    COMMON_CONFIG_VECTOR = 16,
    COMMON_QUEUES = 18,
    COMMON_STATUS = 20,
    COMMON_GENERATION = 21,
    COMMON_QUEUE_SELECT = 22,
    COMMON_QUEUE_ENTRIES = 24,
    COMMON_QUEUE_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY = 30,
    COMMON_QUEUE_DESCRIPTORS = 32,
    COMMON_QUEUE_DRIVER = 40,
    COMMON_QUEUE_DEVICE = 48
};

static uint64_t features_offered(const struct virtio_device *d)
{
    return d->class->features | 1ull << VIRTIO_F_INDIRECT | 1ull << VIRTIO_F_EVENT_INDEX |
           1ull << VIRTIO_F_VERSION_1;
}

bool virtio_has_feature(const struct virtio_device *d, uint32_t bit)
{
    return (d->features >> bit & 1) != 0;
}

/* ---- interrupts ---- */

void virtio_interrupt(struct virtio_device *d, uint32_t vector, bool config)
{
    if (pci_msix_enabled(&d->pci)) {
        pci_msix_raise(&d->pci, vector);
    } else {
        d->isr |= config ? ISR_CONFIG : ISR_QUEUE;
        pci_intx_set(&d->pci, true);
    }
}

void virtio_config_changed(struct virtio_device *d)
{
    d->config_generation++;
    if ((d->status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        virtio_interrupt(d, d->config_vector, true);
    }
}

void virtio_break(struct virtio_device *d, const char *why)
{
    if ((d->status & VIRTIO_STATUS_NEEDS_RESET) != 0) {
        return;
    }
    if (d->reports < REPORTS_MAX) {
        d->reports++;
        machine_report(d->class->name, why);
    }
    d->status |= VIRTIO_STATUS_NEEDS_RESET;
    virtio_config_changed(d);
}

/* ---- reset and status ---- */

static void device_reset(struct virtio_device *d)
{
    memset(d->queue, 0, sizeof d->queue);
    for (uint32_t i = 0; i < d->class->queues; i++) {
        d->queue[i].entries = d->class->queue_entries;
        d->queue[i].vector = PCI_NO_VECTOR;
    }
    d->features = 0;
    d->driver_features = 0;
    d->device_select = 0;
    d->driver_select = 0;
    d->queue_select = 0;
    d->config_vector = PCI_NO_VECTOR;
    d->status = 0;
    d->isr = 0;
    d->generation++;
    d->pci.msix_pending = 0;
    pci_intx_set(&d->pci, false);
    if (d->class->reset != NULL) {
        d->class->reset(d);
    }
}

static void features_agree(struct virtio_device *d)
{
    bool legal = (d->driver_features & ~features_offered(d)) == 0 &&
                 (d->driver_features >> VIRTIO_F_VERSION_1 & 1) != 0;

    if (legal) {
        d->features = d->driver_features;
        d->status |= VIRTIO_STATUS_FEATURES_OK;
    }
}

/* The guest stands still meanwhile, so a legal ring holds no more chains than it has entries; one that goes on and on is
   overwritten by the device's own answers. */
static void model_notify(struct virtio_device *d, uint32_t queue)
{
    for (uint32_t i = 0; i < d->class->queues; i++) {
        d->queue[i].budget = d->queue[i].entries;
    }
    d->notifying = true;
    d->class->notify(d, queue);
    d->notifying = false;
}

static void status_write(struct virtio_device *d, uint8_t value)
{
    uint8_t before = d->status;

    if (value == 0) {
        device_reset(d);
        return;
    }
    d->status = (uint8_t)((before & (VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FEATURES_OK)) |
                          (value & ~(VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FEATURES_OK)));
    if ((value & VIRTIO_STATUS_FEATURES_OK) != 0 && (before & VIRTIO_STATUS_FEATURES_OK) == 0) {
        features_agree(d);
    }
    if ((value & VIRTIO_STATUS_DRIVER_OK) != 0 && (before & VIRTIO_STATUS_DRIVER_OK) == 0) {
        for (uint32_t i = 0; i < d->class->queues; i++) {
            if (d->queue[i].enabled) {
                model_notify(d, i);
            }
        }
    }
}

/* ---- common configuration ---- */

static struct virtio_queue *queue_selected(struct virtio_device *d)
{
    return d->queue_select < d->class->queues ? &d->queue[d->queue_select] : NULL;
}

/* All registers as they read now: none changes by being read. */
static void common_image(struct virtio_device *d, uint8_t image[COMMON_BYTES])
{
    const struct virtio_queue *q = queue_selected(d);

    memset(image, 0, COMMON_BYTES);
    pci_bytes_put(image + COMMON_DEVICE_SELECT, 4, d->device_select);
    if (d->device_select < 2) {
        pci_bytes_put(image + COMMON_DEVICE_FEATURES, 4,
                      features_offered(d) >> (32 * d->device_select));
    }
    pci_bytes_put(image + COMMON_DRIVER_SELECT, 4, d->driver_select);
    if (d->driver_select < 2) {
        pci_bytes_put(image + COMMON_DRIVER_FEATURES, 4,
                      d->driver_features >> (32 * d->driver_select));
    }
    pci_bytes_put(image + COMMON_CONFIG_VECTOR, 2, d->config_vector);
    pci_bytes_put(image + COMMON_QUEUES, 2, d->class->queues);
    image[COMMON_STATUS] = d->status;
    image[COMMON_GENERATION] = d->config_generation;
    pci_bytes_put(image + COMMON_QUEUE_SELECT, 2, d->queue_select);
    if (q != NULL) {
        pci_bytes_put(image + COMMON_QUEUE_ENTRIES, 2, q->entries);
        pci_bytes_put(image + COMMON_QUEUE_VECTOR, 2, q->vector);
        pci_bytes_put(image + COMMON_QUEUE_ENABLE, 2, q->enabled);
        pci_bytes_put(image + COMMON_QUEUE_NOTIFY, 2, d->queue_select);
        pci_bytes_put(image + COMMON_QUEUE_DESCRIPTORS, 8, q->descriptors);
        pci_bytes_put(image + COMMON_QUEUE_DRIVER, 8, q->driver);
        pci_bytes_put(image + COMMON_QUEUE_DEVICE, 8, q->device);
    }
}

static uint32_t vector_checked(const struct virtio_device *d, uint64_t value)
{
    return value < d->pci.vectors ? (uint32_t)value : PCI_NO_VECTOR;
}

static void half_set(uint64_t *whole, uint32_t half, uint64_t value)
{
    if (half < 2) {
        *whole = (*whole & ~((uint64_t)UINT32_MAX << (32 * half))) | value << (32 * half);
    }
}

/* A queue's address, in halves or at once. */
static void address_write(struct virtio_queue *q, uint32_t offset, uint32_t width, uint64_t value)
{
    uint64_t *const place[] = {&q->descriptors, &q->driver, &q->device};
    uint64_t *to = place[(offset - COMMON_QUEUE_DESCRIPTORS) / 8];

    if (width == 8) {
        *to = value;
    } else if (width == 4) {
        half_set(to, offset % 8 / 4, value);
    }
}

static void queue_write(struct virtio_device *d, uint32_t offset, uint32_t width, uint64_t value)
{
    struct virtio_queue *q = queue_selected(d);

    if (q == NULL) {
        return;
    }
    if (offset == COMMON_QUEUE_VECTOR && width == 2) {
        q->vector = vector_checked(d, value);
    } else if (q->enabled) {
        return; /* its ring may not move any more */
    } else if (offset == COMMON_QUEUE_ENTRIES && width == 2) {
        if (value == 0 || (value & (value - 1)) != 0 || value > d->class->queue_entries) {
            virtio_break(d, "the driver chose an impossible ring size");
        } else {
            q->entries = (uint32_t)value;
        }
    } else if (offset == COMMON_QUEUE_ENABLE && width == 2 && value == 1) {
        if (virtio_queue_legal(q)) {
            q->enabled = true;
        } else {
            virtio_break(d, "the driver put a ring where no memory of its own is");
        }
    } else if (offset >= COMMON_QUEUE_DESCRIPTORS) {
        address_write(q, offset, width, value);
    }
}

static void common_write(struct virtio_device *d, uint32_t offset, uint32_t width, uint64_t value)
{
    if (offset == COMMON_DEVICE_SELECT && width == 4) {
        d->device_select = (uint32_t)value;
    } else if (offset == COMMON_DRIVER_SELECT && width == 4) {
        d->driver_select = (uint32_t)value;
    } else if (offset == COMMON_DRIVER_FEATURES && width == 4) {
        if ((d->status & VIRTIO_STATUS_FEATURES_OK) == 0) {
            half_set(&d->driver_features, d->driver_select, value);
        }
    } else if (offset == COMMON_CONFIG_VECTOR && width == 2) {
        d->config_vector = vector_checked(d, value);
    } else if (offset == COMMON_STATUS && width == 1) {
        status_write(d, (uint8_t)value);
    } else if (offset == COMMON_QUEUE_SELECT && width == 2) {
        d->queue_select = (uint32_t)value;
    } else if (offset >= COMMON_QUEUE_ENTRIES && offset + width <= COMMON_BYTES) {
        queue_write(d, offset, width, value);
    }
}

/* ---- the window ---- */

static uint64_t isr_read(struct virtio_device *d)
{
    uint8_t isr = d->isr;

    d->isr = 0;
    pci_intx_set(&d->pci, false);
    return isr;
}

static uint64_t window_read(struct pci_device *pci, uint32_t offset, uint32_t width)
{
    struct virtio_device *d = pci->model;
    uint32_t place = offset / PAGE_BYTES, at = offset % PAGE_BYTES;
    uint8_t image[COMMON_BYTES];

    if (place == PLACE_COMMON && at + width <= COMMON_BYTES) {
        common_image(d, image);
        return lie_value(LIE_CONFIG, pci_bytes_get(image + at, width));
    }
    if (place == PLACE_ISR && at == 0) {
        return isr_read(d);
    }
    if (place == PLACE_DEVICE && at + width <= d->class->config_bytes) {
        return lie_value(LIE_CONFIG, pci_bytes_get(d->config + at, width));
    }
    return 0;
}

static void window_write(struct pci_device *pci, uint32_t offset, uint32_t width, uint64_t value)
{
    struct virtio_device *d = pci->model;
    uint32_t place = offset / PAGE_BYTES, at = offset % PAGE_BYTES;
    uint32_t queue = at / NOTIFY_MULTIPLIER;

    if (place == PLACE_COMMON) {
        common_write(d, at, width, value);
    } else if (place == PLACE_NOTIFY && queue < d->class->queues && virtio_queue_runs(d, queue)) {
        model_notify(d, queue);
        lie_storm(d);
    } else if (place == PLACE_DEVICE && d->class->config_written != NULL &&
               at + width <= d->class->config_bytes) {
        pci_bytes_put(d->config + at, width, value);
        d->class->config_written(d, at, width);
    }
}

/* The capability through which config space reaches into the window, for drivers that cannot map it. */
static void access_cap(struct pci_device *pci, uint32_t offset, uint32_t width, bool write)
{
    struct virtio_device *d = pci->model;
    uint8_t *cap = pci->config + d->access_cap;
    uint32_t at = (uint32_t)pci_bytes_get(cap + CAP_ACCESS_OFFSET, 4);
    uint32_t length = (uint32_t)pci_bytes_get(cap + CAP_ACCESS_LENGTH, 4);

    if (offset != d->access_cap + CAP_ACCESS_DATA || cap[CAP_ACCESS_BAR] != BAR_VIRTIO ||
        (length != 1 && length != 2 && length != 4) || length != width || at % length != 0 ||
        at >= PLACES * PAGE_BYTES) {
        return;
    }
    if (write) {
        window_write(pci, at, length, pci_bytes_get(cap + CAP_ACCESS_DATA, length));
    } else {
        pci_bytes_put(cap + CAP_ACCESS_DATA, length, window_read(pci, at, length));
    }
}

/* ---- making one ---- */

static uint32_t cap_add(struct virtio_device *d, uint8_t type, uint32_t place, uint32_t length)
{
    uint8_t cap[CAP_NOTIFY_BYTES] = {CAP_VENDOR};
    uint32_t bytes = type == CAP_NOTIFY || type == CAP_ACCESS ? CAP_NOTIFY_BYTES : CAP_BYTES;

    cap[2] = (uint8_t)bytes;
    cap[3] = type;
    cap[4] = type == CAP_ACCESS ? 0 : BAR_VIRTIO;
    pci_bytes_put(cap + 8, 4, place * PAGE_BYTES);
    pci_bytes_put(cap + 12, 4, length);
    if (type == CAP_NOTIFY) {
        pci_bytes_put(cap + 16, 4, NOTIFY_MULTIPLIER);
    }
    return pci_add_capability(&d->pci, cap, bytes);
}

static void caps_add(struct virtio_device *d)
{
    uint8_t *writable;

    pci_add_msix(&d->pci, BAR_MSIX, d->class->queues + 1);
    cap_add(d, CAP_COMMON, PLACE_COMMON, COMMON_BYTES);
    cap_add(d, CAP_ISR, PLACE_ISR, 1);
    if (d->class->config_bytes > 0) {
        cap_add(d, CAP_DEVICE, PLACE_DEVICE, d->class->config_bytes);
    }
    cap_add(d, CAP_NOTIFY, PLACE_NOTIFY, d->class->queues * NOTIFY_MULTIPLIER);
    d->access_cap = cap_add(d, CAP_ACCESS, 0, 0);
    writable = d->pci.writable + d->access_cap;
    writable[CAP_ACCESS_BAR] = UINT8_MAX;
    pci_bytes_put(writable + CAP_ACCESS_OFFSET, 4, UINT32_MAX);
    pci_bytes_put(writable + CAP_ACCESS_LENGTH, 4, UINT32_MAX);
    pci_bytes_put(writable + CAP_ACCESS_DATA, 4, UINT32_MAX);
}

bool virtio_add(struct virtio_device *d, const struct virtio_class *class, void *model)
{
    d->class = class;
    d->model = model;
    pci_device_init(&d->pci, VENDOR, (uint16_t)(DEVICE_BASE + class->type), class->pci_class);
    d->pci.model = d;
    caps_add(d);
    d->pci.window[BAR_VIRTIO] = (struct pci_window){PLACES * PAGE_BYTES, window_read, window_write};
    d->pci.config_access = access_cap;
    device_reset(d);
    return pci_add(&d->pci);
}
