# mpplan. `make help` lists the targets.

MAKEFLAGS += --no-builtin-rules
CC = gcc
CXX = g++
VERSION := 0.1.0
SOVERSION := 0
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
PYTHONDIR ?= $(PREFIX)/lib/python3/dist-packages
BUILD := build$(if $(SAN),/san)

# --- what the machine has ---------------------------------------------------------------------
REQUIRED := glib-2.0 gio-2.0 gmodule-2.0 libcjson gsl libprotobuf-c libcgraph libgvc
PACKAGES := gcc libc6-dev pkg-config libglib2.0-dev libglib2.0-dev-bin libcjson-dev libgsl-dev libprotobuf-c-dev protobuf-c-compiler libgraphviz-dev
TEST_PACKAGES := g++ python3 iproute2 clang-format locales-all
CPU_PACKAGES := libopenmpi-dev openmpi-bin libopenblas-dev
have = $(shell pkg-config --exists $(1) 2>/dev/null && echo yes)
HAVE_REQUIRED := $(call have,$(REQUIRED))
LINKED := glib-2.0 gio-2.0 gmodule-2.0 libcjson gsl libprotobuf-c
HAVE_CPU := $(call have,ompi-c openblas)
# CUDA: an installed toolkit, or the one `make cuda` has fetched
CUDA_FETCHED := build/cuda-toolkit/nvidia/cu13
CUDA_HOME ?= $(patsubst %/bin/nvcc,%,$(realpath $(or $(shell command -v nvcc 2>/dev/null),$(wildcard $(CUDA_FETCHED)/bin/nvcc))))
CUDA_HEADERS := $(firstword $(wildcard $(addsuffix /include/cublasLt.h,$(CUDA_HOME) $(CUDA_FETCHED))))
HAVE_GPU := $(wildcard /dev/nvidiactl)
PKG_CFLAGS = $(shell pkg-config --cflags $(LINKED))
PKG_LIBS = $(shell pkg-config --libs $(LINKED))

# --- flags ------------------------------------------------------------------------------------
OPTIMIZE := $(if $(SAN),-O1 -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all,-O2)
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Wno-missing-field-initializers $(if $(DEVELOPER),-Werror)
# no contraction into fused multiply-adds: the same numbers on every machine; one set of objects for program and library
BASE := -std=c11 -D_GNU_SOURCE -g $(OPTIMIZE) $(WARN) -ffp-contract=off -fPIC -fvisibility=hidden -DMPP_VERSION='"$(VERSION)"'
FLAGS = $(BASE) -MMD -MP -I. -I$(BUILD) $(PKG_CFLAGS) $(CFLAGS)
LIBS = $(PKG_LIBS) -lm
# the worker on each rank does without GSL
WORKER_LIBS = $(shell pkg-config --libs $(filter-out gsl libprotobuf-c,$(LINKED))) -lm

