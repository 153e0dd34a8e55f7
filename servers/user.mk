# SPDX-License-Identifier: MIT
# User space: the library, one program for each folder here, and the initial ramdisk with all of
# them. Built once; both kernels run the very same files.
#
#   build/user/bin/NAME       program, with its symbol table (fault reports name functions)
#   build/user/debug/NAME     the same with debug information, for gdb
#   build/user/initrd.cpio    newc archive: bin/, etc/
BUILD ?= build
WARN ?= -Wall -Wextra -Wconversion -Wshadow

USER_DIR := $(BUILD)/user
USER_CC ?= $(CC)
# What the compiler says of itself, asked for once and handed to the makes that this one starts.
ifndef USER_CC_VERSION
export USER_CC_VERSION := $(shell $(USER_CC) --version)
export USER_CC_INCLUDE := $(shell $(USER_CC) -print-file-name=include)
endif
USER_INCLUDE := -nostdinc -isystem $(USER_CC_INCLUDE) \
                -I. -Iinclude -Ilib/include
# A loop in memset must not become a call of memset; clang leaves it alone by -ffreestanding.
USER_NO_IDIOMS := $(if $(findstring clang,$(USER_CC_VERSION)),,\
                    -fno-tree-loop-distribute-patterns)
# A program is optimized as a whole, and what it does not call is left out: fewer and shorter ways from page to page,
# which cost most behind a switch of address spaces. Not what the compiler calls of its own accord, nor what calls main.
USER_WHOLE := $(if $(findstring clang,$(USER_CC_VERSION)),,-flto -flto-partition=one)
USER_APART := $(USER_DIR)/obj/lib/string.o $(USER_DIR)/obj/lib/start.o
# No vector registers: they would have to be switched with every thread.
USER_CFLAGS := -std=c11 -O2 -g -ffreestanding -nostdlib -fno-stack-protector -fno-pic -mgeneral-regs-only \
               -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -mno-red-zone -ffunction-sections \
               -fdata-sections -fcf-protection=none $(USER_NO_IDIOMS) $(WARN) $(USER_INCLUDE)
USER_LDFLAGS := -nostdlib -static -Wl,-z,noexecstack,-z,max-page-size=4096,-z,norelro \
                -Wl,--build-id=none,--gc-sections,-T,lib/program.lds

