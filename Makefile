# Builds, tests and installs the `anthropic` module. `make help` lists the targets; mk/ has those that
# go further than every day's.

LUA ?= lua5.4
LUAS := lua5.1 lua5.3 lua5.4 luajit
PREFIX ?= /usr/local
CC ?= cc
CFLAGS ?= -O2 -g
CURL_CFLAGS ?= $(shell curl-config --cflags 2>/dev/null)
CURL_LIBS ?= $(shell curl-config --libs 2>/dev/null || echo -lcurl)

# lua5.4 -> 5.4; LuaJIT loads modules made for 5.1
LUA_ABI := $(if $(findstring jit,$(LUA)),5.1,$(patsubst lua%,%,$(LUA)))
# Looked for once, and only by a run that compiles.
find_headers = $(eval LUA_INCDIR := $(or $(shell CC="$(CC)" tools/headers $(LUA)),$(error no headers)))$(LUA_INCDIR)
LUA_INCDIR ?= $(find_headers)

BUILD := build/$(LUA)
TEST_BUILD := build/test/$(LUA)
# Of src/port/ the files of one system: PORT=windows takes those of the other.
PORT ?= posix
ALL_SOURCES := $(wildcard src/*/*.c)
SOURCES := $(filter-out src/port/%_$(if $(filter posix,$(PORT)),windows,posix).c,$(ALL_SOURCES))
HEADERS := $(wildcard src/*/*.h)
MODULES := $(sort $(patsubst lua/%,%,$(wildcard $(addsuffix .lua,lua/anthropic/* lua/anthropic/*/* lua/anthropic/*/*/*))))
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/%.o)
CORE := $(BUILD)/anthropic/core.so
VERSION := $(shell sed 's/.*"\(.*\)".*/\1/' lua/anthropic/version.lua)
WARNINGS := -Wall -Wextra -Wpedantic $(if $(CI),-Werror)
STANDARD ?= c99
COMPILE = $(CC) -std=$(STANDARD) $(WARNINGS) -Isrc -I$(LUA_INCDIR) $(CURL_CFLAGS) $(POLLER:%=-DPOLLER_%)
SHARED := $(if $(filter Darwin,$(shell uname -s)),-bundle -undefined dynamic_lookup,-shared)

# Debian's packages
BUILD_PACKAGES := gcc libc6-dev libcurl4-openssl-dev ca-certificates \
  $(if $(findstring jit,$(LUA)),luajit2 libluajit2-5.1-dev,$(LUA) \
  lib$(LUA)$(if $(filter lua5.1,$(LUA)),-0)-dev) lua-cjson
DEMO_PACKAGES := lua-socket
TEST_PACKAGES := lua-busted lua-sec lua-luv lua-cqueues lua-copas nghttp2-server openssl procps \
  lua-check luajit2 luarocks nginx tinyproxy-bin microsocks clang-format cppcheck
CHECK_PACKAGES := valgrind clang-tidy neovim libnginx-mod-http-lua redis-server lua-nginx-redis chromium love \
  minetest-server xvfb xauth haproxy prosody mpv liblua5.2-dev \
  lua5.1 liblua5.1-0-dev lua5.3 liblua5.3-dev lua5.4 liblua5.4-dev libluajit2-5.1-dev

all: $(CORE) ## build for one Lua into build/<lua>/ (another: make LUA=luajit)

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(LDFLAGS) -o $@ $(OBJECTS) $(CURL_LIBS)

# where Neovim finds the C module of a plugin: beside its Lua files
ifneq ($(findstring jit,$(LUA)),)
all: lua/anthropic/core.so

lua/anthropic/core.so: $(CORE)
	ln -sf ../../$(CORE) $@
endif

define COMPILE_OBJECT
@mkdir -p $(@D)
$(COMPILE) -fPIC $(CFLAGS) -c -o $@ $<
endef

$(BUILD)/%.o: src/%.c $(HEADERS)
	$(COMPILE_OBJECT)

$(TEST_BUILD)/%.o: src/%.c $(HEADERS)
	$(COMPILE_OBJECT)

demo: ## install what is missing, build, and stream the example request into the terminal
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES)
	@$(MAKE) -s all
	@eval "$$($(MAKE) -s env)" && $(LUA) examples/demo.lua

demo-picture: all ## draw doc/demo.svg, the demo in a terminal, anew
	@eval "$$($(MAKE) -s env)" && env -u ANTHROPIC_API_KEY -u ANTHROPIC_AUTH_TOKEN -u ANTHROPIC_BASE_URL \
	  -u ANTHROPIC_MODEL -u NO_COLOR TERM=xterm $(LUA) tools/demo_picture.lua >doc/demo.svg

test: ## every day: install what is missing, build, lint, run the specs on one Lua (SLOW=1: name the slowest)
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES)
	@tools/test $(LUA)

check: ## before a change goes out: the same, then every Lua, sanitizers, valgrind, hosts, fuzz seeds, counts
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES) $(CHECK_PACKAGES)
	@tools/check $(LUA)

