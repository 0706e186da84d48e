check-platforms: ## run the specs on other systems, by hand (as root; needs debootstrap): PLATFORMS="sid-lua5.4 ..."
	@tools/platforms $(PLATFORMS)
