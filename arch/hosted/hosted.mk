# SPDX-License-Identifier: MIT
#
# The hosted kernel: core/ and a machine that is a Linux process. HOSTED_DIRECT_SRC is the machine of tests and fuzzers,
# who compile it with flags of their own; the rest runs user programs.

HOSTED_DIRECT_SRC := $(addprefix arch/hosted/,memory.c panic.c direct.c snapshot.c)
# The user network of --net needs libslirp; without it all but that option works. `make SLIRP=` leaves it out.
SLIRP ?= $(if $(wildcard /usr/include/slirp/libslirp.h),-lslirp)
HOSTED_NATIVE_SRC := $(filter-out $(addprefix arch/hosted/,direct.c snapshot.c snapshot_trace.c \
  $(if $(SLIRP),nat_none.c,nat_slirp.c)),$(wildcard arch/hosted/*.c))
# <sys/ucontext.h>, which <signal.h> includes, would take the names REG_RAX and so on that are ours (atmos/abi.h).
HOSTED_CPPFLAGS := -std=gnu11 -D_GNU_SOURCE= -D_SYS_UCONTEXT_H=1 -I. -Iinclude -include arch/hosted/windows.h
HOSTED_CFLAGS ?= -O2 -g -fno-omit-frame-pointer
HOSTED_ASAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined

# --share serves 9P with the code that programs do.
HOSTED_LIB_SRC := $(addprefix lib/,ninep.c ninep_files.c ninep_lock.c ninep_server.c)
$(HOSTED_LIB_SRC:%.c=$(BUILD)/hosted/%.o) $(HOSTED_LIB_SRC:%.c=$(BUILD)/hosted/asan/%.o): \
  HOSTED_CPPFLAGS += -include arch/hosted/lib_host.h
$(HOSTED_LIB_SRC:%.c=$(BUILD)/unit/%.o): UNIT_EXTRA += -include arch/hosted/lib_host.h

HOSTED_OBJ := $(patsubst %.c,$(BUILD)/hosted/%.o,$(CORE_SRC) $(HOSTED_NATIVE_SRC) $(HOSTED_LIB_SRC)) \
  $(BUILD)/hosted/arch/hosted/stub_image.o
HOSTED_ASAN_OBJ := $(HOSTED_OBJ:$(BUILD)/hosted/%=$(BUILD)/hosted/asan/%)
HOSTED_DIRECT_OBJ := $(patsubst %.c,$(BUILD)/hosted/%.o,$(CORE_SRC) $(HOSTED_DIRECT_SRC))

.PHONY: hosted hosted-asan
hosted: $(BUILD)/hosted/atmos-hosted ## the kernel as a process
hosted-asan: $(BUILD)/hosted/atmos-hosted-asan ## the same under ASan and UBSan

$(BUILD)/hosted/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOSTED_CPPFLAGS) $(HOSTED_CFLAGS) $(WARN) -MMD -MP -c -o $@ $<

$(BUILD)/hosted/asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOSTED_CPPFLAGS) $(HOSTED_CFLAGS) $(HOSTED_ASAN) $(WARN) -MMD -MP -c -o $@ $<

$(BUILD)/hosted/arch/hosted/stub_program.o: arch/hosted/stub_program.S arch/hosted/stub_layout.h
	@mkdir -p $(@D)
	$(CC) -I. -c -o $@ $<

$(BUILD)/hosted/stub.elf: $(BUILD)/hosted/arch/hosted/stub_program.o arch/hosted/stub.ld
	$(LD) -static -nostdlib -z max-page-size=4096 -T arch/hosted/stub.ld -o $@ $<

$(BUILD)/hosted/arch/hosted/stub_image.o $(BUILD)/hosted/asan/arch/hosted/stub_image.o: arch/hosted/stub_image.S \
  $(BUILD)/hosted/stub.elf
	@mkdir -p $(@D)
	$(CC) -DSTUB_ELF='"$(BUILD)/hosted/stub.elf"' -c -o $@ $<

# Which of the two is there says how the last build was; when that changes, the programs are linked anew.
HOSTED_NET := $(BUILD)/hosted/$(if $(SLIRP),with,without)-net
$(BUILD)/hosted/with-net $(BUILD)/hosted/without-net:
	@mkdir -p $(@D)
	@rm -f $(BUILD)/hosted/with-net $(BUILD)/hosted/without-net
	@$(if $(SLIRP),,echo "libslirp-dev is missing (scripts/setup build installs it): building without --net" >&2)
	@touch $@

$(BUILD)/hosted/atmos-hosted: $(HOSTED_OBJ) $(HOSTED_NET)
	$(CC) -g -rdynamic -o $@ $(HOSTED_OBJ) $(SLIRP)

$(BUILD)/hosted/atmos-hosted-asan: $(HOSTED_ASAN_OBJ) $(HOSTED_NET)
	$(CC) -g -rdynamic $(HOSTED_ASAN) -o $@ $(HOSTED_ASAN_OBJ) $(SLIRP)

$(BUILD)/hosted/libdirect.a: $(HOSTED_DIRECT_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# Tests of the machine below the core: machine code run in stubs. With the other unit tests, so that they are counted.
HOSTED_TEST := $(BUILD)/unit/test_isolation
HOSTED_TEST_OBJ := $(filter-out %/main.o,$(HOSTED_ASAN_OBJ)) \
  $(BUILD)/hosted/asan/arch/hosted/tests/test_isolation.o

unit-build: $(HOSTED_TEST)

$(HOSTED_TEST): $(HOSTED_TEST_OBJ)
	@mkdir -p $(@D)
	$(CC) -g -rdynamic $(HOSTED_ASAN) -o $@ $^ -lcmocka $(SLIRP)

# Device models, which build on nothing but the bus: in unit tests on a guest of theirs.
MODEL_SRC := $(addprefix arch/hosted/,pci.c virtio.c virtio_ring.c lie.c wire.c virtio_net.c virtio_blk.c virtio_rng.c virtio_9p.c \
  share.c mov.c rtc.c) lib/rtc.c $(HOSTED_LIB_SRC)
MODEL_OBJ := $(patsubst %.c,$(BUILD)/unit/%.o,$(MODEL_SRC) tests/unit/virtio_guest.c)
MODEL_TESTS := test_mov test_network test_pci test_rtc test_virtio test_virtio_blk test_virtio_9p test_virtio_net test_virtio_rng \
  test_share test_wire
NETWORK_UNIT := $(addprefix $(BUILD)/unit/arch/hosted/,network.o network_options.o nat_$(if $(SLIRP),slirp,none).o)

$(BUILD)/unit/libmodels.a: $(MODEL_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/unit/test_network: $(NETWORK_UNIT)
$(BUILD)/unit/test_network: UNIT_LINK += $(SLIRP)
$(NETWORK_UNIT): UNIT_EXTRA += -D_SYS_UCONTEXT_H=1
$(MODEL_TESTS:%=$(BUILD)/unit/%): $(BUILD)/unit/libmodels.a
-include $(MODEL_OBJ:.o=.d) $(NETWORK_UNIT:.o=.d)

-include $(HOSTED_TEST_OBJ:.o=.d)
-include $(HOSTED_OBJ:.o=.d) $(HOSTED_ASAN_OBJ:.o=.d) $(HOSTED_DIRECT_OBJ:.o=.d)
