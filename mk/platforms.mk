check-platforms: ## run the specs on other systems, and the archives, by hand (as root): PLATFORMS="sid-lua5.4 ..."
	@code=0; $(if $(PLATFORMS),,$(MAKE) -s test-dist || code=1;) tools/platforms $(PLATFORMS) || code=1; exit $$code