# --- files ------------------------------------------------------------------------------------
LIB_SOURCES := $(filter-out planner/cli/main.c validate/worker/run_main.c,$(wildcard planner/*/*.c sim/*.c validate/*.c validate/net/*.c validate/worker/*.c))
CPU_SOURCES := $(wildcard validate/cpu/*.c)
CUDA_SOURCES := $(wildcard validate/cuda/*.c)
CUDA_KERNELS := $(wildcard validate/cuda/*.cu)
TEST_SOURCES := $(wildcard tests/unit/test_*.c tests/property/test_*.c tests/oracle/test_*.c tests/accuracy/test_*.c \
                             tests/validate/test_*.c)
BENCH_SOURCES := $(wildcard tests/bench/bench_*.c)
DATA := $(sort $(wildcard models/*.json hwprofiles/devices/*.json hwprofiles/clusters/*.json hwprofiles/runtimes/*.json planner/report/page/*) \
          hwprofiles/spreads.json hwprofiles/own-runs.json)

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB := $(BUILD)/libmpplan.a
SHARED := $(BUILD)/libmpplan.so
TESTS := $(patsubst %.c,$(BUILD)/%,$(TEST_SOURCES))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(BENCH_SOURCES))
CPU_BACKEND := $(BUILD)/mpplan-backend-cpu.so
CUDA_BACKEND := $(BUILD)/mpplan-backend-cuda.so
EMULATED := $(if $(SAN),,$(if $(CUDA_HEADERS),$(if $(HAVE_CPU),$(BUILD)/emulated/mpplan-backend-cuda.so)))
BACKENDS := $(if $(HAVE_CPU),$(CPU_BACKEND)) $(if $(HAVE_GPU),$(if $(CUDA_HOME),$(CUDA_BACKEND)))

.DEFAULT_GOAL := all
.PHONY: all cuda cuda-toolkit help doctor packages test-packages quickstart tests check check-fast check-all bench accuracy calibrate golden lint format lib man install uninstall deb clean
.SECONDARY:

## all: build the program at build/mpplan (the default); beside it mpplan-draw, mpplan-run and the backends that can be built
all: $(BUILD)/mpplan $(BUILD)/mpplan-draw $(BUILD)/mpplan-run $(BACKENDS)

$(BUILD)/mpplan: $(call objects,planner/cli/main.c) $(LIB) $(BUILD)/zoo.o
	$(CC) $(FLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

# a program of its own: the licences of Graphviz and GSL do not go together
DRAW_SOURCES := $(wildcard planner/graph/draw/*.c planner/base/*.c) planner/graph/partition_graph.c
DRAW_CFLAGS = $(shell pkg-config --cflags libcgraph libgvc)
DRAW_LIBS = $(shell pkg-config --libs libcgraph libgvc glib-2.0 gio-2.0 libcjson)

$(BUILD)/planner/graph/draw/%.o: PKG_CFLAGS += $(DRAW_CFLAGS)

$(BUILD)/mpplan-draw: $(call objects,$(DRAW_SOURCES))
	$(CC) $(FLAGS) $(LDFLAGS) $^ $(DRAW_LIBS) -lm -o $@

$(BUILD)/mpplan-run: $(call objects,validate/worker/run_main.c) $(LIB)
	$(CC) $(FLAGS) $(LDFLAGS) $^ $(WORKER_LIBS) -o $@

$(CPU_BACKEND): CFLAGS += $(if $(SAN),,-O3) $(shell pkg-config --cflags ompi-c openblas)
$(CPU_BACKEND): $(call objects,$(CPU_SOURCES))
	$(CC) $(FLAGS) $(LDFLAGS) -shared $^ $(shell pkg-config --libs ompi-c openblas) -lm -o $@

# --- the CUDA backend -------------------------------------------------------------------------
# for the GPU that is here, else for A100, H100 and B200
CUDA_ARCHS := $(foreach a,80 90 100,-gencode=arch=compute_$(a),code=sm_$(a))
CUDA_ARCH ?= $(if $(HAVE_GPU),-arch=native,$(CUDA_ARCHS))
NVCC = $(CUDA_HOME)/bin/nvcc
CUDA_WHEELS := $(patsubst %,nvidia-%==13.0.*,cuda-nvcc nvvm cuda-crt cuda-runtime cuda-cccl cublas) nvidia-nccl-cu13==2.28.*
CUDA_CFLAGS = -isystem $(CUDA_HOME)/include $(shell pkg-config --cflags ompi-c)
# wheels name libraries with their version only
CUDA_LIBS = $(foreach l,lib64 lib,-L$(CUDA_HOME)/$(l) -Wl,-rpath,$(CUDA_HOME)/$(l)) \
 $(if $(wildcard $(CUDA_HOME)/lib*/libcudart.so),-lcublasLt -lcudart -lnccl,-l:libcublasLt.so.13 -l:libcudart.so.13 -l:libnccl.so.2)

## cuda: build the CUDA backend; where no toolkit is installed, fetch one into build/ to compile with (pip, 0.7 GB)
cuda: all cuda-toolkit
	@$(MAKE) --no-print-directory -s -j2 $(CUDA_BACKEND)

cuda-toolkit:
	@test -n '$(CUDA_HOME)' || { pip install -q --no-deps --target build/cuda-toolkit $(CUDA_WHEELS) && \
	  ln -sf ../../nccl/include/nccl.h $(CUDA_FETCHED)/include && ln -sf ../../nccl/lib/libnccl.so.2 $(CUDA_FETCHED)/lib; }

