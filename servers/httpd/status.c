/* SPDX-License-Identifier: MIT */
/*
 * The system's state as JSON, asked from the kernel and from the servers now: the tree of containers,
 * processes and threads in the kernel's own terms (pages of 4 KiB, ticks, system calls), mounts with
 * their space, the network's interfaces and counters, and this server's connections.
 */
#include "lib/error.h"
#include "lib/socket.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include "lib/tcp_server.h"
#include "lib/tree.h"
#include "lib/vfs.h"
#include "page.h"
#include "site.h"
#include <string.h>

/* ---- the tree: a node's "children" stay open until a node comes that is not below it ---- */

struct tree_text {
    struct page *page;
    int depth; /* of the node last written; -1: none */
};

static void node_separate(struct tree_text *t, int depth)
{
    if (depth > t->depth) {
        t->depth = depth;
        return;
    }
    for (; t->depth > depth; t->depth--)
        page_text(t->page, "]}");
    page_text(t->page, "]},\n");
}

static void node_container(struct page *p, const struct tree_node *node)
{
    struct atm_result r = atm_container_info(node->handle);
    page_text(p, "{\"kind\":\"container\",\"name\":\"");
    page_json(p, node->name);
    page_text(p, "\"");
    if (r.status == 0)
        page_format(p,
                    ",\"total\":%lu,\"used\":%lu,\"carved\":%lu,\"free\":%lu,\"cpus\":%lu,"
                    "\"ceiling\":%lu",
                    r.r[0], r.r[1], r.r[2], r.r[0] - r.r[1] - r.r[2], r.r[3], r.r[4]);
}

static void node_process(struct page *p, const struct tree_node *node)
{
    struct atm_result r = atm_process_info(node->handle);
    page_format(p, "{\"kind\":\"process\",\"number\":%lu,\"name\":\"", node->number);
    page_json(p, node->name);
    page_text(p, "\"");
    if (r.status == 0)
        page_format(p, ",\"state\":\"%s\",\"pages\":%lu", atm_process_state_name(r.r[0]), r.r[5]);
}

static void node_thread(struct page *p, const struct tree_node *node)
{
    struct atm_result r = atm_thread_info(node->handle);
    page_text(p, "{\"kind\":\"thread\"");
    if (r.status == 0)
        page_format(p,
                    ",\"number\":%lu,\"state\":\"%s\",\"priority\":%lu,\"cpu\":%lu,\"ticks\":%lu,"
                    "\"syscalls\":%lu",
                    r.r[4], atm_thread_state_name(r.r[0]), r.r[1], r.r[2], r.r[3], r.r[5]);
}

static int node_visit(const struct tree_node *node, void *context)
{
    struct tree_text *t = context;
    node_separate(t, node->depth);
    if (node->kind == KIND_CONTAINER)
        node_container(t->page, node);
    else if (node->kind == KIND_PROCESS)
        node_process(t->page, node);
    else
        node_thread(t->page, node);
    page_text(t->page, ",\"children\":[");
    return t->page->full;
}

/* null when this program may not look. */
static void tree_write(struct page *p)
{
    struct tree_text t = {p, -1};
    uint64_t system = startup_handle("system");
    page_text(p, "\"system\":");
    if (system == 0) {
        page_text(p, "null");
        return;
    }
    tree_walk(system, node_visit, &t);
    for (; t.depth >= 0; t.depth--)
        page_text(p, "]}");
}

/* ---- files and network ---- */

static void mounts_write(struct page *p)
{
    static struct vfs_mount mount;
    struct fs_space space;
    page_text(p, ",\n\"mounts\":[");
    for (unsigned n = 0; vfs_mounts(n, &mount) == 0; n++) {
        page_text(p, n > 0 ? ",\n{\"path\":\"" : "{\"path\":\"");
        page_json(p, mount.path);
        page_text(p, "\"");
        if (vfs_space(mount.path, &space) == 0)
            page_format(p, ",\"block_bytes\":%lu,\"blocks\":%lu,\"free\":%lu", space.block_bytes,
                        space.blocks, space.free);
        page_text(p, "}");
    }
    page_text(p, "]");
}

static void interfaces_write(struct page *p)
{
    struct net_interface i;
    char address[SOCKET_ADDRESS_TEXT];
    page_text(p, ",\n\"interfaces\":[");
    for (uint32_t n = 0; net_interface(n, &i) == 0; n++) {
        page_text(p, n > 0 ? ",\n{\"name\":\"" : "{\"name\":\"");
        page_json(p, i.name);
        page_format(p, "\",\"up\":%u,\"address\":\"%s\"", i.up,
                    socket_address_text(&i.ip4, 0, address));
        page_format(p,
                    ",\"rx_packets\":%lu,\"rx_bytes\":%lu,\"rx_dropped\":%lu,"
                    "\"tx_packets\":%lu,\"tx_bytes\":%lu,\"tx_dropped\":%lu}",
                    i.rx_packets, i.rx_bytes, i.rx_dropped, i.tx_packets, i.tx_bytes, i.tx_dropped);
    }
    page_text(p, "]");
}

static void counters_write(struct page *p)
{
    char name[24];
    uint64_t value;
    page_text(p, ",\n\"network\":{");
    for (uint32_t n = 0; net_counter(n, name, &value) == 0; n++) {
        page_text(p, n > 0 ? ",\"" : "\"");
        page_json(p, name);
        page_format(p, "\":%lu", value);
    }
    page_text(p, "}");
}

size_t status_json(char *to, size_t room)
{
    struct page p = {.to = to, .room = room};
    page_format(&p, "{\"time_ns\":%lu,\n", atm_clock().r[0]);
    tree_write(&p);
    mounts_write(&p);
    interfaces_write(&p);
    counters_write(&p);
    page_format(&p,
                ",\n\"httpd\":{\"open\":%lu,\"accepted\":%lu,\"crowded_out\":%lu,\"late\":%lu}}\n",
                tcp_count.open, tcp_count.accepted, tcp_count.crowded_out, tcp_count.late);
    return p.full ? 0 : p.used;
}
