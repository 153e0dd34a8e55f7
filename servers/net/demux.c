/* SPDX-License-Identifier: MIT */
/*
 * TCP connections by hash of their two addresses, in place of lwIP's walk along all of them
 * (lwip/tcp_in.patch): a segment finds its connection in constant time however many there are. An entry
 * is made with the connection and dies with it, told by lwIP's extension arguments.
 */
#include "servers/net/net.h"
#include "lwip/ip.h"
#include <stdlib.h>

#define TABLE 4096u
#define SLOT_ID 0

struct entry {
    struct tcp_pcb *pcb;
    struct conn *owner;
    struct entry *next;
    uint32_t place; /* TABLE: not in the table */
};

static struct entry *table[TABLE];

static uint32_t address_fold(const ip_addr_t *a)
{
    if (IP_IS_V6(a)) {
        const uint32_t *w = ip_2_ip6(a)->addr;
        return w[0] ^ w[1] ^ w[2] ^ w[3];
    }
    return ip_2_ip4(a)->addr;
}

static uint32_t place_of(const ip_addr_t *remote, uint16_t remote_port, uint16_t local_port)
{
    uint32_t x = address_fold(remote) ^ ((uint32_t)remote_port << 16 | local_port);
    x *= 0x9e3779b1u;
    return x >> 20;
}

static void entry_remove(struct entry *e)
{
    if (e->place == TABLE)
        return;
    struct entry **at = &table[e->place];
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
}

static void destroyed(u8_t id, void *data)
{
    (void)id;
    struct entry *e = data;
    if (e == NULL)
        return;
    entry_remove(e);
    if (e->owner != NULL) {
        e->owner->pcb.tcp = NULL;
        e->owner->lost = 1;
        conn_later(e->owner);
    }
    free(e);
}

static err_t passive_open(u8_t id, struct tcp_pcb_listen *listener, struct tcp_pcb *pcb);

static const struct tcp_ext_arg_callbacks callbacks = {destroyed, passive_open};
static const struct tcp_ext_arg_callbacks listen_callbacks = {NULL, passive_open};

static err_t passive_open(u8_t id, struct tcp_pcb_listen *listener, struct tcp_pcb *pcb)
{
    (void)id;
    if (!tcp_conn_may_begin(pcb->callback_arg, listener->accepts_pending) || !demux_prepare(pcb))
        return ERR_MEM;
    demux_add(pcb);
    return ERR_OK;
}

int demux_prepare(struct tcp_pcb *pcb)
{
    struct entry *e = malloc(sizeof *e);
    if (e == NULL)
        return 0;
    *e = (struct entry){pcb, NULL, NULL, TABLE};
    tcp_ext_arg_set(pcb, SLOT_ID, e);
    tcp_ext_arg_set_callbacks(pcb, SLOT_ID, &callbacks);
    return 1;
}

void demux_listen(struct tcp_pcb *pcb)
{
    tcp_ext_arg_set_callbacks(pcb, SLOT_ID, &listen_callbacks);
}

void demux_add(struct tcp_pcb *pcb)
{
    struct entry *e = tcp_ext_arg_get(pcb, SLOT_ID);
    e->place = place_of(&pcb->remote_ip, pcb->remote_port, pcb->local_port);
    e->next = table[e->place];
    table[e->place] = e;
}

void demux_owner(struct tcp_pcb *pcb, struct conn *c)
{
    struct entry *e = pcb->state == LISTEN ? NULL : tcp_ext_arg_get(pcb, SLOT_ID);
    if (e != NULL)
        e->owner = c;
}

/* Called by lwIP for a segment; addresses are those of the packet in hand. */
struct tcp_pcb *net_tcp_find(uint16_t remote_port, uint16_t local_port)
{
    const ip_addr_t *remote = ip_current_src_addr();
    struct entry *e = table[place_of(remote, remote_port, local_port)];
    for (; e != NULL; e = e->next)
        if (e->pcb->remote_port == remote_port && e->pcb->local_port == local_port &&
            ip_addr_cmp(&e->pcb->remote_ip, remote) &&
            ip_addr_cmp(&e->pcb->local_ip, ip_current_dest_addr()))
            return e->pcb;
    return NULL;
}
