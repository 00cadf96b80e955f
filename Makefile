# make           builds bin/firstlight and bin/firstlightctl
# make demo      boots a VM and provisions it before your eyes
# make test      passes all tests, real boots included
# make install   DESTDIR= PREFIX=/usr
# make size      who costs what in the agent; size-initramfs: in a whole initramfs
# make web       dist/web, the page that checks configs in a browser; needs node and npm
# make overlay   bin/firstlight-overlay-ARCH.cpio, which switches the agent of an initramfs
#
# For packagers: docs/development.md, "Packages".

PREFIX  ?= /usr
DESTDIR ?=
GO      ?= go
BIN     ?= bin
# Time for each fuzz target, and rounds of the boot tests in a soak.
FUZZTIME ?= 30s
ROUNDS   ?= 5

VERSION ?= $(shell tools/version)
# When the source was committed: no certificate is judged by an earlier time.
BUILT   ?= $(shell tools/version date)
# Of the packager: go itself reads GOFLAGS (-buildmode=pie), but for the flags of its
# linker, which are put together here; LDFLAGS are for a C linker, where go uses one.
# STRIP= keeps symbols, debug information and build IDs.
STRIP      ?= -s -w -buildid=
LDFLAGS    ?=
GO_LDFLAGS ?= $(patsubst -ldflags=%,%,$(filter -ldflags=%,$(GOFLAGS)))
export CGO_ENABLED = 0
# Where Debian keeps sgdisk and mkfs, which is not in everyone's PATH.
export PATH := $(PATH):/usr/sbin:/sbin
# The agent is small: without inlining but in the reader of documents: there it saves a
# large config time and costs 4 kB, in package config it would cost 33 kB for 6 % of the parsing.
HOT   := internal/doc
# Slices of a length that is known only when it runs are all on the heap: what tries the
# stack first, for up to 32 bytes, costs 17 kB in zstd -19.
SMALL := $(TAGS:%=-tags %) -gcflags='all=-l -d=variablemakethreshold=0' $(HOT:%=-gcflags=github.com/firstlight-os/firstlight/%=)
# Functions begin at multiples of 16 bytes instead of 32: 110 kB.
ALIGN := -funcalign=16
BUILD = $(GO) build -trimpath -buildvcs=false \
	-ldflags '$(STRIP) $(ALIGN) -X github.com/firstlight-os/firstlight/internal/system.Version=$(VERSION) \
	-X github.com/firstlight-os/firstlight/internal/fetch.buildTime=$(BUILT) \
	$(if $(LDFLAGS),-extldflags "$(LDFLAGS)") $(GO_LDFLAGS)'
# What the programs are made of, for "make install": it builds what is older only.
SOURCES := $(shell find go.mod VERSION cmd config files internal metadata providers stages storage ! -name '*_test.go' ! -path '*/testdata/*' -type f)
# Manual pages and completions, by "go run". SHARE= installs none.
SHARE ?= $(BIN)/share
# Everything but the boots, which need root, QEMU and minutes.
UNITS = $(shell $(GO) list ./... | grep -v /tests/)

.PHONY: all build web overlay butane ignition-validate demo test test-unit test-boot prepare lint bench bench-check size size-initramfs fuzz soak clean
.PHONY: dist man install install-firstlight install-firstlightctl install-web install-butane install-afterburn install-grub-for-bootupd

all: build

build:
	$(BUILD) $(SMALL) -o $(BIN)/firstlight ./cmd/firstlight
	$(BUILD) -o $(BIN)/firstlightctl ./cmd/firstlightctl

# One page that loads nothing else. Only its packages come from a registry.
WEB ?= dist/web
web: web/node_modules
	GOOS=js GOARCH=wasm $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -buildid=' -o $(BIN)/page.wasm ./web/wasm
	node web/build.mjs $(WEB) $(BIN)/page.wasm $$($(GO) env GOROOT)/lib/wasm/wasm_exec.js