$(CUDA_BACKEND): CFLAGS += $(CUDA_CFLAGS)
$(CUDA_BACKEND): $(call objects,$(CUDA_SOURCES)) $(CUDA_KERNELS:%.cu=$(BUILD)/%.o)
	$(CC) $(FLAGS) $(LDFLAGS) -shared -Wl,--no-undefined $^ $(CUDA_LIBS) $(shell pkg-config --libs glib-2.0 ompi-c) -lstdc++ -lm -o $@

$(BUILD)/%.o: %.cu $(BUILD)/flags
	@mkdir -p $(@D)
	$(NVCC) -std=c++17 -O3 --extended-lambda $(CUDA_ARCH) -Xcompiler -fPIC,-fvisibility=hidden -MMD -MP -I. -c $< -o $@

# the same sources with a stand-in for device, cuBLASLt and NCCL, for tests without a GPU
EMULATED_CFLAGS = -I. -isystem $(dir $(CUDA_HEADERS)) $(shell pkg-config --cflags glib-2.0 ompi-c) -O2 -g -fPIC -fvisibility=hidden -MMD -MP
EMULATED_SOURCES := $(wildcard tests/emulation/*.c tests/emulation/*.cc)

$(BUILD)/emulated/mpplan-backend-cuda.so: $(patsubst %,$(BUILD)/emulated/%.o,$(CUDA_SOURCES) $(CUDA_KERNELS) $(EMULATED_SOURCES))
	$(CXX) $(LDFLAGS) -shared -Wl,--no-undefined $^ $(shell pkg-config --libs glib-2.0 ompi-c) -o $@

$(BUILD)/emulated/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(EMULATED_CFLAGS) -c $< -o $@

$(BUILD)/emulated/%.o: %
	@mkdir -p $(@D)
	$(CXX) -x c++ -std=c++17 -Wall -Wextra -U_FORTIFY_SOURCE -include tests/emulation/emulated_device.h $(EMULATED_CFLAGS) -c $< -o $@

$(LIB): $(call objects,$(LIB_SOURCES)) $(BUILD)/sim/chakra.pb-c.o
	@rm -f $@
	@ar rcs $@ $^

## lib: build the shared library at build/libmpplan.so; its interface is planner/api/mpplan.h
lib: $(SHARED)

$(SHARED): $(call objects,planner/api/library.c) $(LIB) $(BUILD)/zoo.o
	@$(CC) $(FLAGS) $(LDFLAGS) -shared -Wl,-soname,libmpplan.so.$(SOVERSION) -Wl,--no-undefined $^ $(LIBS) -o $@

# on a machine without the packages, install them before the first compilation
MISSING := $(if $(HAVE_REQUIRED),,packages)

# other flags than last time: everything is compiled anew (written while make reads this)
$(shell mkdir -p $(BUILD); printf '%s\n' $(BASE) | cmp -s - $(BUILD)/flags || printf '%s\n' $(BASE) > $(BUILD)/flags)

$(BUILD)/%.o: %.c $(BUILD)/flags | $(MISSING)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -c $< -o $@

# --- models and profiles, compiled in ---------------------------------------------------------
$(BUILD)/zoo.gresource.xml: $(DATA) Makefile
	@mkdir -p $(@D)
	@{ echo '<gresources><gresource prefix="/mpplan">'; printf '<file>%s</file>\n' $(DATA); echo '</gresource></gresources>'; } > $@

$(BUILD)/zoo.c: $(BUILD)/zoo.gresource.xml | $(MISSING)
	glib-compile-resources --internal --generate-source --sourcedir=. --target=$@ $<

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
	@$(foreach p,ompi-c openblas,printf '%s %s\n' '$(if $(call have,$(p)),✓,✗)' '$(p) (for running plans on CPU ranks: $(CPU_PACKAGES))';)
	@printf '%s %s\n' '$(if $(CUDA_HOME),✓,✗)' 'CUDA toolkit with NCCL (for running plans on GPUs: make cuda)'

## packages: install the Debian packages that the program needs, if any is missing
packages:
	@for p in $(PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	 if [ -n "$$missing" ]; then echo "installing$$missing"; $(APT_GET) update -q && $(APT_GET) install -y -q $$missing; fi

## test-packages: install what the tests need besides
test-packages: packages
	@for p in $(TEST_PACKAGES) $(CPU_PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	 if [ -n "$$missing" ]; then echo "installing$$missing"; $(APT_GET) update -q && $(APT_GET) install -y -q $$missing; fi

## quickstart: install what is missing, build, and plan GPT-3 6.7B on 8 GPUs
quickstart: packages
	@echo 'building: two processor minutes'
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	$(BUILD)/mpplan --model gpt.json --gpus 8

# --- tests ------------------------------------------------------------------------------------
$(TESTS): $(BUILD)/%: $(BUILD)/%.o $(call objects,$(wildcard tests/support/*.c)) $(LIB) $(BUILD)/zoo.o
	@$(CC) $(FLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/tests/unit/test_cuda_host: $(call objects,validate/cuda/cuda_ledger.c validate/cuda/cuda_layout.c)

# beside SimGrid where that is installed (libsimgrid-dev)
ifeq ($(call have,simgrid),yes)
$(BUILD)/tests/oracle/test_simgrid_shares.o: CFLAGS += -DHAVE_SIMGRID $(shell pkg-config --cflags simgrid)
$(BUILD)/tests/oracle/test_simgrid_shares: LIBS += $(shell pkg-config --libs simgrid)
endif

# (the sanitizers' own symbols are in the program that loads a library)
tests: $(TESTS) $(BUILD)/mpplan $(BUILD)/mpplan-draw $(BUILD)/mpplan-run $(BACKENDS) $(EMULATED) $(if $(SAN),,$(SHARED))

## check: run all tests, then again under address and undefined-behaviour sanitizers
check: test-packages
	@$(MAKE) --no-print-directory -s -j2 all tests
	@$(MAKE) --no-print-directory -s -j2 SAN=address,undefined all tests
	@tests/run build build/san

## check-all: check; runs on 8 ranks and on emulated GPUs; the CUDA backend compiled; plans timed beside a profile measured here; what the targets of emit make of emitted plans (pip installs them, several GB, once); plans trained by PyTorch
check-all: check
	@tests/run --slow --only 'validate/* on *' build
	@$(MAKE) --no-print-directory -s cuda-toolkit
	@$(MAKE) --no-print-directory -s -j2 BUILD=build/cuda CUDA_ARCH='$(CUDA_ARCHS)' build/cuda/mpplan-backend-cuda.so
	@tests/validate/measured_plans.py $(BUILD)/mpplan $(BUILD)/measured_plans
	@tests/frameworks/run $(BUILD)/mpplan $(BUILD)/frameworks
	@tests/pytorch/run $(BUILD)/mpplan $(or $(MPPLAN_FRAMEWORKS_PYTHON),$(BUILD)/frameworks/venv/bin/python)

## check-fast: run the tests once, without sanitizers
check-fast:
	@$(MAKE) --no-print-directory -s -j2 all tests
	@tests/run build

## golden: rewrite the expected outputs of the command-line tests and the README's examples
golden: all
	tests/run --golden build

# measured runs: those of MPPLAN_RUNS_DIR, and our own collection
RUNS = $(MPPLAN_RUNS_DIR)/*.jsonl tests/accuracy/collected.jsonl

## calibrate: fit the profiles to all measured runs; rewrite them and the accuracy tables (40 minutes on two processors)
calibrate: all
	$(BUILD)/mpplan calibrate $(RUNS) --priors hwprofiles/priors.json --write hwprofiles \
	  --leave-one-out tests/accuracy/unseen.csv --residuals tests/accuracy/residuals.csv --spreads hwprofiles/spreads.json \
	  $(addprefix --blind ,$(sort $(wildcard tests/accuracy/blind/*.csv))) > $(BUILD)/calibrate.txt
	@$(MAKE) --no-print-directory accuracy

## accuracy: predict all measured runs; rewrite tests/accuracy/results.csv and the README's table, plot the errors
accuracy: all
	$(BUILD)/mpplan compare $(RUNS) --csv tests/accuracy/results.csv -o $(BUILD)/accuracy.json \
	  --html $(BUILD)/accuracy.html --unseen tests/accuracy/unseen.csv
	python3 tests/accuracy/readme_table.py $(BUILD)/accuracy.json tests/accuracy/unseen.csv README.md

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
	clang-format -i $(shell git ls-files '*.c' '*.h' '*.cc' '*.cu' '*.cuh')

# --- what is installed ------------------------------------------------------------------------
SHARE := $(PREFIX)/share
COMPLETIONS := $(BUILD)/completions/bash $(BUILD)/completions/zsh $(BUILD)/completions/fish

## man: write the manual page at build/mpplan.1
man: $(BUILD)/mpplan.1

$(BUILD)/mpplan.1: $(BUILD)/mpplan
	@$< help --man > $@

$(COMPLETIONS): $(BUILD)/completions/%: $(BUILD)/mpplan
	@mkdir -p $(@D)
	@$< help --completion $* > $@

PKG_CONFIG_LINES := 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' 'Name: mpplan' \
 'Description: how to split the training of a neural net over many devices' 'Version: $(VERSION)' 'Libs: -L$${libdir} -lmpplan' \
 'Cflags: -I$${includedir}'

## install: copy programs, library, header, Python module, manual page and completions below DESTDIR/PREFIX
install: all lib man $(COMPLETIONS)
	install -D -m 755 $(BUILD)/mpplan $(DESTDIR)$(PREFIX)/bin/mpplan
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/libexec/mpplan $(BUILD)/mpplan-draw $(BUILD)/mpplan-run $(BACKENDS)
	install -D -m 644 $(SHARED) $(DESTDIR)$(LIBDIR)/libmpplan.so.$(VERSION)
	ln -sf libmpplan.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libmpplan.so.$(SOVERSION)
	ln -sf libmpplan.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libmpplan.so
	install -D -m 644 planner/api/mpplan.h $(DESTDIR)$(PREFIX)/include/mpplan.h
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	printf '%s\n' $(PKG_CONFIG_LINES) > $(DESTDIR)$(LIBDIR)/pkgconfig/mpplan.pc
	install -D -m 644 $(BUILD)/mpplan.1 $(DESTDIR)$(SHARE)/man/man1/mpplan.1
	install -D -m 644 $(BUILD)/completions/bash $(DESTDIR)$(SHARE)/bash-completion/completions/mpplan
	install -D -m 644 $(BUILD)/completions/zsh $(DESTDIR)$(SHARE)/zsh/site-functions/_mpplan
	install -D -m 644 $(BUILD)/completions/fish $(DESTDIR)$(SHARE)/fish/vendor_completions.d/mpplan.fish
	install -D -m 644 -t $(DESTDIR)$(PYTHONDIR)/mpplan planner/python/mpplan/*.py

## uninstall: remove what install put there
uninstall:
	rm -f $(addprefix $(DESTDIR),$(PREFIX)/bin/mpplan $(addprefix $(PREFIX)/libexec/mpplan/,mpplan-draw mpplan-run mpplan-backend-cpu.so mpplan-backend-cuda.so) $(PYTHONDIR)/mpplan/__init__.py $(LIBDIR)/libmpplan.so.$(VERSION) $(LIBDIR)/libmpplan.so.$(SOVERSION) \
	 $(LIBDIR)/libmpplan.so $(PREFIX)/include/mpplan.h $(LIBDIR)/pkgconfig/mpplan.pc $(SHARE)/man/man1/mpplan.1 \
	 $(SHARE)/bash-completion/completions/mpplan $(SHARE)/zsh/site-functions/_mpplan $(SHARE)/fish/vendor_completions.d/mpplan.fish)

## deb: make a Debian package in build/
deb: export SOURCE_DATE_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null))
deb: all
	@rm -rf $(BUILD)/deb
	@$(MAKE) --no-print-directory -s install DESTDIR=$(BUILD)/deb PREFIX=/usr LIBDIR=/usr/lib/$$($(CC) -print-multiarch)
	@.packaging/deb $(VERSION) $(BUILD)/deb $(BUILD)/mpplan_$(VERSION)_$$(dpkg --print-architecture).deb

## clean: remove what was built
clean:
	rm -rf build

## help: list the targets
help:
	@sed -n 's/^## \([a-z-]*\): /  make \1\t/p' Makefile | expand -t 24

-include $(shell find $(BUILD) \( -path $(BUILD)/deb -o -path $(BUILD)/frameworks -o -path $(BUILD)/cuda-toolkit \) -prune -o -name '*.d' -type f -print 2>/dev/null)
