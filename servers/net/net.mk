# SPDX-License-Identifier: MIT
# lwIP, from Debian's source package, for servers/net. Without the source everything else is built; the system then says
# at its start that there is no bin/net, and programs that want the network that it is not there.

LWIP := $(BUILD)/source/lwip
ifeq ($(wildcard $(LWIP)/src),)
ifneq ($(filter-out clean help format check docs verify% fuzz coverage source,$(MAKECMDGOALS)),)
# Once: when it fails, the next try is yours to make.
ifeq ($(wildcard $(BUILD)/source/lwip.missing),)
$(shell scripts/fetch-source lwip || { mkdir -p $(BUILD)/source && touch $(BUILD)/source/lwip.missing; })
endif
ifeq ($(wildcard $(LWIP)/src),)
$(info building without the network service: the source of lwIP is missing; scripts/fetch-source lwip gets it)
endif
endif
endif
HAVE_LWIP := $(wildcard $(LWIP)/src)

# lwIP's timer calls come from servers/net/stack.c; altcp, IGMP and autoip are not used.
LWIP_SRC := $(addprefix src/core/,def.c dns.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c stats.c tcp.c \
  tcp_in.c tcp_out.c timeouts.c udp.c ipv4/dhcp.c ipv4/etharp.c ipv4/icmp.c ipv4/ip4.c ipv4/ip4_addr.c ipv4/ip4_frag.c \
  ipv6/ethip6.c ipv6/icmp6.c ipv6/ip6.c ipv6/ip6_addr.c ipv6/ip6_frag.c ipv6/mld6.c ipv6/nd6.c) src/netif/ethernet.c
LWIP_INCLUDE := -isystem $(LWIP)/src/include -isystem servers/net/lwip
LWIP_OBJ := $(LWIP_SRC:%.c=$(USER_DIR)/lwip/%.o)