web/node_modules: web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

# firstlightctl is these programs by their names.
butane ignition-validate:
	$(BUILD) -o $(BIN)/$@ ./cmd/firstlightctl

# The tool runs here, whatever the agent is built for.
overlay: build
	GOOS= GOARCH= $(GO) run ./cmd/firstlightctl overlay write $(BIN)/firstlight-overlay-$$($(GO) env GOARCH).cpio $(BIN)/firstlight

demo: build
	tests/prepare machines
	$(GO) run ./tests/demo

# Both at once: the boots wait now and then, the unit tests never do. What they
# print is not mixed.
test:
	$(MAKE) -j2 --output-sync=target test-unit test-boot

test-unit: build prepare
	$(GO) vet ./...
	CGO_ENABLED=1 $(GO) test -race -timeout 60m $(UNITS)

test-boot: build prepare
	$(GO) test -count=1 -timeout 80m ./tests/...

prepare:
	tests/prepare

lint: build
	tests/lint

bench:
	$(GO) test -run '^$$' -bench . -benchmem $(UNITS)
	$(GO) run ./tests/bench
	tests/prepare machines
	$(GO) run ./tests/bootcost

# Counts programs, requests and system calls of a first boot below a directory, and disk
# flushes and bytes of one in a machine. A rise is a failure.
bench-check:
	$(GO) run ./tests/counters
	tests/prepare machines
	$(GO) run ./tests/bootcost -check

# Who costs what in the agent, by package. SIZE=-json for all of them.
size: build
	$(GO) run ./tests/size $(SIZE) $(BIN)/firstlight $(SMALL)

# What a distribution pays for an agent in its initramfs: builds and compresses five, for
# minutes.
size-initramfs: build prepare
	$(GO) run ./tests/size -images

fuzz:
	tests/fuzz $(FUZZTIME)

soak: build prepare
	$(GO) test -count=$(ROUNDS) -timeout 10h ./tests/...
	$(GO) test -count=1 -timeout 10h ./tests/files -run KilledAtAny -files.kills=0 -files.twice=200
	$(GO) test -count=1 -timeout 10h ./tests/files -run KilledWithAny -files.kills=20 -files.twice=10 -files.configs=100
	$(GO) test -count=1 -timeout 10h ./tests/files -run ThePlanIs -files.plans=500
	$(GO) test -count=1 -timeout 10h ./tests/storage -run Killed -storage.every=1 -storage.kills=50
	$(GO) test -count=1 -timeout 10h ./tests/crash -crash.cuts=100 -crash.lab=400 -crash.boundaries
	$(GO) test -count=1 -timeout 10h ./tests/reset -reset.cuts=50
	$(GO) test -tags soak -count=1 -timeout 10h ./tests/packages ./tests/systems
	$(GO) test -tags soak -count=1 -timeout 10h ./tests/dropin -run '(URoot|Mkosi)Provisions'
	$(GO) test -count=1 -timeout 10h ./storage -run TestRandomMachines -storage.machines=10000 -storage.orders=1000
	$(GO) test -tags soak -count=1 -timeout 10h ./tests/uefi -uefi.cuts=20
	$(GO) test -tags soak -count=1 -timeout 10h ./tests/examples -examples.all
	$(GO) test -tags soak -count=1 -timeout 10h ./tests/try
	$(GO) test -count=1 -timeout 10h ./tests/fleet -fleet.machines=10000
	$(GO) test -tags soak -count=1 -timeout 1h ./tests/fleet/namespaces
	tests/foreign
	tests/pictures
	REDTEAM_ALL=1 $(GO) test -count=1 -timeout 10h ./tests/redteam
	OPENAT2_ALL=1 $(GO) test -count=1 -timeout 10h ./tests/openat2
	FIRSTLIGHT_TEST_OPENAT2=ENOSYS $(GO) test -count=1 -timeout 10h ./tests/storage
	$(GO) test -count=1 -timeout 10h ./tests/powercut -cuts='op(1): [finished],op(4): [finished],op(6): [finished],op(8): [finished]'

