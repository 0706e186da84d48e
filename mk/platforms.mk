check-platforms: ## run the specs on other systems, and the archives, by hand (as root; needs debootstrap): PLATFORMS="sid-lua5.4 ..."
	@$(if $(PLATFORMS),,$(MAKE) -s test-dist;) tools/platforms $(PLATFORMS)
