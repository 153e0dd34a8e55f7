# SPDX-License-Identifier: MIT
#
# The kernel for x86-64 (one ELF for qemu -kernel and for GRUB) and the ISO image.

X86 := $(BUILD)/x86_64
X86_CC ?= $(CC)
# No SSE in the kernel, so no reason to keep stacks aligned to 16; and three passes of gcc that make code smaller by
# making its paths longer.
X86_SHORT := $(if $(findstring clang,$(X86_CC)),-mstack-alignment=8,-mpreferred-stack-boundary=3 \
	-fno-code-hoisting -fno-tree-tail-merge -fno-align-functions -fno-align-jumps -fno-align-loops -fno-align-labels \
	-fno-reorder-blocks-and-partition)
X86_CFLAGS = -std=gnu11 -O2 -g $(WARN) -I. -Iinclude -include arch/x86_64/windows.h -ffreestanding -ffunction-sections \
	-fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common \
	-fwrapv -MMD -MP $(X86_SHORT) $(X86_EXTRA)
# The core is compiled as two files, so that what one part asks of another costs no call: what runs often is made fast, with
# the entry into it; what runs seldom is made small.
X86_FAST := $(addprefix core/,deadline endpoint handle ipc kernel queue sched sys sys_ipc sys_memory sys_object table thread transfer \
	memory) arch/x86_64/syscall
X86_SELDOM := $(filter-out core/boot core/invariant core/syscall $(X86_FAST),$(CORE_SRC:.c=))
$(X86)/core.c: $(X86_FAST:=.c) arch/x86_64/x86_64.mk
	@mkdir -p $(@D)
	printf '#include "%s.c"\n' $(X86_FAST) >$@
$(X86)/seldom.c: $(X86_SELDOM:=.c) arch/x86_64/x86_64.mk
	@mkdir -p $(@D)
	printf '#include "%s.c"\n' $(X86_SELDOM) >$@
X86_REST := core/boot.c core/invariant.c $(filter-out $(X86_FAST:=.c),$(wildcard arch/x86_64/*.c))
X86_OBJ := $(X86)/core.o $(X86)/seldom.o $(patsubst %.c,$(X86)/%.o,$(X86_REST)) \
	$(patsubst %.S,$(X86)/%.o,$(wildcard arch/x86_64/*.S))
X86_LINK := $(X86_CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack \
	-Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -Wl,--gc-sections -T $(X86)/x86_64.ld -O2 $(X86_EXTRA)

$(X86)/core.o $(X86)/seldom.o: %.o: %.c
	$(X86_CC) $(X86_CFLAGS) -c -o $@ $<

$(X86)/%.o: %.c
	@mkdir -p $(@D)
	$(X86_CC) $(X86_CFLAGS) -c -o $@ $<
# What runs at boot, or once in a while, is made small.
X86_SMALL := core/boot core/invariant $(addprefix arch/x86_64/,acpi apic boot cpu loader paging panic ranges serial time)
$(X86_SMALL:%=$(X86)/%.o) $(X86)/seldom.o: X86_EXTRA += -Oz
$(X86_SMALL:%=$(X86)/%.o) $(X86)/seldom.o: X86_SHORT = $(if $(findstring clang,$(X86_CC)),,-mpreferred-stack-boundary=3 -fno-caller-saves)
$(X86)/core.o: X86_SHORT += $(if $(findstring clang,$(X86_CC)),,-fno-inline-functions -fno-caller-saves -fno-tree-dominator-opts)
# These four must not become calls of themselves.
$(X86)/arch/x86_64/mem.o: X86_EXTRA += -fno-builtin $(if $(findstring clang,$(X86_CC)),,-fno-tree-loop-distribute-patterns)

# entry.S has saved what a function must preserve.
$(X86)/arch/x86_64/ipc.o: X86_EXTRA += $(if $(findstring clang,$(X86_CC)),,$(addprefix -fcall-used-,bx r12 r13 r14 r15))

$(X86)/%.o: %.S
	@mkdir -p $(@D)
	$(X86_CC) -g -I. -MMD -MP -c -o $@ $<

$(X86)/x86_64.ld: arch/x86_64/x86_64.lds arch/x86_64/asm.h
	@mkdir -p $(@D)
	$(X86_CC) -E -P -x c -Iarch/x86_64 -o $@ $<

# Linked twice: the second time with the table of functions that the first one had.
$(X86)/symbols-none.S: arch/x86_64/symbols.awk
	@mkdir -p $(@D)
	awk -f $< /dev/null >$@
$(X86)/symbols.S: $(X86)/atmos-1.elf arch/x86_64/symbols.awk
	nm -n $< | awk -f arch/x86_64/symbols.awk >$@
$(X86)/symbols.o $(X86)/symbols-none.o: %.o: %.S
	$(X86_CC) -c -o $@ $<

$(X86)/atmos-1.elf: $(X86_OBJ) $(X86)/symbols-none.o $(X86)/x86_64.ld
	$(X86_LINK) -o $@ $(X86_OBJ) $(X86)/symbols-none.o
$(X86)/atmos.elf: $(X86_OBJ) $(X86)/symbols.o $(X86)/x86_64.ld
	$(X86_LINK) -o $@ $(X86_OBJ) $(X86)/symbols.o

-include $(X86_OBJ:.o=.d)

# Only the modules that the configuration needs, and no fonts: 4.5 MB in place of 20.
X86_GRUB_MODULES := multiboot2 normal configfile iso9660 part_msdos part_gpt part_acorn part_amiga \
	part_apple part_bsd part_dfly part_dvh part_plan part_sun part_sunpc fat search boot \
	all_video serial
.PHONY: iso
iso: $(X86)/atmos.iso ## a disk image that boots under BIOS and UEFI
$(X86)/atmos.iso: $(X86)/atmos.elf $(BUILD)/user/initrd.cpio arch/x86_64/grub.cfg
	@rm -rf $(X86)/iso && mkdir -p $(X86)/iso/boot/grub
	cp arch/x86_64/grub.cfg $(X86)/iso/boot/grub/
	cp $(BUILD)/user/initrd.cpio $(X86)/iso/boot/
	objcopy --strip-debug $(X86)/atmos.elf $(X86)/iso/boot/atmos.elf
	grub-mkrescue --install-modules="$(X86_GRUB_MODULES)" --locales= --fonts= --themes= \
		-o $@ $(X86)/iso >$(X86)/iso.log 2>&1 || { cat $(X86)/iso.log; exit 1; }
