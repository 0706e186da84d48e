--- Every method of the API as data: a row for each, under its resource.
--
-- A row is words: the HTTP method and the path, whose {names} are the path parameters, then
--
--     pages=id|cursor           a list, and how its pages follow each other (see pages.lua)
--     headers=a,b               parameters that are sent as headers
--     query=a,b                 parameters of a POST that are sent in the query
--     beta=name                 the beta that the method needs; a resource's `beta`: all its methods
--     retry=safe                its result is billed or kept: not repeated if the server may have acted
--     multipart, binary, stream the request's body, the response's body, or an event stream
--     returns=Name              the type of the result, or of a list's items: a name of tools/types.tsv. The reference
--                               and the editors' types are made from it; nothing is checked against it
--
-- A `multipart` method takes files as multipart.lua says; a `binary` one returns a string, or with the
-- parameter `path` writes that file and returns { path, bytes, response }.
--
-- The other parameters of a method go into the query of a GET or DELETE, and into the body
-- of a POST.
--
-- Every row of a resource holds under `beta.` too: only what differs there, or exists only there, has its own row.

local resources = {
  ["beta.agents"] = {
    beta = "managed-agents-2026-04-01",
    create = "POST v1/agents headers=workspace_id retry=safe",
    retrieve = "GET v1/agents/{agent_id} headers=workspace_id",
    update = "POST v1/agents/{agent_id} headers=workspace_id",
    list = "GET v1/agents pages=cursor headers=workspace_id",
    archive = "POST v1/agents/{agent_id}/archive headers=workspace_id",
  },
  ["beta.agents.versions"] = {
    beta = "managed-agents-2026-04-01",
    list = "GET v1/agents/{agent_id}/versions pages=cursor headers=workspace_id",
  },
  ["beta.compliance.review.cases"] = {
    retrieve = "GET v1/compliance/review/cases/{case_id}",
    list = "GET v1/compliance/review/cases pages=cursor",
    respond = "POST v1/compliance/review/cases/{case_id}/respond",
  },
  ["beta.compliance.review.items"] = {
    retrieve = "GET v1/compliance/review/items/{item_id} headers=user_profile_id",
  },
  ["beta.compliance.review.notices"] = {
    list = "GET v1/compliance/review/notices pages=cursor",
  },
  ["beta.deployment_runs"] = {
    beta = "managed-agents-2026-04-01",
    retrieve = "GET v1/deployment_runs/{deployment_run_id} headers=workspace_id",
    list = "GET v1/deployment_runs pages=cursor headers=workspace_id",
  },
  ["beta.deployments"] = {
    beta = "managed-agents-2026-04-01",
    create = "POST v1/deployments headers=workspace_id retry=safe",
    retrieve = "GET v1/deployments/{deployment_id} headers=workspace_id",
    update = "POST v1/deployments/{deployment_id} headers=workspace_id",
    list = "GET v1/deployments pages=cursor headers=workspace_id",
    archive = "POST v1/deployments/{deployment_id}/archive headers=workspace_id",
    pause = "POST v1/deployments/{deployment_id}/pause headers=workspace_id",
    run = "POST v1/deployments/{deployment_id}/run headers=workspace_id",
    unpause = "POST v1/deployments/{deployment_id}/unpause headers=workspace_id",
  },
  ["beta.dreams"] = {
    beta = "dreaming-2026-04-21",
    create = "POST v1/dreams headers=workspace_id",
    retrieve = "GET v1/dreams/{dream_id} headers=workspace_id",
    list = "GET v1/dreams pages=cursor headers=workspace_id",
    archive = "POST v1/dreams/{dream_id}/archive headers=workspace_id",
    cancel = "POST v1/dreams/{dream_id}/cancel headers=workspace_id",
  },
  ["beta.environments"] = {
    beta = "managed-agents-2026-04-01",
    create = "POST v1/environments headers=workspace_id retry=safe",
    retrieve = "GET v1/environments/{environment_id} headers=workspace_id",
    update = "POST v1/environments/{environment_id} headers=workspace_id",
    list = "GET v1/environments pages=cursor headers=workspace_id",
    delete = "DELETE v1/environments/{environment_id} headers=workspace_id",
    archive = "POST v1/environments/{environment_id}/archive headers=workspace_id",
  },
  ["beta.environments.work"] = {
    beta = "managed-agents-2026-04-01",
    retrieve = "GET v1/environments/{environment_id}/work/{work_id} headers=workspace_id",
    update = "POST v1/environments/{environment_id}/work/{work_id} headers=workspace_id",
    list = "GET v1/environments/{environment_id}/work pages=cursor",
    ack = "POST v1/environments/{environment_id}/work/{work_id}/ack",
    heartbeat = "POST v1/environments/{environment_id}/work/{work_id}/heartbeat"
      .. " query=desired_ttl_seconds,expected_last_heartbeat",
    poll = "GET v1/environments/{environment_id}/work/poll headers=worker_id",
    stats = "GET v1/environments/{environment_id}/work/stats headers=workspace_id",
    stop = "POST v1/environments/{environment_id}/work/{work_id}/stop headers=workspace_id",
  },
  ["beta.memory_stores.memories"] = {
    beta = "agent-memory-2026-07-22",
    create = "POST v1/memory_stores/{memory_store_id}/memories headers=workspace_id query=view retry=safe",
    retrieve = "GET v1/memory_stores/{memory_store_id}/memories/{memory_id} headers=workspace_id",
    update = "POST v1/memory_stores/{memory_store_id}/memories/{memory_id} headers=workspace_id query=view",
    list = "GET v1/memory_stores/{memory_store_id}/memories pages=cursor headers=workspace_id",
    delete = "DELETE v1/memory_stores/{memory_store_id}/memories/{memory_id} headers=workspace_id",
  },
  ["beta.memory_stores"] = {
    beta = "agent-memory-2026-07-22",
    create = "POST v1/memory_stores headers=workspace_id retry=safe",
    retrieve = "GET v1/memory_stores/{memory_store_id} headers=workspace_id",
    update = "POST v1/memory_stores/{memory_store_id} headers=workspace_id",
    list = "GET v1/memory_stores pages=cursor headers=workspace_id",
    delete = "DELETE v1/memory_stores/{memory_store_id} headers=workspace_id",
    archive = "POST v1/memory_stores/{memory_store_id}/archive headers=workspace_id",
  },
  ["beta.memory_stores.memory_versions"] = {
    beta = "agent-memory-2026-07-22",
    retrieve = "GET v1/memory_stores/{memory_store_id}/memory_versions/{memory_version_id} headers=workspace_id",
    list = "GET v1/memory_stores/{memory_store_id}/memory_versions pages=cursor headers=workspace_id",
    redact = "POST v1/memory_stores/{memory_store_id}/memory_versions/{memory_version_id}/redact headers=workspace_id",
  },
  ["beta.messages"] = {
    beta = "token-counting-2024-11-01",
    count_tokens = "POST v1/messages/count_tokens headers=user_profile_id,workspace_id"
      .. " returns=BetaMessageTokensCount",
  },
  ["beta.organization.analytics.cost_report"] = {
    list = "GET v1/organizations/analytics/cost_report pages=cursor",
  },
  ["beta.organization.analytics.cost"] = {
    beta = "analytics-usage-cost-2026-08-24",
    list = "GET v1/organizations/analytics/cost pages=cursor",
  },
  ["beta.organization.analytics.usage_report"] = {
    list = "GET v1/organizations/analytics/usage_report pages=cursor",
  },
  ["beta.organization.analytics.usage"] = {
    beta = "analytics-usage-cost-2026-08-24",
    list = "GET v1/organizations/analytics/usage pages=cursor",
  },
  ["beta.organization.analytics.user_cost_report"] = {
    list = "GET v1/organizations/analytics/user_cost_report pages=cursor",
  },
  ["beta.organization.analytics.user_usage_report"] = {
    list = "GET v1/organizations/analytics/user_usage_report pages=cursor",
  },
  ["beta.organization.claude_code.managed_settings.configuration"] = {
    beta = "ce-claude-code-managed-settings-2026-10-06",
    retrieve = "GET v1/organizations/claude_code/managed_settings/configuration",
    update = "POST v1/organizations/claude_code/managed_settings/configuration",
  },
  ["beta.organization.claude_code.managed_settings.rbac_group_default"] = {
    beta = "ce-claude-code-managed-settings-2026-10-06",
    retrieve = "GET v1/organizations/claude_code/managed_settings/rbac_group_default",
    update = "POST v1/organizations/claude_code/managed_settings/rbac_group_default",
  },
  ["beta.organization.claude_code.managed_settings.rbac_groups"] = {
    beta = "ce-claude-code-managed-settings-2026-10-06",
    retrieve = "GET v1/organizations/claude_code/managed_settings/rbac_groups/{rbac_group_id}",
    list = "GET v1/organizations/claude_code/managed_settings/rbac_groups pages=cursor",
    delete = "DELETE v1/organizations/claude_code/managed_settings/rbac_groups/{rbac_group_id}",
    set = "POST v1/organizations/claude_code/managed_settings/rbac_groups/{rbac_group_id}",
  },
  ["beta.organization.claude_tag.bundles"] = {
    beta = "experimental-claude-tag-2026-10-21",
    retrieve = "GET v1/organizations/claude_tag/bundles/{bundle_id}",
    update = "POST v1/organizations/claude_tag/bundles/{bundle_id}",
    list = "GET v1/organizations/claude_tag/bundles pages=cursor",
  },
  ["beta.organization.claude_tag.bundles.targets"] = {
    beta = "experimental-claude-tag-2026-10-21",
    create = "POST v1/organizations/claude_tag/bundles/{bundle_id}/targets",
    retrieve = "GET v1/organizations/claude_tag/bundles/{bundle_id}/targets/{target_id}",
    list = "GET v1/organizations/claude_tag/bundles/{bundle_id}/targets pages=cursor",
    delete = "DELETE v1/organizations/claude_tag/bundles/{bundle_id}/targets/{target_id}",
  },
  ["beta.organization.claude_tag.slack_channels"] = {
    beta = "experimental-claude-tag-2026-10-21",
    create = "POST v1/organizations/claude_tag/slack_channels",
    retrieve = "GET v1/organizations/claude_tag/slack_channels/{id}",
    update = "POST v1/organizations/claude_tag/slack_channels/{id}",
    list = "GET v1/organizations/claude_tag/slack_channels pages=cursor",
    delete = "DELETE v1/organizations/claude_tag/slack_channels/{id}",
  },
  ["beta.organization.claude_tag.slack_workspaces"] = {
    beta = "experimental-claude-tag-2026-10-21",
    retrieve = "GET v1/organizations/claude_tag/slack_workspaces/{id}",
    update = "POST v1/organizations/claude_tag/slack_workspaces/{id}",
    list = "GET v1/organizations/claude_tag/slack_workspaces pages=cursor",
  },
  ["beta.organization.external_storage"] = {
    beta = "efs-2026-10-01",
    create = "POST v1/organizations/external_storage",
    retrieve = "GET v1/organizations/external_storage/{external_storage_id}",
    update = "POST v1/organizations/external_storage/{external_storage_id}",
    list = "GET v1/organizations/external_storage pages=cursor",
    delete = "DELETE v1/organizations/external_storage/{external_storage_id}",
    activate = "POST v1/organizations/external_storage/{external_storage_id}/activate",
  },
  ["beta.organization.plugin_marketplaces"] = {
    beta = "ce-plugins-2026-09-01",
    retrieve = "GET v1/organizations/plugin_marketplaces/{marketplace_id}",
    update = "POST v1/organizations/plugin_marketplaces/{marketplace_id}",
    list = "GET v1/organizations/plugin_marketplaces pages=cursor",
    validate_archive = "POST v1/organizations/plugin_marketplaces/validate_archive multipart",
    validate_repository = "POST v1/organizations/plugin_marketplaces/validate_repository",
  },
  ["beta.organization.plugins.installation_settings"] = {
    beta = "ce-plugins-2026-09-01",
    list = "GET v1/organizations/plugins/{plugin_id}/installation_settings pages=cursor",
    remove = "DELETE v1/organizations/plugins/{plugin_id}/installation_settings/{target}",
    set = "POST v1/organizations/plugins/{plugin_id}/installation_settings/{target}",
  },
  ["beta.organization.plugins"] = {
    beta = "ce-plugins-2026-09-01",
    create = "POST v1/organizations/plugins multipart",
    retrieve = "GET v1/organizations/plugins/{plugin_id}",
    update = "POST v1/organizations/plugins/{plugin_id}",
    list = "GET v1/organizations/plugins pages=cursor",
    delete = "DELETE v1/organizations/plugins/{plugin_id}",
  },
  ["beta.organization.plugins.shares"] = {
    beta = "ce-plugins-2026-09-01",
    list = "GET v1/organizations/plugins/{plugin_id}/shares pages=cursor",
  },
  ["beta.organization.plugins.versions"] = {
    beta = "ce-plugins-2026-09-01",
    create = "POST v1/organizations/plugins/{plugin_id}/versions multipart retry=safe",
    retrieve = "GET v1/organizations/plugins/{plugin_id}/versions/{version}",
    list = "GET v1/organizations/plugins/{plugin_id}/versions pages=cursor",
    download = "GET v1/organizations/plugins/{plugin_id}/versions/{version}/content binary",
  },
  ["beta.organization.providers.google.projects.data_controls"] = {
    beta = "google-managed-data-controls-2026-09-01",
    retrieve = "GET v1/organizations/providers/google/projects/{project_number}/data_controls",
    update = "POST v1/organizations/providers/google/projects/{project_number}/data_controls",
  },
  ["beta.organization.spend_limits"] = {
    retrieve = "GET v1/organizations/spend_limits/{spend_limit_id} returns=SpendLimit",
    list = "GET v1/organizations/spend_limits pages=cursor beta=spend-limit-reads-2026-09-26 returns=SpendLimit",
    delete = "DELETE v1/organizations/spend_limits/{spend_limit_id}",
    set = "POST v1/organizations/spend_limits returns=SpendLimit",
  },
  ["beta.organization.telemetry_destinations"] = {
    beta = "telemetry-destinations-2026-08-11",
    create = "POST v1/organizations/telemetry_destinations retry=safe",
    retrieve = "GET v1/organizations/telemetry_destinations/{destination_id}",
    update = "POST v1/organizations/telemetry_destinations/{destination_id}",
    list = "GET v1/organizations/telemetry_destinations pages=cursor",
    delete = "DELETE v1/organizations/telemetry_destinations/{destination_id}",
    test = "POST v1/organizations/telemetry_destinations/{destination_id}/test",
  },
  ["beta.organization.telemetry_destinations.workspaces"] = {
    beta = "telemetry-destinations-2026-08-11",
    list = "GET v1/organizations/telemetry_destinations/{destination_id}/workspaces pages=cursor",
    add = "POST v1/organizations/telemetry_destinations/{destination_id}/workspaces/{workspace_id}",
    remove = "DELETE v1/organizations/telemetry_destinations/{destination_id}/workspaces/{workspace_id}",
  },
  ["beta.organization.users"] = {
    sign_out = "POST v1/organizations/users/{user_id}/sign_out beta=admin-user-sign-out-2026-10-08"
      .. " returns=OrganizationUser",
  },
  ["beta.organization.webhooks"] = {
    beta = "webhooks-2026-10-07",
    create = "POST v1/organizations/webhooks",
    retrieve = "GET v1/organizations/webhooks/{webhook_endpoint_id}",
    update = "POST v1/organizations/webhooks/{webhook_endpoint_id}",
    list = "GET v1/organizations/webhooks pages=id",
    delete = "DELETE v1/organizations/webhooks/{webhook_endpoint_id}",
    regenerate_signing_secret = "POST v1/organizations/webhooks/{webhook_endpoint_id}/regenerate_signing_secret",
  },
  ["beta.sessions.events"] = {
    beta = "managed-agents-2026-04-01",
    list = "GET v1/sessions/{session_id}/events pages=cursor headers=workspace_id",
    send = "POST v1/sessions/{session_id}/events headers=workspace_id retry=safe",
    stream = "GET v1/sessions/{session_id}/events/stream headers=workspace_id stream",
  },
  ["beta.sessions.resources"] = {
    beta = "managed-agents-2026-04-01",
    retrieve = "GET v1/sessions/{session_id}/resources/{resource_id} headers=workspace_id",
    update = "POST v1/sessions/{session_id}/resources/{resource_id} headers=workspace_id",
    list = "GET v1/sessions/{session_id}/resources pages=cursor headers=workspace_id",
    delete = "DELETE v1/sessions/{session_id}/resources/{resource_id} headers=workspace_id",
    add = "POST v1/sessions/{session_id}/resources headers=workspace_id",
  },
  ["beta.sessions"] = {
    beta = "managed-agents-2026-04-01",
    create = "POST v1/sessions headers=workspace_id retry=safe",
    retrieve = "GET v1/sessions/{session_id} headers=workspace_id",
    update = "POST v1/sessions/{session_id} headers=workspace_id",
    list = "GET v1/sessions pages=cursor headers=workspace_id",
    delete = "DELETE v1/sessions/{session_id} headers=workspace_id",
    archive = "POST v1/sessions/{session_id}/archive headers=workspace_id",
  },
  ["beta.sessions.threads.events"] = {
    beta = "managed-agents-2026-04-01",
    list = "GET v1/sessions/{session_id}/threads/{thread_id}/events pages=cursor headers=workspace_id",
    stream = "GET v1/sessions/{session_id}/threads/{thread_id}/stream headers=workspace_id stream",
  },
  ["beta.sessions.threads"] = {
    beta = "managed-agents-2026-04-01",
    retrieve = "GET v1/sessions/{session_id}/threads/{thread_id} headers=workspace_id",
    list = "GET v1/sessions/{session_id}/threads pages=cursor headers=workspace_id",
    archive = "POST v1/sessions/{session_id}/threads/{thread_id}/archive headers=workspace_id",
  },
  ["beta.skills.versions"] = {
    download = "GET v1/skills/{skill_id}/versions/{version}/content headers=workspace_id binary",
  },
  ["beta.tunnels.certificates"] = {
    beta = "mcp-tunnels-2026-06-22",
    create = "POST v1/tunnels/{tunnel_id}/certificates headers=workspace_id",
    retrieve = "GET v1/tunnels/{tunnel_id}/certificates/{certificate_id} headers=workspace_id",
    list = "GET v1/tunnels/{tunnel_id}/certificates pages=cursor headers=workspace_id",
    archive = "POST v1/tunnels/{tunnel_id}/certificates/{certificate_id}/archive headers=workspace_id",
  },
  ["beta.tunnels"] = {
    beta = "mcp-tunnels-2026-06-22",
    create = "POST v1/tunnels headers=workspace_id",
    retrieve = "GET v1/tunnels/{tunnel_id} headers=workspace_id",
    list = "GET v1/tunnels pages=cursor headers=workspace_id",
    archive = "POST v1/tunnels/{tunnel_id}/archive headers=workspace_id",
    reveal_token = "POST v1/tunnels/{tunnel_id}/reveal_token headers=workspace_id",
    rotate_token = "POST v1/tunnels/{tunnel_id}/rotate_token headers=workspace_id",
  },
  ["beta.user_profiles.action_urls"] = { beta = "user-profiles-2026-08-18" },
  ["beta.user_profiles.providers.google.data_controls"] = {
    beta = "google-managed-data-controls-2026-09-01",
    retrieve = "GET v1/user_profiles/{user_profile_id}/providers/google/data_controls headers=workspace_id",
    update = "POST v1/user_profiles/{user_profile_id}/providers/google/data_controls headers=workspace_id",
  },
  ["beta.user_profiles"] = {
    beta = "user-profiles-2026-08-18",
    create_enrollment_url = "POST v1/user_profiles/{user_profile_id}/enrollment_url headers=workspace_id",
  },
  ["beta.vaults.credentials"] = {
    beta = "managed-agents-2026-04-01",
    create = "POST v1/vaults/{vault_id}/credentials headers=workspace_id retry=safe",
    retrieve = "GET v1/vaults/{vault_id}/credentials/{credential_id} headers=workspace_id",
    update = "POST v1/vaults/{vault_id}/credentials/{credential_id} headers=workspace_id",
    list = "GET v1/vaults/{vault_id}/credentials pages=cursor headers=workspace_id",
    delete = "DELETE v1/vaults/{vault_id}/credentials/{credential_id} headers=workspace_id",
    archive = "POST v1/vaults/{vault_id}/credentials/{credential_id}/archive headers=workspace_id",
    mcp_oauth_validate = "POST v1/vaults/{vault_id}/credentials/{credential_id}/mcp_oauth_validate"
      .. " headers=workspace_id",
  },
  ["beta.vaults"] = {
    beta = "managed-agents-2026-04-01",
    create = "POST v1/vaults headers=workspace_id retry=safe",
    retrieve = "GET v1/vaults/{vault_id} headers=workspace_id",
    update = "POST v1/vaults/{vault_id} headers=workspace_id",
    list = "GET v1/vaults pages=cursor headers=workspace_id",
    delete = "DELETE v1/vaults/{vault_id} headers=workspace_id",
    archive = "POST v1/vaults/{vault_id}/archive headers=workspace_id",
  },
  files = {
    list = "GET v1/files pages=cursor headers=workspace_id returns=FileMetadata",
    delete = "DELETE v1/files/{file_id} headers=workspace_id returns=DeletedFile",
    download = "GET v1/files/{file_id}/content headers=workspace_id binary",
    retrieve_metadata = "GET v1/files/{file_id} headers=workspace_id returns=FileMetadata",
    upload = "POST v1/files headers=workspace_id multipart retry=safe returns=FileMetadata",
  },
  ["messages.batches"] = {
    create = "POST v1/messages/batches headers=user_profile_id,workspace_id retry=safe returns=MessageBatch",
    retrieve = "GET v1/messages/batches/{message_batch_id} headers=workspace_id returns=MessageBatch",
    list = "GET v1/messages/batches pages=id headers=workspace_id returns=MessageBatch",
    delete = "DELETE v1/messages/batches/{message_batch_id} headers=workspace_id returns=DeletedMessageBatch",
    cancel = "POST v1/messages/batches/{message_batch_id}/cancel headers=workspace_id returns=MessageBatch",
  },
  messages = {
    count_tokens = "POST v1/messages/count_tokens headers=user_profile_id,workspace_id returns=MessageTokensCount",
  },
  models = {
    retrieve = "GET v1/models/{model_id} headers=workspace_id returns=ModelInfo",
    list = "GET v1/models pages=id headers=workspace_id returns=ModelInfo",
  },
  ["organization.analytics.apps.chat.projects"] = {
    list = "GET v1/organizations/analytics/apps/chat/projects pages=cursor returns=AnalyticsProjectActivity",
  },
  ["organization.analytics.artifacts"] = {
    list = "GET v1/organizations/analytics/artifacts pages=cursor returns=AnalyticsArtifactActivity",
  },
  ["organization.analytics.connectors"] = {
    list = "GET v1/organizations/analytics/connectors pages=cursor returns=AnalyticsConnectorActivity",
  },
  ["organization.analytics.plugins"] = {
    list = "GET v1/organizations/analytics/plugins pages=cursor returns=AnalyticsPluginActivity",
  },
  ["organization.analytics.skills"] = {
    list = "GET v1/organizations/analytics/skills pages=cursor returns=AnalyticsSkillActivity",
  },
  ["organization.analytics.summaries"] = {
    list = "GET v1/organizations/analytics/summaries pages=cursor returns=AnalyticsSingleDayActivitySummary",
  },
  ["organization.analytics.users"] = {
    list = "GET v1/organizations/analytics/users pages=cursor returns=AnalyticsUserActivity",
  },
  ["organization.api_keys"] = {
    retrieve = "GET v1/organizations/api_keys/{api_key_id} returns=APIKey",
    update = "POST v1/organizations/api_keys/{api_key_id} returns=APIKey",
    list = "GET v1/organizations/api_keys pages=id returns=APIKey",
  },
  ["organization.compliance_settings"] = {
    retrieve = "GET v1/organizations/compliance_settings returns=OrganizationComplianceSettings",
    update = "POST v1/organizations/compliance_settings returns=OrganizationComplianceSettings",
  },
  ["organization.external_keys"] = {
    create = "POST v1/organizations/external_keys retry=safe returns=ExternalKey",
    retrieve = "GET v1/organizations/external_keys/{external_key_id} returns=ExternalKey",
    update = "POST v1/organizations/external_keys/{external_key_id} returns=ExternalKey",
    list = "GET v1/organizations/external_keys pages=cursor returns=ExternalKey",
    delete = "DELETE v1/organizations/external_keys/{external_key_id} returns=ExternalKeyDeleteResponse",
    validate = "POST v1/organizations/external_keys/{external_key_id}/validate returns=ExternalKeyValidateResponse",
  },
  ["organization.federation.issuers"] = {
    create = "POST v1/organizations/federation_issuers retry=safe returns=FederationIssuer",
    retrieve = "GET v1/organizations/federation_issuers/{federation_issuer_id} returns=FederationIssuer",
    update = "POST v1/organizations/federation_issuers/{federation_issuer_id} returns=FederationIssuer",
    list = "GET v1/organizations/federation_issuers pages=cursor returns=FederationIssuer",
    archive = "POST v1/organizations/federation_issuers/{federation_issuer_id}/archive returns=FederationIssuer",
  },
  ["organization.federation.rules"] = {
    create = "POST v1/organizations/federation_rules retry=safe returns=FederationRule",
    retrieve = "GET v1/organizations/federation_rules/{federation_rule_id} returns=FederationRule",
    update = "POST v1/organizations/federation_rules/{federation_rule_id} returns=FederationRule",
    list = "GET v1/organizations/federation_rules pages=cursor returns=FederationRule",
    archive = "POST v1/organizations/federation_rules/{federation_rule_id}/archive returns=FederationRule",
  },
  ["organization.federation.rules.workspaces"] = {
    list = "GET v1/organizations/federation_rules/{federation_rule_id}/workspaces pages=cursor"
      .. " returns=FederationRuleWorkspace",
    add = "POST v1/organizations/federation_rules/{federation_rule_id}/workspaces returns=FederationRuleWorkspace",
    remove = "DELETE v1/organizations/federation_rules/{federation_rule_id}/workspaces/{workspace_id}"
      .. " returns=WorkspaceRemoveResponse",
  },
  ["organization.invites"] = {
    create = "POST v1/organizations/invites returns=OrganizationInvite",
    retrieve = "GET v1/organizations/invites/{invite_id} returns=OrganizationInvite",
    list = "GET v1/organizations/invites pages=id returns=OrganizationInvite",
    delete = "DELETE v1/organizations/invites/{invite_id} returns=InviteDeleteResponse",
  },
  organization = {
    retrieve = "GET v1/organizations/me returns=OrganizationInfo",
  },
  ["organization.rate_limits"] = {
    list = "GET v1/organizations/rate_limits pages=cursor returns=OrganizationRateLimit",
  },
  ["organization.rbac_groups.members"] = {
    list = "GET v1/organizations/rbac_groups/{rbac_group_id}/members pages=cursor returns=RBACGroupMember",
    add = "POST v1/organizations/rbac_groups/{rbac_group_id}/members returns=RBACGroupMember",
    remove = "DELETE v1/organizations/rbac_groups/{rbac_group_id}/members/{user_id} returns=DeletedRBACGroupMember",
  },
  ["organization.rbac_groups"] = {
    create = "POST v1/organizations/rbac_groups retry=safe returns=RBACGroup",
    retrieve = "GET v1/organizations/rbac_groups/{rbac_group_id} returns=RBACGroup",
    update = "POST v1/organizations/rbac_groups/{rbac_group_id} returns=RBACGroup",
    list = "GET v1/organizations/rbac_groups pages=cursor returns=RBACGroup",
    delete = "DELETE v1/organizations/rbac_groups/{rbac_group_id} returns=DeletedRBACGroup",
  },
  ["organization.rbac_roles.permissions"] = {
    list = "GET v1/organizations/rbac_roles/{rbac_role_id}/permissions pages=cursor returns=RBACRolePermission",
  },
  ["organization.rbac_roles"] = {
    retrieve = "GET v1/organizations/rbac_roles/{rbac_role_id} returns=RBACRole",
    list = "GET v1/organizations/rbac_roles pages=cursor returns=RBACRole",
  },
  ["organization.service_accounts"] = {
    create = "POST v1/organizations/service_accounts retry=safe returns=ServiceAccount",
    retrieve = "GET v1/organizations/service_accounts/{service_account_id} returns=ServiceAccount",
    update = "POST v1/organizations/service_accounts/{service_account_id} returns=ServiceAccount",
    list = "GET v1/organizations/service_accounts pages=cursor returns=ServiceAccount",
    archive = "POST v1/organizations/service_accounts/{service_account_id}/archive returns=ServiceAccount",
  },
  ["organization.service_accounts.workspaces"] = {
    list = "GET v1/organizations/service_accounts/{service_account_id}/workspaces pages=cursor"
      .. " returns=ServiceAccountWorkspaceMember",
    add = "POST v1/organizations/service_accounts/{service_account_id}/workspaces"
      .. " returns=ServiceAccountWorkspaceMember",
    remove = "DELETE v1/organizations/service_accounts/{service_account_id}/workspaces/{workspace_id}"
      .. " returns=ServiceAccountRemoveResponse",
  },
  ["organization.spend_limits.effective"] = {
    list = "GET v1/organizations/spend_limits/effective pages=cursor returns=SpendSummary",
  },
  ["organization.spend_limits.increase_requests"] = {
    retrieve = "GET v1/organizations/spend_limit_increase_requests/{spend_limit_increase_request_id}"
      .. " returns=SpendLimitIncreaseRequest",
    list = "GET v1/organizations/spend_limit_increase_requests pages=cursor returns=SpendLimitIncreaseRequest",
    approve = "POST v1/organizations/spend_limit_increase_requests/{spend_limit_increase_request_id}/approve"
      .. " returns=IncreaseRequestApproveResponse",
    deny = "POST v1/organizations/spend_limit_increase_requests/{spend_limit_increase_request_id}/deny"
      .. " returns=SpendLimitIncreaseRequest",
  },
  ["organization.users"] = {
    retrieve = "GET v1/organizations/users/{user_id} returns=OrganizationUser",
    update = "POST v1/organizations/users/{user_id} returns=OrganizationUser",
    list = "GET v1/organizations/users pages=id returns=OrganizationUser",
    remove = "DELETE v1/organizations/users/{user_id} returns=UserRemoveResponse",
  },
  ["organization.workspaces.members"] = {
    retrieve = "GET v1/organizations/workspaces/{workspace_id}/members/{user_id} returns=WorkspaceMember",
    update = "POST v1/organizations/workspaces/{workspace_id}/members/{user_id} returns=WorkspaceMember",
    list = "GET v1/organizations/workspaces/{workspace_id}/members pages=id returns=WorkspaceMember",
    add = "POST v1/organizations/workspaces/{workspace_id}/members returns=WorkspaceMember",
    remove = "DELETE v1/organizations/workspaces/{workspace_id}/members/{user_id} returns=MemberRemoveResponse",
  },
  ["organization.workspaces.rate_limits"] = {
    update = "POST v1/organizations/workspaces/{workspace_id}/rate_limits/{rate_limit_id} returns=WorkspaceRateLimit",
    list = "GET v1/organizations/workspaces/{workspace_id}/rate_limits pages=cursor returns=WorkspaceRateLimit",
  },
  ["organization.workspaces.service_accounts"] = {
    retrieve = "GET v1/organizations/workspaces/{workspace_id}/service_accounts/{service_account_id}"
      .. " returns=ServiceAccountWorkspaceMember",
    update = "POST v1/organizations/workspaces/{workspace_id}/service_accounts/{service_account_id}"
      .. " returns=ServiceAccountWorkspaceMember",
    list = "GET v1/organizations/workspaces/{workspace_id}/service_accounts pages=cursor"
      .. " returns=ServiceAccountWorkspaceMember",
    add = "POST v1/organizations/workspaces/{workspace_id}/service_accounts returns=ServiceAccountWorkspaceMember",
    remove = "DELETE v1/organizations/workspaces/{workspace_id}/service_accounts/{service_account_id}"
      .. " returns=ServiceAccountRemoveResponse",
  },
  ["organization.workspaces"] = {
    create = "POST v1/organizations/workspaces retry=safe returns=Workspace",
    retrieve = "GET v1/organizations/workspaces/{workspace_id} returns=Workspace",
    update = "POST v1/organizations/workspaces/{workspace_id} returns=Workspace",
    list = "GET v1/organizations/workspaces pages=id returns=Workspace",
    archive = "POST v1/organizations/workspaces/{workspace_id}/archive returns=Workspace",
  },
  skills = {
    create = "POST v1/skills headers=workspace_id multipart retry=safe returns=Skill",
    retrieve = "GET v1/skills/{skill_id} headers=workspace_id returns=Skill",
    list = "GET v1/skills pages=cursor headers=workspace_id returns=Skill",
    delete = "DELETE v1/skills/{skill_id} headers=workspace_id returns=DeletedSkill",
  },
  ["skills.versions"] = {
    create = "POST v1/skills/{skill_id}/versions headers=workspace_id multipart retry=safe returns=SkillVersion",
    retrieve = "GET v1/skills/{skill_id}/versions/{version} headers=workspace_id returns=SkillVersion",
    list = "GET v1/skills/{skill_id}/versions pages=cursor headers=workspace_id returns=SkillVersion",
    delete = "DELETE v1/skills/{skill_id}/versions/{version} headers=workspace_id returns=DeletedSkillVersion",
  },
  ["user_profiles.action_urls"] = {
    create = "POST v1/user_profiles/{user_profile_id}/action_urls headers=workspace_id returns=UserProfileActionURL",
  },
  user_profiles = {
    create = "POST v1/user_profiles headers=workspace_id returns=UserProfile",
    retrieve = "GET v1/user_profiles/{user_profile_id} headers=workspace_id returns=UserProfile",
    update = "POST v1/user_profiles/{user_profile_id} headers=workspace_id returns=UserProfile",
    list = "GET v1/user_profiles pages=cursor headers=workspace_id returns=UserProfile",
    delete = "DELETE v1/user_profiles/{user_profile_id} headers=workspace_id returns=DeletedUserProfile",
  },
}

local names = {}
for name in pairs(resources) do
  names[#names + 1] = name
end
for _, name in ipairs(names) do
  if not name:find "^beta%." then
    local beta = resources["beta." .. name] or {}
    resources["beta." .. name] = beta
    for method, row in pairs(resources[name]) do
      beta[method] = beta[method] or row
    end
  end
end

return resources