# Changes to lwIP, a patch a file of src/core; docs/network.md says which. Line ends are made this project's first.
LWIP_PATCHES := $(wildcard servers/net/lwip/*.patch)
LWIP_PATCHED := $(LWIP_PATCHES:servers/net/lwip/%.patch=%)
lwip_patched = $(addprefix $(1)/lwip/src/core/,$(LWIP_PATCHED:=.o))
lwip_file = $(if $(filter $(LWIP_PATCHED:%=src/core/%.c),$(1)),$(BUILD)/source/lwip-$(notdir $(1)),$(LWIP)/$(1))

$(BUILD)/source/lwip-%.c: servers/net/lwip/%.patch $(LWIP)/src/core/%.c
	tr -d '\r' <$(LWIP)/src/core/$*.c >$@.new
	patch -s $@.new $<
	mv $@.new $@

$(call lwip_patched,$(USER_DIR)): $(USER_DIR)/lwip/src/core/%.o: $(BUILD)/source/lwip-%.c
$(LWIP_OBJ): $(USER_DIR)/lwip/%.o: servers/net/lwip/lwipopts.h servers/net/lwip/arch/cc.h $(LWIP)/src/core/init.c
	@mkdir -p $(@D)
	$(USER_CC) $(USER_CFLAGS) $(USER_WHOLE) -w $(LWIP_INCLUDE) -c $(call lwip_file,$*.c) -o $@

$(USER_DIR)/liblwip.a: $(LWIP_OBJ)
	@rm -f $@
	ar rcsD $@ $^

ifneq ($(HAVE_LWIP),)
USER_LINK_net := $(USER_DIR)/liblwip.a
$(USER_DIR)/obj/servers/net/%.o: USER_CFLAGS += $(LWIP_INCLUDE)
else
USER_PROGRAMS := $(filter-out net,$(USER_PROGRAMS))
endif

# ---- the service on the build machine, with lwIP, under ASan and UBSan: unit tests, and a fuzz target ----
NET_CORE := $(filter-out servers/net/main.c servers/net/memory.c,$(wildcard servers/net/*.c))
NET_HOST_CFLAGS = -std=gnu11 -g -O1 -D_GNU_SOURCE= -I. -Iinclude $(LWIP_INCLUDE) -include fuzz/host.h -MMD -MP
NET_UNIT := $(BUILD)/unit/net
NET_UNIT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
NET_UNIT_OBJ := $(patsubst %.c,$(NET_UNIT)/%.o,$(NET_CORE) tests/unit/net_world.c tests/unit/strlcpy.c)
NET_UNIT_LWIP := $(LWIP_SRC:%.c=$(NET_UNIT)/lwip/%.o)

$(NET_UNIT)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(NET_HOST_CFLAGS) $(WARN) $(NET_UNIT_SAN) -c -o $@ $<

# lwIP's own shifts and unaligned headers are its business: no UBSan there.
$(call lwip_patched,$(NET_UNIT)): $(NET_UNIT)/lwip/src/core/%.o: $(BUILD)/source/lwip-%.c
$(NET_UNIT_LWIP): $(NET_UNIT)/lwip/%.o: servers/net/lwip/lwipopts.h servers/net/lwip/arch/cc.h $(LWIP)/src/core/init.c
	@mkdir -p $(@D)
	@$(CC) $(NET_HOST_CFLAGS) -w -fsanitize=address -c -o $@ $(call lwip_file,$*.c)

$(BUILD)/unit/test_net: $(NET_UNIT)/tests/unit/test_net.o $(NET_UNIT_OBJ) $(NET_UNIT_LWIP)
	@$(CC) $(NET_UNIT_SAN) -g -o $@ $^ -lcmocka

NET_FUZZ := $(BUILD)/fuzz/net-objects
NET_FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fsanitize=fuzzer-no-link
NET_FUZZ_OBJ := $(patsubst %.c,$(NET_FUZZ)/%.o,$(NET_CORE) tests/unit/net_world.c tests/unit/strlcpy.c fuzz/net.c)
NET_FUZZ_LWIP := $(LWIP_SRC:%.c=$(NET_FUZZ)/lwip/%.o)

$(NET_FUZZ)/%.o: %.c
	@mkdir -p $(@D)
	@clang $(NET_HOST_CFLAGS) $(WARN) $(NET_FUZZ_SAN) -c -o $@ $<

$(call lwip_patched,$(NET_FUZZ)): $(NET_FUZZ)/lwip/src/core/%.o: $(BUILD)/source/lwip-%.c
$(NET_FUZZ_LWIP): $(NET_FUZZ)/lwip/%.o: servers/net/lwip/lwipopts.h servers/net/lwip/arch/cc.h $(LWIP)/src/core/init.c
	@mkdir -p $(@D)
	@clang $(NET_HOST_CFLAGS) -w -fsanitize=address,fuzzer-no-link -c -o $@ $(call lwip_file,$*.c)

$(BUILD)/fuzz/net: $(NET_FUZZ_OBJ) $(NET_FUZZ_LWIP)
	@clang -fsanitize=address,undefined,fuzzer -g -o $@ $^

-include $(NET_UNIT_OBJ:.o=.d) $(NET_UNIT)/tests/unit/test_net.d $(NET_FUZZ_OBJ:.o=.d)

# ---- instructions per packet, by callgrind: bench/net.c ----
NET_BENCH := $(BUILD)/bench/net
NET_BENCH_FLAGS = $(NET_HOST_CFLAGS) -mgeneral-regs-only -O2 -fno-omit-frame-pointer -DNET_WORLD_MEMORY=
NET_BENCH_OBJ := $(patsubst %.c,$(NET_BENCH)/%.o,$(NET_CORE) servers/net/memory.c tests/unit/net_world.c \
  tests/unit/strlcpy.c bench/net.c)
NET_BENCH_LWIP := $(LWIP_SRC:%.c=$(NET_BENCH)/lwip/%.o)

$(NET_BENCH)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(NET_BENCH_FLAGS) $(WARN) -c -o $@ $<

$(call lwip_patched,$(NET_BENCH)): $(NET_BENCH)/lwip/src/core/%.o: $(BUILD)/source/lwip-%.c
$(NET_BENCH_LWIP): $(NET_BENCH)/lwip/%.o: servers/net/lwip/lwipopts.h servers/net/lwip/arch/cc.h $(LWIP)/src/core/init.c
	@mkdir -p $(@D)
	@$(CC) $(NET_BENCH_FLAGS) -w -c -o $@ $(call lwip_file,$*.c)

$(NET_BENCH)/net: $(NET_BENCH_OBJ) $(NET_BENCH_LWIP)
	@$(CC) -g -o $@ $^

.PHONY: bench-net
bench-net: $(NET_BENCH)/net ## instructions the network service spends on a packet
	@bench/packets $(NET_BENCH)/net

-include $(NET_BENCH_OBJ:.o=.d)
