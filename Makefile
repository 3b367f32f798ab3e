# mpplan. `make help` lists the targets.

MAKEFLAGS += --no-builtin-rules
CC ?= gcc
VARIANT := $(if $(SAN),san,release)
BUILD := build$(if $(SAN),/san)
PREFIX ?= /usr/local

# --- what the machine has ---------------------------------------------------------------------
REQUIRED := glib-2.0 gio-2.0 gmodule-2.0 libcjson gsl
PACKAGES := gcc make pkg-config libglib2.0-dev libcjson-dev libgsl-dev libgraphviz-dev
TEST_PACKAGES := clang-format python3 libglib2.0-bin
HAVE := $(shell pkg-config --exists $(REQUIRED) libcgraph 2>/dev/null && echo yes)
PKG_CFLAGS := $(if $(HAVE),$(shell pkg-config --cflags $(REQUIRED)))
PKG_LIBS := $(if $(HAVE),$(shell pkg-config --libs $(REQUIRED)))

OPTIMIZE := $(if $(SAN),-O1 -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all,-O2)
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Wno-missing-field-initializers $(if $(DEVELOPER),-Werror)
CFLAGS += -std=c11 -D_GNU_SOURCE -g $(OPTIMIZE) $(WARN) -MMD -MP -I. -I$(BUILD) $(PKG_CFLAGS) \
          -ffp-contract=off -DMPP_VERSION='"$(VERSION)"'
LDLIBS += $(PKG_LIBS) -lm
VERSION := 0.1.0

LIB_SOURCES := $(filter-out planner/cli/main.c,$(wildcard planner/*/*.c sim/*.c))
TEST_SOURCES := $(wildcard tests/unit/test_*.c tests/property/test_*.c tests/oracle/test_*.c tests/accuracy/test_*.c)
TEST_SUPPORT := $(wildcard tests/support/*.c)
BENCH_SOURCES := $(wildcard tests/bench/bench_*.c)
DATA := $(wildcard models/*.json hwprofiles/devices/*.json hwprofiles/clusters/*.json hwprofiles/runtimes/*.json)

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB := $(BUILD)/libmpplan.a
TESTS := $(patsubst %.c,$(BUILD)/%,$(TEST_SOURCES))

.PHONY: all
## all: build the program (the default)
all: $(if $(HAVE),,packages) $(BUILD)/mpplan

$(BUILD)/mpplan: $(call objects,planner/cli/main.c) $(LIB) $(BUILD)/zoo.o
	$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(LIB): $(call objects,$(LIB_SOURCES))
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

# --- models and profiles compiled in ----------------------------------------------------------
$(BUILD)/zoo.gresource.xml: $(DATA) Makefile
	@mkdir -p $(@D)
	@{ echo '<gresources><gresource prefix="/mpplan">'; \
	   for file in $(sort $(DATA)); do echo "<file>$$file</file>"; done; \
	   echo '</gresource></gresources>'; } > $@

$(BUILD)/zoo.c: $(BUILD)/zoo.gresource.xml
	glib-compile-resources --generate-source --sourcedir=. --target=$@ $<

$(BUILD)/zoo.o: $(BUILD)/zoo.c
	$(CC) $(CFLAGS) -c $< -o $@

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# --- tests ------------------------------------------------------------------------------------
$(TESTS): $(BUILD)/%: $(BUILD)/%.o $(call objects,$(TEST_SUPPORT)) $(LIB) $(BUILD)/zoo.o
	$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

.PHONY: tests
## tests: build the test programs
tests: $(TESTS)
