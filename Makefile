# Builds, tests and installs the `anthropic` module. `make help` lists the targets.

LUA ?= lua5.4
PREFIX ?= /usr/local
CC ?= cc
CFLAGS ?= -O2 -g
VERSION := $(shell sed -n 's/.*version = "\(.*\)".*/\1/p' lua/anthropic/version.lua 2>/dev/null)

# lua5.4 -> 5.4; luajit loads modules made for 5.1
LUA_ABI := $(if $(findstring jit,$(LUA)),5.1,$(patsubst lua%,%,$(LUA)))
LUA_INCDIR ?= $(firstword $(patsubst %/lua.h,%,$(wildcard \
  $(addsuffix /lua.h,/usr/include/$(LUA) /usr/local/include/$(LUA) /usr/include/luajit-2.1 \
  /usr/local/include/luajit-2.1 /opt/homebrew/include/luajit-2.1 /opt/homebrew/include/lua \
  /usr/local/include /usr/include))))
CURL_CFLAGS ?= $(shell curl-config --cflags 2>/dev/null)
CURL_LIBS ?= $(shell curl-config --libs 2>/dev/null || echo -lcurl)
SHARED := $(if $(filter Darwin,$(shell uname -s)),-bundle -undefined dynamic_lookup,-shared)

BUILD := build/$(LUA)
SOURCES := $(wildcard src/*.c)
HEADERS := $(wildcard src/*.h)
MODULES := $(wildcard lua/anthropic/*.lua lua/anthropic/*/*.lua)
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/%.o)
CORE := $(BUILD)/anthropic/core.so
WARNINGS := -Wall -Wextra -Wpedantic $(if $(CI),-Werror)

.DEFAULT_GOAL := all

all: $(CORE) ## build for one Lua into build/<lua>/ (make LUA=luajit for another)

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(LDFLAGS) -o $@ $(OBJECTS) $(CURL_LIBS)

$(BUILD)/%.o: src/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) -std=c99 $(WARNINGS) -fPIC $(CFLAGS) -I$(LUA_INCDIR) $(CURL_CFLAGS) -c -o $@ $<

env: ## print the exports that make the built tree loadable: eval "$$(make -s env)"
	@echo 'export LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;"'
	@echo 'export LUA_CPATH="$(CURDIR)/$(BUILD)/?.so;;"'

.PHONY: all env
