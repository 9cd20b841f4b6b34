# SPDX-License-Identifier: Apache-2.0
# credscope: `make help` lists the targets. Quiet by default, V=1 shows commands.
# Sources are discovered: a .c file below userspace/ is part of the program, tests/unit/**.c and
# tests/fuzz/*.c one program each, tests/bpf/*.c together one program.

BUILD ?= build
CC ?= cc
CLANG ?= clang
BPFTOOL ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool)
STRIP ?= $(patsubst %gcc,%strip,$(if $(findstring gcc,$(CC)),$(CC),gcc))
PREFIX ?= /usr/local
DESTDIR ?=
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# An arm64 build names its cross compiler and root: CC=aarch64-linux-gnu-gcc SYSROOT=DIR
SYSROOT ?=
ARCH ?= $(shell $(CC) -dumpmachine 2>/dev/null | sed -e 's/-.*//')
BPF_ARCH := $(if $(filter aarch64,$(ARCH)),arm64,x86)
SYSROOT_FLAGS := $(if $(SYSROOT),--sysroot=$(SYSROOT))
# Given on its own command line: make before 4.4 passes no exported variable to $(shell).
PKG_CONFIG := $(if $(SYSROOT),PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(ARCH)-linux-gnu/pkgconfig:$(SYSROOT)/usr/share/pkgconfig) \
	pkg-config

LIBRARIES := libbpf libelf zlib libmicrohttpd libcap libcjson libcurl libssl libcrypto nettle
LIB_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBRARIES) 2>/dev/null | sed -e 's,-I\([^ ]*\),-isystem \1,g')
LIB_LIBS := $(shell $(PKG_CONFIG) --libs $(LIBRARIES) 2>/dev/null)

WARN := -Wall -Wextra -Werror
OPT ?= -O2 -g
SANITIZE ?=
CFLAGS ?= $(OPT)
CPPFLAGS_ALL := -D_GNU_SOURCE -D_FORTIFY_SOURCE=$(if $(SANITIZE),0,2) -Iinclude -Iuserspace -I$(BUILD)/generated \
	-DCS_VERSION='"$(VERSION)"' $(LIB_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL := -std=gnu17 $(WARN) $(CFLAGS) -fstack-protector-strong -fPIE -MMD -MP $(SYSROOT_FLAGS) $(SANITIZE)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SYSROOT_FLAGS) $(SANITIZE) $(LDFLAGS)