$(BIN)/firstlight: $(SOURCES)
	$(BUILD) $(SMALL) -o $@ ./cmd/firstlight

$(BIN)/firstlightctl: $(SOURCES)
	$(BUILD) -o $@ ./cmd/firstlightctl

man: $(SHARE)
$(SHARE): $(SOURCES)
	rm -rf $@
	GOOS= GOARCH= $(GO) run -tags manpages ./cmd/firstlight $@ "$(VERSION)" "$(BUILT)"
	GOOS= GOARCH= $(GO) run -tags manpages ./cmd/firstlightctl $@ "$(VERSION)" "$(BUILT)"
share = $(if $(SHARE),cd $(SHARE)/$1 && find . -type f -exec install -D -m 0644 {} $(abspath $(DESTDIR)$(PREFIX)/share)/{} \;)

# The names of other packages, butane, ignition-validate and afterburn, are apart.
install: install-firstlight install-firstlightctl install-butane install-afterburn

MODULE = $(DESTDIR)$(PREFIX)/lib/dracut/modules.d/30ignition
install-firstlight: $(BIN)/firstlight $(SHARE) install-grub-for-bootupd
	install -d $(MODULE) $(DESTDIR)$(PREFIX)/libexec
	install -m 0644 dracut/30ignition/* $(MODULE)
	chmod 0755 $(MODULE)/*.sh $(MODULE)/ignition-generator
	install -m 0755 $(BIN)/firstlight $(MODULE)/ignition
	ln -sf ../lib/dracut/modules.d/30ignition/ignition $(DESTDIR)$(PREFIX)/libexec/ignition-rmcfg
	ln -sf ../lib/dracut/modules.d/30ignition/ignition $(DESTDIR)$(PREFIX)/libexec/ignition-apply
	ln -sf ../lib/dracut/modules.d/30ignition/ignition $(DESTDIR)$(PREFIX)/libexec/firstlight-firstboot
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 0644 systemd/* $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -d $(DESTDIR)$(PREFIX)/share/firstlight
	cp -r initramfs $(DESTDIR)$(PREFIX)/share/firstlight/
	$(call share,firstlight)

install-firstlightctl: $(BIN)/firstlightctl $(SHARE)
	install -D -m 0755 $(BIN)/firstlightctl $(DESTDIR)$(PREFIX)/bin/firstlightctl
	$(call share,firstlightctl)

# What "make web" has built, where "firstlightctl page" looks for it.
install-web:
	install -D -m 0644 $(WEB)/index.html $(DESTDIR)$(PREFIX)/share/firstlight/web/index.html

install-butane: $(SHARE)
	install -d $(DESTDIR)$(PREFIX)/bin
	ln -sf firstlightctl $(DESTDIR)$(PREFIX)/bin/ignition-validate
	ln -sf firstlightctl $(DESTDIR)$(PREFIX)/bin/butane
	$(call share,butane)

install-afterburn: $(SHARE)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/dracut/modules.d/30afterburn
	ln -sf ../lib/dracut/modules.d/30ignition/ignition $(DESTDIR)$(PREFIX)/bin/afterburn
	install -m 0644 afterburn/* $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 0644 dracut/30afterburn/* $(DESTDIR)$(PREFIX)/lib/dracut/modules.d/30afterburn
	chmod 0755 $(DESTDIR)$(PREFIX)/lib/dracut/modules.d/30afterburn/*.sh
	$(call share,afterburn)

install-grub-for-bootupd:
	install -D -m 0644 grub/05_ignition.cfg $(DESTDIR)$(PREFIX)/lib/bootupd/grub2-static/configs.d/05_ignition.cfg

# A release: DIST=dist ARCHES="amd64 arm64 ..."
dist:
	tools/dist

clean:
	rm -rf bin
