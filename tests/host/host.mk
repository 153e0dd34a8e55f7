# SPDX-License-Identifier: MIT
#
# Servers compiled for the build machine, with its sockets and files behind lib/socket.h and lib/vfs.h: the protocol
# engines and the connection loop as they are, under ASan and UBSan, for tests/host/*.py to try with other people's clients.

HOST := $(BUILD)/host
HOST_FLAGS := -std=gnu11 -g -O1 $(WARN) -D_GNU_SOURCE= -I. -Iinclude -Itests/host -include tests/host/host.h -MMD -MP \
  -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HOST_HTTPD := $(patsubst %.c,$(HOST)/%.o,$(filter-out servers/httpd/status.c,$(wildcard servers/httpd/*.c)) \
  lib/tcp_server.c tests/host/socket.c tests/host/clock.c tests/host/vfs.c tests/host/status.c tests/unit/strlcpy.c)
HOST_MEMCACHED := $(patsubst %.c,$(HOST)/%.o,$(filter-out servers/memcached/memory.c,$(wildcard servers/memcached/*.c)) \
  lib/tcp_server.c tests/host/socket.c tests/host/clock.c tests/host/memory.c)
HOST_EXPORT := $(patsubst %.c,$(HOST)/%.o,$(wildcard servers/export/*.c) $(addprefix lib/,ninep.c ninep_server.c ninep_files.c ninep_lock.c path.c) \
  lib/tcp_server.c tests/host/socket.c tests/host/vfs.c tests/unit/strlcpy.c)
HOST_PROGRAMS := $(addprefix $(HOST)/,httpd memcached export)

.PHONY: host-build
host-build: $(HOST_PROGRAMS)

$(HOST)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(HOST_FLAGS) -c -o $@ $<

$(HOST)/httpd: $(HOST_HTTPD)
$(HOST)/memcached: $(HOST_MEMCACHED)
$(HOST)/export: $(HOST_EXPORT)
$(HOST_PROGRAMS):
	@$(CC) -fsanitize=address,undefined -g -o $@ $^

-include $(HOST_HTTPD:.o=.d) $(HOST_MEMCACHED:.o=.d) $(HOST_EXPORT:.o=.d)
