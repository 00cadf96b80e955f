# make           builds bin/firstlight and bin/firstlightctl
# make demo      boots a VM and provisions it before your eyes
# make test      passes all tests, real boots included
# make install   DESTDIR= PREFIX=/usr

PREFIX  ?= /usr
DESTDIR ?=
GO      ?= go
BIN     ?= bin
# Time for each fuzz target, and rounds of the boot tests in a soak.
FUZZTIME ?= 30s
ROUNDS   ?= 5

VERSION := $(shell tools/version)
# When the source was committed: no certificate is judged by an earlier time.
BUILT   := $(shell git log -1 --format=%cI 2>/dev/null)
export CGO_ENABLED = 0
# Where Debian keeps sgdisk and mkfs, which is not in everyone's PATH.
export PATH := $(PATH):/usr/sbin:/sbin
# The agent is small: without HTTP/2, which no metadata service needs, and
# without inlining but in the reader of documents: there it saves a large config time
# and costs 4 kB, in package config it would cost 33 kB for 6 % of the parsing.
HOT   := internal/doc
SMALL := -tags nethttpomithttp2$(TAGS:%=,%) -gcflags=all=-l $(HOT:%=-gcflags=github.com/firstlight-os/firstlight/%=)
BUILD := $(GO) build -trimpath -buildvcs=false \
	-ldflags "-s -w -buildid= -X github.com/firstlight-os/firstlight/internal/system.Version=$(VERSION) \
	-X github.com/firstlight-os/firstlight/internal/fetch.buildTime=$(BUILT)"
# Everything but the boots, which need root, QEMU and minutes.
UNITS = $(shell $(GO) list ./... | grep -v /tests/)

.PHONY: build demo test test-unit test-boot prepare lint bench fuzz soak install clean

build:
	$(BUILD) $(SMALL) -o $(BIN)/firstlight ./cmd/firstlight
	$(BUILD) -o $(BIN)/firstlightctl ./cmd/firstlightctl

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

fuzz:
	tests/fuzz $(FUZZTIME)

soak: build prepare
	$(GO) test -count=$(ROUNDS) -timeout 10h ./tests/...
	$(GO) test -count=1 -timeout 10h ./tests/storage -run Killed -storage.every=1 -storage.kills=50
	$(GO) test -count=1 -timeout 10h ./tests/crash -crash.cuts=100 -crash.boundaries
	REDTEAM_ALL=1 $(GO) test -count=1 -timeout 10h ./tests/redteam
	$(GO) test -count=1 -timeout 10h ./tests/powercut -cuts='op(1): [finished],op(5): [started],op(6): [finished],op(9): [started]'

MODULE = $(DESTDIR)$(PREFIX)/lib/dracut/modules.d/30ignition
install: build
	install -d $(MODULE) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec
	install -m 0644 dracut/30ignition/* $(MODULE)
	chmod 0755 $(MODULE)/*.sh $(MODULE)/ignition-generator
	install -m 0755 $(BIN)/firstlight $(MODULE)/ignition
	ln -sf ../lib/dracut/modules.d/30ignition/ignition $(DESTDIR)$(PREFIX)/libexec/ignition-rmcfg
	ln -sf ../lib/dracut/modules.d/30ignition/ignition $(DESTDIR)$(PREFIX)/libexec/ignition-apply
	install -m 0755 $(BIN)/firstlightctl $(DESTDIR)$(PREFIX)/bin/firstlightctl
	ln -sf firstlightctl $(DESTDIR)$(PREFIX)/bin/ignition-validate
	ln -sf firstlightctl $(DESTDIR)$(PREFIX)/bin/butane
	install -D -m 0644 systemd/ignition-delete-config.service $(DESTDIR)$(PREFIX)/lib/systemd/system/ignition-delete-config.service
	install -D -m 0644 grub/05_ignition.cfg $(DESTDIR)$(PREFIX)/lib/bootupd/grub2-static/configs.d/05_ignition.cfg

clean:
	rm -rf bin
