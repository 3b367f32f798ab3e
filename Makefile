# mpplan. `make help` lists the targets.

MAKEFLAGS += --no-builtin-rules
CC = gcc
VERSION := 0.1.0
PREFIX ?= /usr/local
BUILD := build$(if $(SAN),/san)

# --- what the machine has ---------------------------------------------------------------------
REQUIRED := glib-2.0 gio-2.0 gmodule-2.0 libcjson gsl libprotobuf-c libcgraph
PACKAGES := gcc libc6-dev pkg-config libglib2.0-dev libglib2.0-dev-bin libcjson-dev libgsl-dev libprotobuf-c-dev protobuf-c-compiler libgraphviz-dev
TEST_PACKAGES := python3 clang-format locales-all
have = $(shell pkg-config --exists $(1) 2>/dev/null && echo yes)
HAVE_REQUIRED := $(call have,$(REQUIRED))
LINKED := glib-2.0 gio-2.0 gmodule-2.0 libcjson gsl libprotobuf-c
PKG_CFLAGS = $(shell pkg-config --cflags $(LINKED))
PKG_LIBS = $(shell pkg-config --libs $(LINKED))

# --- flags ------------------------------------------------------------------------------------
OPTIMIZE := $(if $(SAN),-O1 -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all,-O2)
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Wno-missing-field-initializers $(if $(DEVELOPER),-Werror)
# no contraction into fused multiply-adds: the same numbers on every machine
FLAGS = -std=c11 -D_GNU_SOURCE -g $(OPTIMIZE) $(WARN) -ffp-contract=off -MMD -MP -I. -I$(BUILD) $(PKG_CFLAGS) \
        -DMPP_VERSION='"$(VERSION)"' $(CFLAGS)
LIBS = $(PKG_LIBS) -lm