LINTS := lint-lua lint-specs lint-c lint-words
lint: $(LINTS) ## check the sources: luacheck, layers, own specs, links, models and names in the docs, clang-format, cppcheck

# What has not changed is not checked again.
LUACHECK := tools/luacheck --cache build/luacheck --no-color -q

lint-lua:
	@mkdir -p build
	$(LUACHECK) lua examples tools bench $(wildcard *.rockspec rockspec/*.rockspec)

lint-specs:
	@mkdir -p build
	$(LUACHECK) spec

lint-c:
	clang-format --dry-run -Werror $(ALL_SOURCES) $(HEADERS) $(wildcard spec/support/*.[ch] spec/fuzz/*.[ch] bench/*.[ch] bench/peers/*.c)
	cppcheck -q --std=c99 --enable=warning,performance,portability --inline-suppr \
	  --error-exitcode=1 -DLUA_VERSION_NUM=504 -D__linux__ -Isrc src

lint-words:
	lua5.4 tools/layers.lua
	lua5.4 tools/own_specs.lua
	lua5.4 tools/loops.lua
	lua5.4 tools/links.lua
	lua5.4 tools/changelog.lua
	lua5.4 tools/models.lua
	lua5.4 tools/documented.lua
	lua5.4 tools/interface.lua

env: ## print the exports that make the built tree loadable: eval "$$(make -s env)"
	@echo 'export LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$${LUA_PATH:-;;}"'
	@echo 'export LUA_CPATH="$(CURDIR)/$(BUILD)/?.so;$${LUA_CPATH:-;;}"'

install: all ## install under PREFIX (default /usr/local), for LUA (COMPILED=1: for that Lua alone, quicker to load)
	@for directory in $(sort $(dir $(MODULES))); do \
	  target="$(DESTDIR)$(PREFIX)/share/lua/$(LUA_ABI)/$$directory"; \
	  mkdir -p "$$target" && cp lua/$$directory*.lua "$$target" && chmod 644 "$$target"*.lua || exit 1; \
	done
	@[ -z "$(COMPILED)" ] || $(LUA) tools/compile.lua "$(DESTDIR)" "$(PREFIX)/share/lua/$(LUA_ABI)" $(MODULES)
	@target="$(DESTDIR)$(PREFIX)/lib/lua/$(LUA_ABI)/anthropic"; \
	  mkdir -p "$$target" && cp $(CORE) "$$target/core.so" && chmod 755 "$$target/core.so"
	@target="$(DESTDIR)$(PREFIX)/share/lua/$(LUA_ABI)/anthropic/types"; \
	  mkdir -p "$$target" && cp types/*.lua "$$target" && chmod 644 "$$target"/*.lua

reliability: all ## try every fault, and write the table of doc/explanation/reliability.md anew
	@eval "$$($(MAKE) -s env)" && LUA_PATH="./?.lua;$$LUA_PATH" $(LUA) tools/reliability.lua

limits: all ## measure what hostile answers cost, and write the table of doc/explanation/limits.md anew
	@eval "$$($(MAKE) -s env)" && LUA_PATH="./?.lua;$$LUA_PATH" $(LUA) tools/limits.lua

attacks: all ## play every attack, and write the table of doc/explanation/reliability.md anew
	@eval "$$($(MAKE) -s env)" && LUA_PATH="./?.lua;$$LUA_PATH" $(LUA) tools/attacks.lua

doc: types ## write doc/reference/ and Neovim's help anew, after a public function, an annotation or a page changed
	lua5.4 tools/reference.lua
	lua5.4 tools/vimdoc.lua

models: ## write the docs' model into them, after another one got it in tools/models.tsv
	lua5.4 tools/models.lua write
	@$(MAKE) -s doc

check-release: ## before a release: none of the models that the docs name ends within half a year
	lua5.4 tools/models.lua release

release: ## check everything, and tag a version: make release VERSION=0.2.0
	@tools/release $(VERSION)

interface: ## write the interface of the two halves anew, after a header of src/ or types/core.lua changed
	lua5.4 tools/interface.lua write

types: ## write the editors' types anew, after tools/types.tsv or a method changed
	lua5.4 tools/types.lua > types/anthropic.lua

rockspecs: ## write the rockspecs anew, after a source file was added, renamed or removed
	$(LUA) tools/rockspec.lua scm >anthropic-scm-1.rockspec
	$(LUA) tools/rockspec.lua $(VERSION) >rockspec/anthropic-$(VERSION)-1.rockspec

clean: ## remove what was built
	rm -rf build lua/anthropic/core.so

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | sed 's/\$$\$$/$$/g' | expand -t 16

include mk/specs.mk mk/sanitize.mk mk/bench.mk mk/fuzz.mk mk/coverage.mk mk/platforms.mk mk/dist.mk mk/windows.mk

.PHONY: $(LINTS) $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(MAKEFILE_LIST))
