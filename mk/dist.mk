# Archives for machines without a compiler.

DIST_PACKAGES := binutils python3-pip liblua5.1-0-dev liblua5.4-dev libluajit2-5.1-dev libcurl4-openssl-dev cmake \
  gcc-mingw-w64-x86-64-win32

dist: ## make the archives that need no compiler, and SHA256SUMS, in build/dist: DIST="linux-x86_64 ..."
	@tools/setup $(BUILD_PACKAGES) $(DIST_PACKAGES)
	@tools/dist $(DIST)

test-dist: ## try the archives of build/dist on Debian 12 and 13 without a compiler, and on ARM, by hand (as root)
	@tools/setup qemu-user-static
	@[ -e build/dist/SHA256SUMS ] || $(MAKE) -s dist
	@tools/test-dist $(DIST_PLATFORMS)