# --- files ------------------------------------------------------------------------------------
LIB_SOURCES := $(filter-out planner/cli/main.c,$(wildcard planner/*/*.c sim/*.c))
TEST_SOURCES := $(wildcard tests/unit/test_*.c tests/property/test_*.c tests/oracle/test_*.c tests/accuracy/test_*.c)
BENCH_SOURCES := $(wildcard tests/bench/bench_*.c)
DATA := $(sort $(wildcard models/*.json hwprofiles/devices/*.json hwprofiles/clusters/*.json hwprofiles/runtimes/*.json))

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB := $(BUILD)/libmpplan.a
TESTS := $(patsubst %.c,$(BUILD)/%,$(TEST_SOURCES))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(BENCH_SOURCES))

.DEFAULT_GOAL := all
.PHONY: all help doctor packages test-packages quickstart tests check check-fast check-all bench accuracy calibrate golden lint format install clean
.SECONDARY:

## all: build the program at build/mpplan (the default)
all: $(BUILD)/mpplan

$(BUILD)/mpplan: $(call objects,planner/cli/main.c) $(LIB) $(BUILD)/zoo.o
	$(CC) $(FLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(LIB): $(call objects,$(LIB_SOURCES)) $(BUILD)/sim/chakra.pb-c.o
	@rm -f $@
	@ar rcs $@ $^

# on a machine without the packages, install them before the first compilation
MISSING := $(if $(HAVE_REQUIRED),,packages)

$(BUILD)/%.o: %.c | $(MISSING)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -c $< -o $@

# --- models and profiles, compiled in ---------------------------------------------------------
$(BUILD)/zoo.gresource.xml: $(DATA) Makefile
	@mkdir -p $(@D)
	@{ echo '<gresources><gresource prefix="/mpplan">'; printf '<file>%s</file>\n' $(DATA); echo '</gresource></gresources>'; } > $@

$(BUILD)/zoo.c: $(BUILD)/zoo.gresource.xml | $(MISSING)
	glib-compile-resources --generate-source --sourcedir=. --target=$@ $<

$(BUILD)/zoo.o: $(BUILD)/zoo.c
	$(CC) $(FLAGS) -c $< -o $@

# --- code from schemas ------------------------------------------------------------------------
$(BUILD)/%.pb-c.c $(BUILD)/%.pb-c.h: %.proto | $(MISSING)
	@mkdir -p $(@D)
	protoc-c --c_out=$(BUILD) $<

$(BUILD)/%.pb-c.o: $(BUILD)/%.pb-c.c
	$(CC) $(FLAGS) -c $< -o $@

$(BUILD)/sim/write_chakra.o $(BUILD)/sim/chakra_node.o: $(BUILD)/sim/chakra.pb-c.h

# --- set-up -----------------------------------------------------------------------------------
APT_GET := $(if $(filter 0,$(shell id -u)),,sudo )apt-get

## doctor: say what was found on this machine
doctor:
	@$(foreach p,$(REQUIRED),printf '%s %s\n' '$(if $(call have,$(p)),✓,✗)' '$(p) (required)';)
	@$(foreach p,ompi openblas,printf '%s %s\n' '$(if $(call have,$(p)),✓,✗)' '$(p) (for running plans on CPU ranks)';)
	@printf '%s %s\n' "$$(command -v nvcc >/dev/null && echo ✓ || echo ✗)" 'nvcc (for running plans on GPUs)'

## packages: install the Debian packages that the program needs, if any is missing
packages:
	@for p in $(PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	 if [ -n "$$missing" ]; then echo "installing$$missing"; $(APT_GET) update -q && $(APT_GET) install -y -q $$missing; fi

## test-packages: install what the tests need besides
test-packages: packages
	@for p in $(TEST_PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	 if [ -n "$$missing" ]; then echo "installing$$missing"; $(APT_GET) update -q && $(APT_GET) install -y -q $$missing; fi

## quickstart: install what is missing, build, and plan GPT-3 6.7B on 8 GPUs
quickstart: packages
	@$(MAKE) --no-print-directory -s -j2 all
	$(BUILD)/mpplan --model gpt.json --gpus 8

# --- tests ------------------------------------------------------------------------------------
$(TESTS): $(BUILD)/%: $(BUILD)/%.o $(call objects,$(wildcard tests/support/*.c)) $(LIB) $(BUILD)/zoo.o
	@$(CC) $(FLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

# beside SimGrid where that is installed (libsimgrid-dev)
ifeq ($(call have,simgrid),yes)
$(BUILD)/tests/oracle/test_simgrid_shares.o: CFLAGS += -DHAVE_SIMGRID $(shell pkg-config --cflags simgrid)
$(BUILD)/tests/oracle/test_simgrid_shares: LIBS += $(shell pkg-config --libs simgrid)
endif

tests: $(TESTS) $(BUILD)/mpplan

## check: run all tests, then again under address and undefined-behaviour sanitizers
check: test-packages
	@$(MAKE) --no-print-directory -s -j2 all tests
	@$(MAKE) --no-print-directory -s -j2 SAN=address,undefined all tests
	@tests/run build build/san

## check-all: check, then what the targets of emit make of emitted plans (pip installs them, several GB, once)
check-all: check
	@tests/frameworks/run $(BUILD)/mpplan $(BUILD)/frameworks

## check-fast: run the tests once, without sanitizers
check-fast:
	@$(MAKE) --no-print-directory -s -j2 all tests
	@tests/run build

## golden: rewrite the expected outputs of the command-line tests and the README's examples
golden: all
	tests/run --golden build

## calibrate: fit the profiles to the measured runs of MPPLAN_RUNS_DIR; rewrite them and both accuracy tables (15 minutes)
calibrate: all
	$(BUILD)/mpplan calibrate $(MPPLAN_RUNS_DIR)/*.jsonl --priors hwprofiles/priors.json --write hwprofiles \
	  --leave-one-out tests/accuracy/unseen.csv > $(BUILD)/calibrate.txt
	@$(MAKE) --no-print-directory accuracy

## accuracy: predict the measured runs of MPPLAN_RUNS_DIR and rewrite tests/accuracy/results.csv
accuracy: all
	$(BUILD)/mpplan compare $(MPPLAN_RUNS_DIR)/*.jsonl --csv tests/accuracy/results.csv

$(BENCHES): $(BUILD)/%: $(BUILD)/%.o $(LIB) $(BUILD)/zoo.o
	@$(CC) $(FLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

## bench: measure the speed of the search and of estimates
bench: $(BENCHES)
	@for b in $(BENCHES); do $$b || exit 1; done

## lint: check layers, sizes, names and stray words
lint:
	@tests/lint/check

## format: lay out the C sources
format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

## install: copy the program to DESTDIR/PREFIX/bin
install: all
	install -D -m 755 $(BUILD)/mpplan $(DESTDIR)$(PREFIX)/bin/mpplan

## clean: remove what was built
clean:
	rm -rf build

## help: list the targets
help:
	@sed -n 's/^## \([a-z-]*\): /  make \1\t/p' Makefile | expand -t 24

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