USER_LIB_SRC := $(sort $(wildcard lib/*.c))
USER_LIB_OBJ := $(USER_LIB_SRC:%.c=$(USER_DIR)/obj/%.o)
USER_PROGRAMS := $(sort $(patsubst servers/%/,%,$(wildcard servers/*/)))
USER_ETC := $(sort $(wildcard servers/etc/*))
USER_PROGRAMS := $(filter-out etc,$(USER_PROGRAMS))
# Programs that need more than the library say so: USER_LINK_NAME.
include servers/net/net.mk

USER_BIN := $(USER_PROGRAMS:%=$(USER_DIR)/bin/%)
USER_INITRD := $(USER_DIR)/initrd.cpio

user_objects = $(patsubst %.c,$(USER_DIR)/obj/%.o,$(sort $(wildcard servers/$(1)/*.c)))

.PHONY: user
user: $(USER_INITRD) ## builds the user programs and the initial ramdisk

$(USER_DIR)/libatmos.a: $(USER_LIB_OBJ)
	@rm -f $@
	ar rcsD $@ $^

$(USER_APART): USER_WHOLE :=
$(USER_DIR)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(USER_CC) $(USER_CFLAGS) $(USER_WHOLE) -MMD -MP -c $< -o $@

$(USER_DIR)/obj/%.o: %.S
	@mkdir -p $(@D)
	$(USER_CC) -c $< -o $@

define user_program
$(USER_DIR)/debug/$(1): $(USER_DIR)/obj/lib/crt0.o $(call user_objects,$(1)) \
                        $(USER_LINK_$(1)) $(USER_DIR)/libatmos.a lib/program.lds
	@mkdir -p $$(@D)
	$(USER_CC) $$(if $(USER_WHOLE),$(USER_CFLAGS) $(USER_WHOLE)) $(USER_LDFLAGS) -o $$@ $$(filter %.o,$$^) $(USER_LINK_$(1)) $(USER_DIR)/libatmos.a -lgcc
endef
$(foreach program,$(USER_PROGRAMS),$(eval $(call user_program,$(program))))

$(USER_DIR)/bin/%: $(USER_DIR)/debug/%
	@mkdir -p $(@D)
	objcopy --strip-debug $< $@

# $(1)/bin and $(1)/etc as archive $(2): sorted, owned by root, at a fixed time, so that the same sources make the same.
define user_archive
chmod -R u=rwX,go=rX $(1)
find $(1) -exec touch -h -d @0 {} +
cd $(1) && find bin etc | LC_ALL=C sort | cpio -o -H newc --reproducible --owner=0:0 --quiet > $(abspath $(2)).new
mv $(2).new $(2)
endef

$(USER_INITRD): $(USER_BIN) $(USER_ETC) servers/user.mk
	@rm -rf $(USER_DIR)/root && mkdir -p $(USER_DIR)/root/bin $(USER_DIR)/root/etc
	cp $(USER_BIN) $(USER_DIR)/root/bin/
	cp $(USER_ETC) $(USER_DIR)/root/etc/
	$(call user_archive,$(USER_DIR)/root,$@)

-include $(shell find $(USER_DIR)/obj -name '*.d' 2>/dev/null)

# ---- unit tests of what is plain C here: tests/unit/test_lib_*.c, on the build machine under ASan
# and UBSan. The library's own C functions get other names (tests/unit/lib_names.h), so that the
# host's are there, too. ----
USER_UNIT := $(BUILD)/unit
USER_UNIT_CFLAGS := -std=c11 -g -O1 -ffreestanding $(WARN) -fno-omit-frame-pointer \
                    -fsanitize=address,undefined -fno-sanitize-recover=all \
                    -include tests/unit/lib_names.h $(USER_INCLUDE)
USER_UNIT_SRC := $(addprefix lib/,string.c stdlib.c malloc.c format.c time.c cpio.c elf.c) \
                 $(addprefix lib/,virtio_queue.c virtio_places.c frames.c) \
                 servers/init/manifest.c servers/init/backoff.c servers/pci/function.c servers/pci/grants.c
USER_UNIT_SRC += $(addprefix servers/httpd/,request.c target.c fields.c connection.c answer.c page.c mime.c)
USER_UNIT_SRC += $(addprefix servers/memcached/,store.c command.c engine.c ascii.c binary.c stats.c)
USER_UNIT_OBJ := $(USER_UNIT_SRC:%.c=$(USER_UNIT)/user/%.o)

$(USER_UNIT)/user/%.o: %.c tests/unit/lib_names.h
	@mkdir -p $(@D)
	@$(CC) $(USER_UNIT_CFLAGS) -MMD -MP -c -o $@ $<

$(USER_UNIT)/user/libuser.a: $(USER_UNIT_OBJ)
	@rm -f $@
	@ar rcs $@ $^

# The file systems on disks take the host's C library, so that ASan watches their memory. Their tests
# make images with mke2fs and mkfs.fat and have e2fsck and fsck.fat look at them.
DISK_UNIT_TESTS := $(addprefix $(USER_UNIT)/test_lib_,cache ext2 fat)
DISK_UNIT_OBJ := $(patsubst %.c,$(USER_UNIT)/%.o,lib/cache.c lib/set.c tests/unit/disk.c tests/unit/fs_model.c)
disk_objects = $(patsubst %.c,$(USER_UNIT)/%.o,$(filter-out %/main.c,$(wildcard servers/$(1)/*.c)))
$(USER_UNIT)/test_lib_ext2: $(call disk_objects,ext2)
$(USER_UNIT)/test_lib_fat: $(call disk_objects,fat)
$(DISK_UNIT_TESTS): $(USER_UNIT)/test_lib_%: $(USER_UNIT)/tests/unit/test_lib_%.o $(DISK_UNIT_OBJ)
	@$(CC) -fsanitize=address,undefined -g -o $@ $^ -lcmocka

# So do the parts of files: 9P, paths, the RAM file system, the initial ramdisk, the shell's text.
FILE_UNIT_TESTS := $(addprefix $(USER_UNIT)/test_lib_,ramfs ninep files)
FILE_UNIT_OBJ := $(patsubst %.c,$(USER_UNIT)/%.o,$(wildcard lib/ninep*.c) lib/path.c lib/cpio.c \
                 servers/ramfs/ramfs.c servers/ramfs/pages.c servers/fs/initrd.c \
                 servers/shell/text.c servers/console/log.c tests/unit/strlcpy.c)
FILE_UNIT_TEST_OBJ := $(FILE_UNIT_TESTS:$(USER_UNIT)/%=$(USER_UNIT)/tests/unit/%.o)
$(FILE_UNIT_OBJ) $(FILE_UNIT_TEST_OBJ): UNIT_EXTRA += -include fuzz/host.h
$(FILE_UNIT_TESTS): $(USER_UNIT)/test_lib_%: $(USER_UNIT)/tests/unit/test_lib_%.o $(FILE_UNIT_OBJ) \
                    $(DISK_UNIT_OBJ) $(USER_UNIT)/tests/unit/elf_image.o
	@$(CC) -fsanitize=address,undefined -g -o $@ $^ -lcmocka

USER_UNIT_TESTS := $(patsubst tests/unit/%.c,$(USER_UNIT)/%,$(wildcard tests/unit/test_lib_*.c))
USER_UNIT_TESTS := $(filter-out $(DISK_UNIT_TESTS) $(FILE_UNIT_TESTS),$(USER_UNIT_TESTS))
$(USER_UNIT_TESTS): $(USER_UNIT)/test_lib_%: $(USER_UNIT)/tests/unit/test_lib_%.o \
                    $(USER_UNIT)/tests/unit/elf_image.o $(USER_UNIT)/tests/unit/http_site.o \
                    $(USER_UNIT)/user/libuser.a
	@$(CC) -fsanitize=address,undefined -g -o $@ $^ -lcmocka

-include $(USER_UNIT_OBJ:.o=.d) $(FILE_UNIT_OBJ:.o=.d) $(FILE_UNIT_TEST_OBJ:.o=.d) $(patsubst %.o,%.d,$(DISK_UNIT_OBJ) $(call disk_objects,ext2) $(call disk_objects,fat))
