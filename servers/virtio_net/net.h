/* SPDX-License-Identifier: MIT */
/*
 * The network driver's parts: the device and its queues (device.c), and the client with its rings
 * (client.c). main.c waits, and moves buffers between the two.
 *
 * Every buffer is somewhere: with the device, with the client, or here. This record decides; neither
 * the device nor the client is believed.
 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include "lib/frames.h"
#include "lib/message.h"
#include "lib/virtio.h"

enum buffer_place { BUFFER_HERE, BUFFER_DEVICE, BUFFER_CLIENT };

struct ether {
    struct virtio_device device;
    struct virtio_queue receive;
    struct virtio_queue transmit;
    uint64_t mac; /* first byte lowest */
    uint64_t pages_va;
    uint64_t physical[FRAMES_BUFFERS / 2]; /* of each page of buffers */
    uint8_t place[FRAMES_BUFFERS];         /* enum buffer_place */
    uint32_t slots_free;                   /* of transmit */
    uint16_t slot[FRAMES_TRANSMIT];
    uint16_t slot_buffer[VIRTIO_QUEUE_MAX]; /* transmit slot: its buffer */
};
extern struct ether ether;

/* device.c */
/* Sets up ether; 0, or PCI_ABSENT. */
int64_t ether_open(const struct virtio_signals *signals);
int ether_link(void); /* 1: up */
/* Gives a receive buffer that is here to the device. */
void ether_receive_put(uint32_t buffer);
int ether_hungry(void); /* 1: the device has fewer than half the buffers to receive into it may have */
/* A received frame: 1; 0: none now. The buffer is here then. */
int ether_receive_take(uint32_t *buffer, uint32_t *bytes);
/* Gives the device a frame to send from a buffer that is here; there must be a free slot. */
void ether_transmit_put(uint32_t buffer, uint32_t bytes);
/* A buffer that was sent: 1; 0: none now. It is here then. */
int ether_transmit_take(uint32_t *buffer);
/* Shows the device what was put. */
void ether_notify(void);
/* Asks for interrupts; 1: there is something to take already. */
int ether_listen(void);

/* client.c */
/* Has the control pages made; 0, or -error. */
int64_t client_open(void);
uint64_t client_attach(struct message *m, uint64_t own_endpoint, uint64_t wake_bits);
uint64_t client_take(struct message *m);
int client_there(void);
/* Hands a received frame over. */
void client_receive_put(uint32_t buffer, uint32_t bytes);
/* Gives a transmit buffer back. */
void client_transmit_put(uint32_t buffer);
/* A receive buffer the client gives back: 1; 0: none now. It is here then. */
int client_receive_take(uint32_t *buffer);
/* A frame to send: 1; 0: none now. It is here then. */
int client_transmit_take(uint32_t *buffer, uint32_t *bytes);
/* Signals the client, if it waits for what was put. */
void client_notify(void);
/* From now on the client signals; 1: there is something to take already. */
int client_listen(void);
void client_awake(void);

#endif