rwildcard = $(foreach d,$(wildcard $(1)/*),$(call rwildcard,$(d),$(2)) $(filter %$(2),$(d)))

BASE_SRC := $(sort $(call rwildcard,userspace/base,.c))
CORE_SRC := $(sort $(call rwildcard,userspace/core,.c))
IO_SRC := $(sort $(call rwildcard,userspace/io,.c))
APP_SRC := $(sort $(call rwildcard,userspace/app,.c))
MAIN_SRC := $(wildcard userspace/main.c)
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
PURE_OBJ := $(call obj,$(BASE_SRC) $(CORE_SRC))
LIB_OBJ := $(PURE_OBJ) $(call obj,$(IO_SRC) $(APP_SRC))

UNIT_SRC := $(sort $(call rwildcard,tests/unit,.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))
BPFTEST_SRC := $(sort $(wildcard tests/bpf/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/*.c))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
PACKETFUZZ_SRC := $(sort $(wildcard tests/packet-fuzz/*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
TOOL_SRC := $(sort $(wildcard tools/*.c))
TOOL_BIN := $(patsubst tools/%.c,$(BUILD)/tools/%,$(TOOL_SRC))

SKEL := $(BUILD)/generated/credscope.skel.h
BPF_OBJ := $(BUILD)/bpf/credscope.bpf.o

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all
.PHONY: help all deps demo test unit test-bpf test-kube test-apiserver test-e2e test-slow test-secrets test-churn test-sdks test-interceptors test-envoy fuzz-packets bench check fuzz asan test-kernels install clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

all: $(BUILD)/credscope $(BUILD)/credscope.8 ## build build/credscope and its man page

$(BUILD)/credscope: $(BUILD)/credscope.debug
	$(Q)echo "  STRIP $@"; $(STRIP) -o $@ $<

$(BUILD)/credscope.debug: $(LIB_OBJ) $(call obj,$(MAIN_SRC))
	$(Q)echo "  LD    $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIB_LIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)echo "  CC    $<"; $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

# .incbin is nothing that -MMD could see.
$(BUILD)/obj/userspace/app/serve/page_html.o: userspace/app/serve/page.html

# The skeleton must exist before anything that includes it is compiled the first time; after that
# the dependency files know.
$(call obj,$(IO_SRC) $(BPFTEST_SRC) $(BENCH_SRC)): | $(SKEL)

$(BPF_OBJ): bpf/credscope.bpf.c
	@mkdir -p $(@D)
	$(Q)echo "  BPF   $<"; $(CLANG) -target bpf -mcpu=v3 -O2 -g -std=gnu17 -Wall -Wextra -Wpadded -Werror \
		-D__TARGET_ARCH_$(BPF_ARCH) -Iinclude -Ibpf -idirafter /usr/include/$(shell uname -m)-linux-gnu \
		-MMD -MP -MT $@ -MF $(BUILD)/bpf/credscope.bpf.d -c -o $@ $<
	$(Q)llvm-strip -g $@

$(SKEL): $(BPF_OBJ)
	@mkdir -p $(@D)
	$(Q)echo "  SKEL  $@"; $(BPFTOOL) gen skeleton $< name credscope_bpf > $@

$(BUILD)/credscope.8: docs/credscope.8.in
	@mkdir -p $(@D)
	$(Q)sed 's/@VERSION@/$(VERSION)/' $< > $@

# ---- tests ----
$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIB_OBJ)
	@mkdir -p $(@D)
	$(Q)echo "  LD    $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka $(LIB_LIBS)

$(BUILD)/tests/bpf-tests: $(call obj,$(BPFTEST_SRC)) $(LIB_OBJ)
	@mkdir -p $(@D)
	$(Q)echo "  LD    $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka -lpthread -lssl -lcrypto $(LIB_LIBS)

$(BUILD)/tests/packet-fuzz: $(call obj,$(PACKETFUZZ_SRC)) $(LIB_OBJ)
	@mkdir -p $(@D)
	$(Q)echo "  LD    $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIB_LIBS)

$(BUILD)/tests/kube-cat: $(PURE_OBJ) $(call obj,$(sort $(wildcard tests/kube/*.c) \
		$(wildcard userspace/io/kube_*.c)) userspace/io/event_loop.c)
	@mkdir -p $(@D)
	$(Q)echo "  LD    $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIB_LIBS)

$(BUILD)/tests/churn: $(call obj,$(sort $(wildcard tests/churn/*.c)))
	@mkdir -p $(@D)
	$(Q)echo "  LD    $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^

$(BUILD)/tools/replay: $(call obj,$(wildcard tools/replay/*.c))

$(BUILD)/tools/%: $(BUILD)/obj/tools/%.o $(LIB_OBJ)
	@mkdir -p $(@D)
	$(Q)echo "  LD    $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIB_LIBS)

$(BUILD)/tests/bench: $(call obj,$(BENCH_SRC)) $(LIB_OBJ)
	@mkdir -p $(@D)
	$(Q)echo "  LD    $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ -lpthread $(LIB_LIBS)

# A fuzzer is one file with LLVMFuzzerTestOneInput over base and core, all built by clang.
FUZZ_FLAGS := -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
$(BUILD)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)echo "  FUZZ  $<"; $(CLANG) $(CPPFLAGS_ALL) -std=gnu17 $(WARN) -MMD -MP $(FUZZ_FLAGS) \
		-fsanitize=fuzzer-no-link -c -o $@ $<

$(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/tests/fuzz/%.o \
		$(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(BASE_SRC) $(CORE_SRC))
	@mkdir -p $(@D)
	$(Q)echo "  LD    $@"; $(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIB_LIBS)

tools: $(TOOL_BIN)
fuzzers: $(FUZZ_BIN)

unit: $(UNIT_BIN) ## unit tests
	$(Q)tests/run-cmocka.sh $(UNIT_BIN)

test-bpf: $(BUILD)/tests/bpf-tests ## the kernel half on this kernel, with real traffic (root)
	$(Q)tests/run-cmocka.sh $<

test-e2e: all $(BUILD)/tools/replay ## the whole program on a simulated node (root)
	$(Q)BUILD=$(BUILD) tests/e2e/run.sh

test-slow: all $(BUILD)/tools/replay ## hangs and failing renewals in real time: six minutes, nearly all asleep (root)
	$(Q)BUILD=$(BUILD) PYTHONPATH=tests:tests/e2e /usr/bin/python3 -B tests/e2e/real_time.py

test-secrets: all ## known secrets in every place where one can be, then a search for them (root)
	$(Q)BUILD=$(BUILD) tests/secrets/run.sh

test-kube: $(BUILD)/tests/kube-cat ## the Kubernetes client against a scripted API server
	$(Q)BUILD=$(BUILD) tests/kube/run.sh

test-apiserver: ## the Kubernetes client against a real API server and etcd, built for it (root, Go)
	$(Q)tools/install-deps.sh build test
	$(Q)$(MAKE) --no-print-directory all $(BUILD)/tests/kube-cat
	$(Q)BUILD=$(BUILD) tests/apiserver/run.sh

test-churn: all $(BUILD)/tests/churn ## 1,000 pods of one second, every request attributed (root)
	$(Q)BUILD=$(BUILD) tests/churn/run.sh

test: ## install what it needs, then unit, BPF and end-to-end tests (root)
	$(Q)tools/install-deps.sh build test
	$(Q)$(MAKE) --no-print-directory all $(UNIT_BIN) $(BUILD)/tests/bpf-tests \
		$(BUILD)/tests/kube-cat $(BUILD)/tests/churn $(BUILD)/tools/replay
	$(Q)BUILD=$(BUILD) tests/run-suites.sh "unit=$(MAKE) -s unit" "bpf=$(MAKE) -s test-bpf" \
		"kube=$(MAKE) -s test-kube" "e2e=$(MAKE) -s test-e2e" "secrets=$(MAKE) -s test-secrets" \
		"churn=$(MAKE) -s test-churn"

test-sdks: ## the clouds' SDKs themselves, with a confusion matrix (root, registries); SDKS="boto3 ..."
	$(Q)tools/install-deps.sh build test
	$(Q)$(MAKE) --no-print-directory all $(BUILD)/tools/replay
	$(Q)cd tests && BUILD=$(BUILD) /usr/bin/python3 -B -m sdks $(SDKS)

test-envoy: all ## the tests of meshes with a real Envoy in the sidecars (root; installs it)
	$(Q)NODE_ENVOY=$$(tools/test-envoy.sh) && export NODE_ENVOY && BUILD=$(BUILD) tests/e2e/run.sh mesh

test-interceptors: ## real kube2iam, kiam and the like on a simulated node (root, Go); INTERCEPTORS="kiam ..."
	$(Q)tools/install-deps.sh build test
	$(Q)$(MAKE) --no-print-directory all $(BUILD)/tools/replay
	$(Q)BUILD=$(BUILD) tests/interceptors/run.sh $(INTERCEPTORS)

demo: ## install what it needs, build, and watch credscope on a simulated node (root)
	$(Q)tools/install-deps.sh build test
	$(Q)$(MAKE) --no-print-directory all
	$(Q)BUILD=$(BUILD) tools/demo.sh

test-kernels: ## the BPF tests in virtual machines: 5.10, 6.1, 6.12 (locked down too), newest, arm64
	$(Q)tools/install-deps.sh build test vm vm-arm64
	$(Q)$(MAKE) --no-print-directory $(BUILD)/tests/bpf-tests
	$(Q)BUILD=$(BUILD) tests/vm/matrix.sh

fuzz: ## every fuzzer for FUZZ_SECONDS (default 15), from the kept corpus
	$(Q)tools/install-deps.sh build test
	$(Q)$(MAKE) --no-print-directory fuzzers
	$(Q)BUILD=$(BUILD) tests/fuzz/run.sh $(FUZZ_BIN)

fuzz-packets: ## random dialogues through the loaded sensor, against a reference parser (root)
	$(Q)tools/install-deps.sh build test
	$(Q)$(MAKE) --no-print-directory $(BUILD)/tests/packet-fuzz
	$(Q)BUILD=$(BUILD) tests/packet-fuzz/run.sh

asan: ## unit tests under address and undefined behaviour sanitizers
	$(Q)tools/install-deps.sh build test
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OPT="-O1 -g" \
		SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all" unit

check: ## structure, formatting, both compilers, shell syntax, docs against code
	$(Q)tools/install-deps.sh build test
	$(Q)tools/check.sh

bench: ## every target of the product, measured; last line "N of M targets met"
	$(Q)tools/install-deps.sh build test
	$(Q)$(MAKE) --no-print-directory all $(BUILD)/tests/bench
	$(Q)BUILD=$(BUILD) tests/bench/run.sh

clean: ## remove what was built (downloads in .cache stay)
	$(Q)rm -rf $(BUILD)

install: all ## install into DESTDIR/PREFIX
	install -D -m 0755 $(BUILD)/credscope $(DESTDIR)$(PREFIX)/bin/credscope
	install -D -m 0644 $(BUILD)/credscope.8 $(DESTDIR)$(PREFIX)/share/man/man8/credscope.8

-include $(call rwildcard,$(BUILD)/obj,.d) $(call rwildcard,$(BUILD)/fuzz/obj,.d) $(wildcard $(BUILD)/bpf/*.d)
