/* SPDX-License-Identifier: MIT */
/*
 * What "stats" tells, under the names clients know.
 */
#include "engine.h"
#include "lib/tcp_server.h"
#include <stdio.h>
#include <string.h>

static void put_number(struct engine *e, stats_put *put, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lu", value);
    put(e, name, text);
}

static void put_commands(struct engine *e, stats_put *put)
{
    const struct command_count *c = &command_count;
    put_number(e, put, "cmd_get", c->get);
    put_number(e, put, "cmd_set", c->set);
    put_number(e, put, "cmd_flush", c->flush);
    put_number(e, put, "cmd_touch", c->touch);
    put_number(e, put, "get_hits", c->get_hit);
    put_number(e, put, "get_misses", c->get_miss);
    put_number(e, put, "delete_misses", c->delete_miss);
    put_number(e, put, "delete_hits", c->delete_hit);
    put_number(e, put, "incr_misses", c->incr_miss);
    put_number(e, put, "incr_hits", c->incr_hit);
    put_number(e, put, "decr_misses", c->decr_miss);
    put_number(e, put, "decr_hits", c->decr_hit);
    put_number(e, put, "cas_misses", c->cas_miss);
    put_number(e, put, "cas_hits", c->cas_hit);
    put_number(e, put, "cas_badval", c->cas_bad);
    put_number(e, put, "touch_hits", c->touch_hit);
    put_number(e, put, "touch_misses", c->touch_miss);
    put_number(e, put, "bytes_read", c->bytes_read);
    put_number(e, put, "bytes_written", c->bytes_written);
}

void stats_all(struct engine *e, stats_put *put)
{
    struct store_count s = store_count();
    put_number(e, put, "uptime", store_now());
    put_number(e, put, "time", command_epoch + store_now());
    put(e, "version", MEMCACHED_VERSION);
    put_number(e, put, "pointer_size", 64);
    put_number(e, put, "curr_connections", tcp_count.open);
    put_number(e, put, "total_connections", tcp_count.accepted);
    put_commands(e, put);
    put_number(e, put, "limit_maxbytes", s.blocks_max * STORE_BLOCK);
    put_number(e, put, "bytes", s.blocks_used * STORE_BLOCK);
    put_number(e, put, "threads", 1);
    put_number(e, put, "curr_items", s.items);
    put_number(e, put, "total_items", s.items_ever);
    put_number(e, put, "expired_unfetched", s.expired);
    put_number(e, put, "evictions", s.evictions);
}

void stats_reset(void) { memset(&command_count, 0, sizeof command_count); }
