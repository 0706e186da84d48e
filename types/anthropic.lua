---@meta _
-- Written by tools/types.lua: do not edit.


---@class anthropic.api.AssistantMessageParam
---@field content anthropic.api.MessageContentParam
---@field role "assistant"

---@class anthropic.api.Base64ImageSource
---@field data string
---@field media_type "image/jpeg"|"image/png"|"image/gif"|"image/webp"
---@field type "base64"

---@class anthropic.api.Base64PDFSource
---@field data string
---@field media_type "application/pdf"
---@field type "base64"

---@class anthropic.api.BashCodeExecutionOutputBlock
---@field file_id string
---@field type "bash_code_execution_output"

---@class anthropic.api.BashCodeExecutionOutputBlockParam
---@field file_id string
---@field type "bash_code_execution_output"

---@class anthropic.api.BashCodeExecutionResultBlock
---@field content anthropic.api.BashCodeExecutionOutputBlock[]
---@field return_code number
---@field stderr string
---@field stdout string
---@field type "bash_code_execution_result"

---@class anthropic.api.BashCodeExecutionResultBlockParam
---@field content anthropic.api.BashCodeExecutionOutputBlockParam[]
---@field return_code number
---@field stderr string
---@field stdout string
---@field type "bash_code_execution_result"

---@class anthropic.api.BashCodeExecutionToolResultBlock
---@field content anthropic.api.BashCodeExecutionToolResultErrorObject|anthropic.api.BashCodeExecutionResultBlock
---@field tool_use_id string
---@field type "bash_code_execution_tool_result"

---@class anthropic.api.BashCodeExecutionToolResultBlockParam
---@field content anthropic.api.BashCodeExecutionToolResultErrorParam|anthropic.api.BashCodeExecutionResultBlockParam
---@field tool_use_id string
---@field type "bash_code_execution_tool_result"
---@field cache_control? anthropic.api.CacheControlEphemeral

---@alias anthropic.api.BashCodeExecutionToolResultErrorCode "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"|"output_file_too_large"

---@class anthropic.api.BashCodeExecutionToolResultErrorObject
---@field error_code anthropic.api.BashCodeExecutionToolResultErrorCode
---@field type "bash_code_execution_tool_result_error"

---@class anthropic.api.BashCodeExecutionToolResultErrorParam
---@field error_code anthropic.api.BashCodeExecutionToolResultErrorCode
---@field type "bash_code_execution_tool_result_error"

---@class anthropic.api.BrowserStateBlockParam
---@field tabs any[]
---@field type "browser_state"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field state_changes? any[]

---@class anthropic.api.BrowserToolset20260801
---@field type "browser_toolset_20260801"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field configs? any

---@class anthropic.api.CacheControlEphemeral
---@field type "ephemeral"
---@field ttl? "5m"|"1h"

---@class anthropic.api.CacheCreation
---@field ephemeral_1h_input_tokens number
---@field ephemeral_5m_input_tokens number

---@class anthropic.api.CitationCharLocation
---@field cited_text string
---@field document_index number
---@field document_title? string
---@field end_char_index number
---@field file_id? string
---@field start_char_index number
---@field type "char_location"

---@class anthropic.api.CitationCharLocationParam
---@field cited_text string
---@field document_index number
---@field document_title? string
---@field end_char_index number
---@field start_char_index number
---@field type "char_location"

---@class anthropic.api.CitationContentBlockLocation
---@field cited_text string
---@field document_index number
---@field document_title? string
---@field end_block_index number
---@field file_id? string
---@field start_block_index number
---@field type "content_block_location"

---@class anthropic.api.CitationContentBlockLocationParam
---@field cited_text string
---@field document_index number
---@field document_title? string
---@field end_block_index number
---@field start_block_index number
---@field type "content_block_location"

---@class anthropic.api.CitationPageLocation
---@field cited_text string
---@field document_index number
---@field document_title? string
---@field end_page_number number
---@field file_id? string
---@field start_page_number number
---@field type "page_location"

---@class anthropic.api.CitationPageLocationParam
---@field cited_text string
---@field document_index number
---@field document_title? string
---@field end_page_number number
---@field start_page_number number
---@field type "page_location"

---@class anthropic.api.CitationSearchResultLocationParam
---@field cited_text string
---@field end_block_index number
---@field search_result_index number
---@field source string
---@field start_block_index number
---@field title? string
---@field type "search_result_location"

---@class anthropic.api.CitationWebSearchResultLocationParam
---@field cited_text string
---@field encrypted_index string
---@field title? string
---@field type "web_search_result_location"
---@field url string

---@class anthropic.api.CitationsConfig
---@field enabled boolean

---@class anthropic.api.CitationsConfigParam
---@field enabled? boolean

---@class anthropic.api.CitationsDelta
---@field citation anthropic.api.CitationCharLocation|anthropic.api.CitationPageLocation|anthropic.api.CitationContentBlockLocation|anthropic.api.CitationsWebSearchResultLocation|anthropic.api.CitationsSearchResultLocation
---@field type "citations_delta"

---@class anthropic.api.CitationsSearchResultLocation
---@field cited_text string
---@field end_block_index number
---@field search_result_index number
---@field source string
---@field start_block_index number
---@field title? string
---@field type "search_result_location"

---@class anthropic.api.CitationsWebSearchResultLocation
---@field cited_text string
---@field encrypted_index string
---@field title? string
---@field type "web_search_result_location"
---@field url string

---@alias anthropic.api.ClientToolUnion anthropic.api.Tool|anthropic.api.ToolBash20250124|anthropic.api.BrowserToolset20260801|anthropic.api.MemoryTool20250818|anthropic.api.ComputerToolset20260801|anthropic.api.ToolTextEditor20250124|anthropic.api.ToolTextEditor20250429|anthropic.api.ToolTextEditor20250728

---@class anthropic.api.CodeExecutionOutputBlock
---@field file_id string
---@field type "code_execution_output"

---@class anthropic.api.CodeExecutionOutputBlockParam
---@field file_id string
---@field type "code_execution_output"

---@class anthropic.api.CodeExecutionResultBlock
---@field content anthropic.api.CodeExecutionOutputBlock[]
---@field return_code number
---@field stderr string
---@field stdout string
---@field type "code_execution_result"

---@class anthropic.api.CodeExecutionResultBlockParam
---@field content anthropic.api.CodeExecutionOutputBlockParam[]
---@field return_code number
---@field stderr string
---@field stdout string
---@field type "code_execution_result"

---@class anthropic.api.CodeExecutionTool20250522
---@field name "code_execution"
---@field type "code_execution_20250522"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field strict? boolean

---@class anthropic.api.CodeExecutionTool20250825
---@field name "code_execution"
---@field type "code_execution_20250825"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field strict? boolean

---@class anthropic.api.CodeExecutionTool20260120
---@field name "code_execution"
---@field type "code_execution_20260120"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field strict? boolean

---@class anthropic.api.CodeExecutionTool20260521
---@field name "code_execution"
---@field type "code_execution_20260521"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field strict? boolean

---@class anthropic.api.CodeExecutionToolResultBlock
---@field content anthropic.api.CodeExecutionToolResultBlockContent
---@field tool_use_id string
---@field type "code_execution_tool_result"

---@alias anthropic.api.CodeExecutionToolResultBlockContent anthropic.api.CodeExecutionToolResultErrorObject|anthropic.api.CodeExecutionResultBlock|anthropic.api.EncryptedCodeExecutionResultBlock

---@class anthropic.api.CodeExecutionToolResultBlockParam
---@field content anthropic.api.CodeExecutionToolResultBlockParamContent
---@field tool_use_id string
---@field type "code_execution_tool_result"
---@field cache_control? anthropic.api.CacheControlEphemeral

---@alias anthropic.api.CodeExecutionToolResultBlockParamContent anthropic.api.CodeExecutionToolResultErrorParam|anthropic.api.CodeExecutionResultBlockParam|anthropic.api.EncryptedCodeExecutionResultBlockParam

---@alias anthropic.api.CodeExecutionToolResultErrorCode "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"

---@class anthropic.api.CodeExecutionToolResultErrorObject
---@field error_code anthropic.api.CodeExecutionToolResultErrorCode
---@field type "code_execution_tool_result_error"

---@class anthropic.api.CodeExecutionToolResultErrorParam
---@field error_code anthropic.api.CodeExecutionToolResultErrorCode
---@field type "code_execution_tool_result_error"

---@class anthropic.api.ComputerToolset20260801
---@field type "computer_toolset_20260801"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field configs? any

---@class anthropic.api.Container
---@field id string
---@field expires_at string
---@field skills? anthropic.api.ContainerSkill[]

---@class anthropic.api.ContainerParams
---@field id? string
---@field skills? anthropic.api.SkillParams[]

---@class anthropic.api.ContainerSkill
---@field skill_id string
---@field type "anthropic"|"custom"
---@field version string

---@class anthropic.api.ContainerUploadBlock
---@field file_id string
---@field type "container_upload"

---@class anthropic.api.ContainerUploadBlockParam
---@field file_id string
---@field type "container_upload"
---@field cache_control? anthropic.api.CacheControlEphemeral

---@alias anthropic.api.ContentBlock anthropic.api.TextBlock|anthropic.api.ThinkingBlock|anthropic.api.RedactedThinkingBlock|anthropic.api.ToolUseBlock|anthropic.api.ServerToolUseBlock|anthropic.api.WebSearchToolResultBlock|anthropic.api.WebFetchToolResultBlock|anthropic.api.CodeExecutionToolResultBlock|anthropic.api.BashCodeExecutionToolResultBlock|anthropic.api.TextEditorCodeExecutionToolResultBlock|anthropic.api.ToolSearchToolResultBlock|anthropic.api.ContainerUploadBlock

---@alias anthropic.api.ContentBlockParam anthropic.api.TextBlockParam|anthropic.api.ImageBlockParam|anthropic.api.DocumentBlockParam|anthropic.api.SearchResultBlockParam|anthropic.api.ThinkingBlockParam|anthropic.api.RedactedThinkingBlockParam|anthropic.api.ToolUseBlockParam|anthropic.api.ToolResultBlockParam|anthropic.api.ServerToolUseBlockParam|anthropic.api.WebSearchToolResultBlockParam|anthropic.api.WebFetchToolResultBlockParam|anthropic.api.CodeExecutionToolResultBlockParam|anthropic.api.BashCodeExecutionToolResultBlockParam|anthropic.api.TextEditorCodeExecutionToolResultBlockParam|anthropic.api.ToolSearchToolResultBlockParam|anthropic.api.ContainerUploadBlockParam

---@class anthropic.api.ContentBlockSource
---@field content string|anthropic.api.ContentBlockSourceContent[]
---@field type "content"

---@alias anthropic.api.ContentBlockSourceContent anthropic.api.TextBlockParam|anthropic.api.ImageBlockParam

---@class anthropic.api.Diagnostics
---@field cache_miss_reason? any

---@class anthropic.api.DiagnosticsParam
---@field previous_message_id? string

---@class anthropic.api.DirectCaller
---@field type "direct"

---@class anthropic.api.DocumentBlock
---@field citations? anthropic.api.CitationsConfig
---@field source anthropic.api.Base64PDFSource|anthropic.api.PlainTextSource
---@field title? string
---@field type "document"

---@class anthropic.api.DocumentBlockParam
---@field source anthropic.api.Base64PDFSource|anthropic.api.PlainTextSource|anthropic.api.ContentBlockSource|anthropic.api.URLPDFSource|anthropic.api.FileDocumentSource
---@field type "document"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field citations? anthropic.api.CitationsConfigParam
---@field context? string
---@field title? string

---@class anthropic.api.EncryptedCodeExecutionResultBlock
---@field content anthropic.api.CodeExecutionOutputBlock[]
---@field encrypted_stdout string
---@field return_code number
---@field stderr string
---@field type "encrypted_code_execution_result"

---@class anthropic.api.EncryptedCodeExecutionResultBlockParam
---@field content anthropic.api.CodeExecutionOutputBlockParam[]
---@field encrypted_stdout string
---@field return_code number
---@field stderr string
---@field type "encrypted_code_execution_result"

---@class anthropic.api.FileDocumentSource
---@field file_id string
---@field type "file"

---@class anthropic.api.FileImageSource
---@field file_id string
---@field type "file"

---@class anthropic.api.ImageBlockParam
---@field source anthropic.api.Base64ImageSource|anthropic.api.URLImageSource|anthropic.api.FileImageSource
---@field type "image"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field transformations? anthropic.api.ImageTransformationsParam

---@class anthropic.api.ImageTransformationsParam
---@field oversized_image? "downsize"|"error"

---@class anthropic.api.InputJSONDelta
---@field partial_json string
---@field type "input_json_delta"

---@class anthropic.api.JSONOutputFormat
---@field schema table<string, any>
---@field type "json_schema"

---@class anthropic.api.MemoryTool20250818
---@field name "memory"
---@field type "memory_20250818"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field input_examples? table<string, any>[]
---@field strict? boolean

---@class anthropic.api.Message
---@field id string
---@field container? anthropic.api.Container
---@field content anthropic.api.ContentBlock[]
---@field diagnostics? anthropic.api.Diagnostics
---@field model anthropic.api.Model
---@field role "assistant"
---@field stop_details? anthropic.api.RefusalStopDetails
---@field stop_reason? anthropic.api.StopReason
---@field stop_sequence? string
---@field type "message"
---@field usage anthropic.api.Usage

---@alias anthropic.api.MessageContentParam string|anthropic.api.ContentBlockParam[]

---@alias anthropic.api.MessageCountTokensTool anthropic.api.Tool|anthropic.api.ToolBash20250124|anthropic.api.CodeExecutionTool20250522|anthropic.api.CodeExecutionTool20250825|anthropic.api.CodeExecutionTool20260120|anthropic.api.CodeExecutionTool20260521|anthropic.api.BrowserToolset20260801|anthropic.api.MemoryTool20250818|anthropic.api.ComputerToolset20260801|anthropic.api.ToolTextEditor20250124|anthropic.api.ToolTextEditor20250429|anthropic.api.ToolTextEditor20250728|anthropic.api.WebSearchTool20250305|anthropic.api.WebFetchTool20250910|anthropic.api.WebSearchTool20260209|anthropic.api.WebFetchTool20260209|anthropic.api.WebFetchTool20260309|anthropic.api.WebSearchTool20260318|anthropic.api.WebFetchTool20260318|anthropic.api.ToolSearchToolBm25_20251119|anthropic.api.ToolSearchToolRegex20251119

---@alias anthropic.api.MessageCreateParamsContainer anthropic.api.ContainerParams|string

---@class anthropic.api.MessageDeltaUsage
---@field cache_creation_input_tokens? number
---@field cache_read_input_tokens? number
---@field input_tokens? number
---@field output_tokens number
---@field output_tokens_details? anthropic.api.OutputTokensDetails
---@field server_tool_use? anthropic.api.ServerToolUsage

---@alias anthropic.api.MessageParam anthropic.api.UserMessageParam|anthropic.api.AssistantMessageParam|anthropic.api.SystemMessageParam

---@class anthropic.api.MessageTokensCount
---@field input_tokens number
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.Metadata
---@field user_id? string

---@alias anthropic.api.Model "claude-fable-5-2"|"claude-mythos-5-2"|"claude-haiku-5-5"|"claude-sonnet-5-5"|"claude-fable-5-1"|"claude-opus-5-5"|"claude-mythos-5-1"|"claude-sonnet-5"|"claude-fable-5"|"claude-mythos-5"|"claude-opus-5"|"claude-opus-4-8"|"claude-opus-4-7"|"claude-mythos-preview"|"claude-opus-4-6"|"claude-sonnet-4-6"|"claude-haiku-4-5"|"claude-haiku-4-5-20251001"|"claude-opus-4-5"|"claude-opus-4-5-20251101"|"claude-sonnet-4-5"|"claude-sonnet-4-5-20250929"|string

---@class anthropic.api.OutputConfig
---@field effort? "low"|"medium"|"high"|"xhigh"|"max"
---@field format? anthropic.api.JSONOutputFormat

---@class anthropic.api.OutputTokensDetails
---@field thinking_tokens number

---@class anthropic.api.PlainTextSource
---@field data string
---@field media_type "text/plain"
---@field type "text"

---@alias anthropic.api.RawContentBlockDelta anthropic.api.TextDelta|anthropic.api.InputJSONDelta|anthropic.api.CitationsDelta|anthropic.api.ThinkingDelta|anthropic.api.SignatureDelta

---@class anthropic.api.RawContentBlockDeltaEvent
---@field delta anthropic.api.RawContentBlockDelta
---@field index number
---@field type "content_block_delta"

---@class anthropic.api.RawContentBlockStartEvent
---@field content_block anthropic.api.TextBlock|anthropic.api.ThinkingBlock|anthropic.api.RedactedThinkingBlock|anthropic.api.ToolUseBlock|anthropic.api.ServerToolUseBlock|anthropic.api.WebSearchToolResultBlock|anthropic.api.WebFetchToolResultBlock|anthropic.api.CodeExecutionToolResultBlock|anthropic.api.BashCodeExecutionToolResultBlock|anthropic.api.TextEditorCodeExecutionToolResultBlock|anthropic.api.ToolSearchToolResultBlock|anthropic.api.ContainerUploadBlock
---@field index number
---@field type "content_block_start"

---@class anthropic.api.RawContentBlockStopEvent
---@field index number
---@field type "content_block_stop"

---@class anthropic.api.RawMessageDeltaEvent
---@field delta any
---@field type "message_delta"
---@field usage anthropic.api.MessageDeltaUsage

---@class anthropic.api.RawMessageStartEvent
---@field message anthropic.api.Message
---@field type "message_start"

---@class anthropic.api.RawMessageStopEvent
---@field type "message_stop"

---@alias anthropic.api.RawMessageStreamEvent anthropic.api.RawMessageStartEvent|anthropic.api.RawMessageDeltaEvent|anthropic.api.RawMessageStopEvent|anthropic.api.RawContentBlockStartEvent|anthropic.api.RawContentBlockDeltaEvent|anthropic.api.RawContentBlockStopEvent

---@class anthropic.api.RedactedThinkingBlock
---@field data string
---@field type "redacted_thinking"

---@class anthropic.api.RedactedThinkingBlockParam
---@field data string
---@field type "redacted_thinking"

---@class anthropic.api.RefusalStopDetails
---@field category? "cyber"|"bio"|"frontier_llm"|"reasoning_extraction"|"general_harms"
---@field explanation? string
---@field type "refusal"

---@class anthropic.api.SearchResultBlockParam
---@field content anthropic.api.TextBlockParam[]
---@field source string
---@field title string
---@field type "search_result"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field citations? anthropic.api.CitationsConfigParam

---@class anthropic.api.ServerToolCaller
---@field tool_id string
---@field type "code_execution_20250825"

---@class anthropic.api.ServerToolCaller20260120
---@field tool_id string
---@field type "code_execution_20260120"

---@class anthropic.api.ServerToolUsage
---@field web_fetch_requests number
---@field web_search_requests number

---@class anthropic.api.ServerToolUseBlock
---@field id string
---@field caller anthropic.api.DirectCaller|anthropic.api.ServerToolCaller|anthropic.api.ServerToolCaller20260120
---@field input any
---@field name "web_search"|"web_fetch"|"code_execution"|"bash_code_execution"|"text_editor_code_execution"|"tool_search_tool_regex"|"tool_search_tool_bm25"
---@field type "server_tool_use"

---@class anthropic.api.ServerToolUseBlockParam
---@field id string
---@field input any
---@field name "web_search"|"web_fetch"|"code_execution"|"bash_code_execution"|"text_editor_code_execution"|"tool_search_tool_regex"|"tool_search_tool_bm25"
---@field type "server_tool_use"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field caller? anthropic.api.DirectCaller|anthropic.api.ServerToolCaller|anthropic.api.ServerToolCaller20260120

---@class anthropic.api.SignatureDelta
---@field signature string
---@field type "signature_delta"

---@class anthropic.api.SkillParams
---@field skill_id string
---@field type "anthropic"|"custom"
---@field version? string

---@alias anthropic.api.StopReason "end_turn"|"max_tokens"|"stop_sequence"|"tool_use"|"pause_turn"|"refusal"|"model_context_window_exceeded"

---@class anthropic.api.SystemMessageParam
---@field content string|anthropic.api.TextBlockParam[]
---@field role "system"

---@class anthropic.api.TextBlock
---@field citations? anthropic.api.TextCitation[]
---@field text string
---@field type "text"

---@class anthropic.api.TextBlockParam
---@field text string
---@field type "text"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field citations? anthropic.api.TextCitationParam[]

---@alias anthropic.api.TextCitation anthropic.api.CitationCharLocation|anthropic.api.CitationPageLocation|anthropic.api.CitationContentBlockLocation|anthropic.api.CitationsWebSearchResultLocation|anthropic.api.CitationsSearchResultLocation

---@alias anthropic.api.TextCitationParam anthropic.api.CitationCharLocationParam|anthropic.api.CitationPageLocationParam|anthropic.api.CitationContentBlockLocationParam|anthropic.api.CitationWebSearchResultLocationParam|anthropic.api.CitationSearchResultLocationParam

---@class anthropic.api.TextDelta
---@field text string
---@field type "text_delta"

---@class anthropic.api.TextEditorCodeExecutionCreateResultBlock
---@field is_file_update boolean
---@field type "text_editor_code_execution_create_result"

---@class anthropic.api.TextEditorCodeExecutionCreateResultBlockParam
---@field is_file_update boolean
---@field type "text_editor_code_execution_create_result"

---@class anthropic.api.TextEditorCodeExecutionStrReplaceResultBlock
---@field lines? string[]
---@field new_lines? number
---@field new_start? number
---@field old_lines? number
---@field old_start? number
---@field type "text_editor_code_execution_str_replace_result"

---@class anthropic.api.TextEditorCodeExecutionStrReplaceResultBlockParam
---@field type "text_editor_code_execution_str_replace_result"
---@field lines? string[]
---@field new_lines? number
---@field new_start? number
---@field old_lines? number
---@field old_start? number

---@class anthropic.api.TextEditorCodeExecutionToolResultBlock
---@field content anthropic.api.TextEditorCodeExecutionToolResultErrorObject|anthropic.api.TextEditorCodeExecutionViewResultBlock|anthropic.api.TextEditorCodeExecutionCreateResultBlock|anthropic.api.TextEditorCodeExecutionStrReplaceResultBlock
---@field tool_use_id string
---@field type "text_editor_code_execution_tool_result"

---@class anthropic.api.TextEditorCodeExecutionToolResultBlockParam
---@field content anthropic.api.TextEditorCodeExecutionToolResultErrorParam|anthropic.api.TextEditorCodeExecutionViewResultBlockParam|anthropic.api.TextEditorCodeExecutionCreateResultBlockParam|anthropic.api.TextEditorCodeExecutionStrReplaceResultBlockParam
---@field tool_use_id string
---@field type "text_editor_code_execution_tool_result"
---@field cache_control? anthropic.api.CacheControlEphemeral

---@alias anthropic.api.TextEditorCodeExecutionToolResultErrorCode "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"|"file_not_found"

---@class anthropic.api.TextEditorCodeExecutionToolResultErrorObject
---@field error_code anthropic.api.TextEditorCodeExecutionToolResultErrorCode
---@field error_message? string
---@field type "text_editor_code_execution_tool_result_error"

---@class anthropic.api.TextEditorCodeExecutionToolResultErrorParam
---@field error_code anthropic.api.TextEditorCodeExecutionToolResultErrorCode
---@field type "text_editor_code_execution_tool_result_error"
---@field error_message? string

---@class anthropic.api.TextEditorCodeExecutionViewResultBlock
---@field content string
---@field file_type "text"|"image"|"pdf"
---@field num_lines? number
---@field start_line? number
---@field total_lines? number
---@field type "text_editor_code_execution_view_result"

---@class anthropic.api.TextEditorCodeExecutionViewResultBlockParam
---@field content string
---@field file_type "text"|"image"|"pdf"
---@field type "text_editor_code_execution_view_result"
---@field num_lines? number
---@field start_line? number
---@field total_lines? number

---@class anthropic.api.ThinkingBlock
---@field signature string
---@field thinking string
---@field type "thinking"

---@class anthropic.api.ThinkingBlockParam
---@field signature string
---@field thinking string
---@field type "thinking"

---@class anthropic.api.ThinkingConfigAdaptive
---@field type "adaptive"
---@field display? "summarized"|"omitted"

---@class anthropic.api.ThinkingConfigBetweenTools
---@field type "between_tools"

---@class anthropic.api.ThinkingConfigDisabled
---@field type "disabled"

---@class anthropic.api.ThinkingConfigEnabled
---@field budget_tokens number
---@field type "enabled"
---@field display? "summarized"|"omitted"

---@alias anthropic.api.ThinkingConfigParam anthropic.api.ThinkingConfigEnabled|anthropic.api.ThinkingConfigDisabled|anthropic.api.ThinkingConfigBetweenTools|anthropic.api.ThinkingConfigAdaptive

---@class anthropic.api.ThinkingDelta
---@field thinking string
---@field type "thinking_delta"

---@alias anthropic.api.ThreadUnsupportedFeatureName "cache_control"|"context_management"|"fallbacks"|"hipaa"|"inference_hooks"|"thinking"

---@class anthropic.api.Tool
---@field input_schema any
---@field name string
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field description? string
---@field eager_input_streaming? boolean
---@field input_examples? table<string, any>[]
---@field strict? boolean
---@field type? "custom"

---@class anthropic.api.ToolBash20250124
---@field name "bash"
---@field type "bash_20250124"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field input_examples? table<string, any>[]
---@field strict? boolean

---@alias anthropic.api.ToolChoice anthropic.api.ToolChoiceAuto|anthropic.api.ToolChoiceAny|anthropic.api.ToolChoiceTool|anthropic.api.ToolChoiceNone

---@class anthropic.api.ToolChoiceAny
---@field type "any"
---@field disable_parallel_tool_use? boolean

---@class anthropic.api.ToolChoiceAuto
---@field type "auto"
---@field disable_parallel_tool_use? boolean

---@class anthropic.api.ToolChoiceNone
---@field type "none"

---@class anthropic.api.ToolChoiceTool
---@field name string
---@field type "tool"
---@field disable_parallel_tool_use? boolean

---@class anthropic.api.ToolReferenceBlock
---@field tool_name string
---@field type "tool_reference"

---@class anthropic.api.ToolReferenceBlockParam
---@field tool_name string
---@field type "tool_reference"
---@field cache_control? anthropic.api.CacheControlEphemeral

---@class anthropic.api.ToolResultBlockParam
---@field tool_use_id string
---@field type "tool_result"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field content? string|(anthropic.api.TextBlockParam|anthropic.api.ImageBlockParam|anthropic.api.SearchResultBlockParam|anthropic.api.DocumentBlockParam|anthropic.api.ToolReferenceBlockParam|anthropic.api.BrowserStateBlockParam)[]
---@field is_error? boolean
---@field toolset_name? string

---@class anthropic.api.ToolSearchToolBm25_20251119
---@field name "tool_search_tool_bm25"
---@field type "tool_search_tool_bm25_20251119"|"tool_search_tool_bm25"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field strict? boolean

---@class anthropic.api.ToolSearchToolRegex20251119
---@field name "tool_search_tool_regex"
---@field type "tool_search_tool_regex_20251119"|"tool_search_tool_regex"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field strict? boolean

---@class anthropic.api.ToolSearchToolResultBlock
---@field content anthropic.api.ToolSearchToolResultErrorObject|anthropic.api.ToolSearchToolSearchResultBlock
---@field tool_use_id string
---@field type "tool_search_tool_result"

---@class anthropic.api.ToolSearchToolResultBlockParam
---@field content anthropic.api.ToolSearchToolResultErrorParam|anthropic.api.ToolSearchToolSearchResultBlockParam
---@field tool_use_id string
---@field type "tool_search_tool_result"
---@field cache_control? anthropic.api.CacheControlEphemeral

---@alias anthropic.api.ToolSearchToolResultErrorCode "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"

---@class anthropic.api.ToolSearchToolResultErrorObject
---@field error_code anthropic.api.ToolSearchToolResultErrorCode
---@field error_message? string
---@field type "tool_search_tool_result_error"

---@class anthropic.api.ToolSearchToolResultErrorParam
---@field error_code anthropic.api.ToolSearchToolResultErrorCode
---@field type "tool_search_tool_result_error"
---@field error_message? string

---@class anthropic.api.ToolSearchToolSearchResultBlock
---@field tool_references anthropic.api.ToolReferenceBlock[]
---@field type "tool_search_tool_search_result"

---@class anthropic.api.ToolSearchToolSearchResultBlockParam
---@field tool_references anthropic.api.ToolReferenceBlockParam[]
---@field type "tool_search_tool_search_result"

---@class anthropic.api.ToolTextEditor20250124
---@field name "str_replace_editor"
---@field type "text_editor_20250124"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field input_examples? table<string, any>[]
---@field strict? boolean

---@class anthropic.api.ToolTextEditor20250429
---@field name "str_replace_based_edit_tool"
---@field type "text_editor_20250429"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field input_examples? table<string, any>[]
---@field strict? boolean

---@class anthropic.api.ToolTextEditor20250728
---@field name "str_replace_based_edit_tool"
---@field type "text_editor_20250728"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field input_examples? table<string, any>[]
---@field max_characters? number
---@field strict? boolean

---@alias anthropic.api.ToolUnion anthropic.api.Tool|anthropic.api.ToolBash20250124|anthropic.api.CodeExecutionTool20250522|anthropic.api.CodeExecutionTool20250825|anthropic.api.CodeExecutionTool20260120|anthropic.api.CodeExecutionTool20260521|anthropic.api.BrowserToolset20260801|anthropic.api.MemoryTool20250818|anthropic.api.ComputerToolset20260801|anthropic.api.ToolTextEditor20250124|anthropic.api.ToolTextEditor20250429|anthropic.api.ToolTextEditor20250728|anthropic.api.WebSearchTool20250305|anthropic.api.WebFetchTool20250910|anthropic.api.WebSearchTool20260209|anthropic.api.WebFetchTool20260209|anthropic.api.WebFetchTool20260309|anthropic.api.WebSearchTool20260318|anthropic.api.WebFetchTool20260318|anthropic.api.ToolSearchToolBm25_20251119|anthropic.api.ToolSearchToolRegex20251119

---@class anthropic.api.ToolUseBlock
---@field id string
---@field caller anthropic.api.DirectCaller|anthropic.api.ServerToolCaller|anthropic.api.ServerToolCaller20260120
---@field input any
---@field name string
---@field type "tool_use"
---@field toolset_name? string

---@class anthropic.api.ToolUseBlockParam
---@field id string
---@field input any
---@field name string
---@field type "tool_use"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field caller? anthropic.api.DirectCaller|anthropic.api.ServerToolCaller|anthropic.api.ServerToolCaller20260120
---@field toolset_name? string

---@alias anthropic.api.ToolUseCaller anthropic.api.DirectCaller|anthropic.api.ServerToolCaller|anthropic.api.ServerToolCaller20260120

---@alias anthropic.api.ToolsetToolUseBlock any|anthropic.api.ToolUseBlock

---@class anthropic.api.URLImageSource
---@field type "url"
---@field url string

---@class anthropic.api.URLPDFSource
---@field type "url"
---@field url string

---@class anthropic.api.Usage
---@field cache_creation? anthropic.api.CacheCreation
---@field cache_creation_input_tokens? number
---@field cache_read_input_tokens? number
---@field inference_geo? string
---@field input_tokens number
---@field output_tokens number
---@field output_tokens_details? anthropic.api.OutputTokensDetails
---@field server_tool_use? anthropic.api.ServerToolUsage
---@field service_tier? "standard"|"priority"|"batch"
---@field speed? "standard"|"fast"

---@class anthropic.api.UserLocation
---@field type "approximate"
---@field city? string
---@field country? string
---@field region? string
---@field timezone? string

---@class anthropic.api.UserMessageParam
---@field content anthropic.api.MessageContentParam
---@field role "user"

---@class anthropic.api.WebFetchBlock
---@field content anthropic.api.DocumentBlock
---@field retrieved_at? string
---@field type "web_fetch_result"
---@field url string

---@class anthropic.api.WebFetchBlockParam
---@field content anthropic.api.DocumentBlockParam
---@field type "web_fetch_result"
---@field url string
---@field retrieved_at? string

---@class anthropic.api.WebFetchTool20250910
---@field name "web_fetch"
---@field type "web_fetch_20250910"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field allowed_domains? string[]
---@field blocked_domains? string[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field citations? anthropic.api.CitationsConfigParam
---@field defer_loading? boolean
---@field max_content_tokens? number
---@field max_uses? number
---@field strict? boolean
---@field url_sources? anthropic.api.WebFetchURLSources

---@class anthropic.api.WebFetchTool20260209
---@field name "web_fetch"
---@field type "web_fetch_20260209"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field allowed_domains? string[]
---@field blocked_domains? string[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field citations? anthropic.api.CitationsConfigParam
---@field defer_loading? boolean
---@field max_content_tokens? number
---@field max_uses? number
---@field strict? boolean
---@field url_sources? anthropic.api.WebFetchURLSources

---@class anthropic.api.WebFetchTool20260309
---@field name "web_fetch"
---@field type "web_fetch_20260309"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field allowed_domains? string[]
---@field blocked_domains? string[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field citations? anthropic.api.CitationsConfigParam
---@field defer_loading? boolean
---@field max_content_tokens? number
---@field max_uses? number
---@field strict? boolean
---@field url_sources? anthropic.api.WebFetchURLSources
---@field use_cache? boolean

---@class anthropic.api.WebFetchTool20260318
---@field name "web_fetch"
---@field type "web_fetch_20260318"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field allowed_domains? string[]
---@field blocked_domains? string[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field citations? anthropic.api.CitationsConfigParam
---@field defer_loading? boolean
---@field max_content_tokens? number
---@field max_uses? number
---@field response_inclusion? "full"|"excluded"
---@field strict? boolean
---@field url_sources? anthropic.api.WebFetchURLSources
---@field use_cache? boolean

---@class anthropic.api.WebFetchToolResultBlock
---@field caller anthropic.api.DirectCaller|anthropic.api.ServerToolCaller|anthropic.api.ServerToolCaller20260120
---@field content anthropic.api.WebFetchToolResultErrorBlock|anthropic.api.WebFetchBlock
---@field tool_use_id string
---@field type "web_fetch_tool_result"

---@class anthropic.api.WebFetchToolResultBlockParam
---@field content anthropic.api.WebFetchToolResultErrorBlockParam|anthropic.api.WebFetchBlockParam
---@field tool_use_id string
---@field type "web_fetch_tool_result"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field caller? anthropic.api.DirectCaller|anthropic.api.ServerToolCaller|anthropic.api.ServerToolCaller20260120

---@class anthropic.api.WebFetchToolResultErrorBlock
---@field error_code anthropic.api.WebFetchToolResultErrorCode
---@field type "web_fetch_tool_result_error"

---@class anthropic.api.WebFetchToolResultErrorBlockParam
---@field error_code anthropic.api.WebFetchToolResultErrorCode
---@field type "web_fetch_tool_result_error"

---@alias anthropic.api.WebFetchToolResultErrorCode "invalid_tool_input"|"url_too_long"|"url_not_allowed"|"url_not_in_prior_context"|"url_not_accessible"|"unsupported_content_type"|"too_many_requests"|"max_uses_exceeded"|"unavailable"|"content_too_large"

---@class anthropic.api.WebFetchURLSourceAll
---@field type "all"

---@class anthropic.api.WebFetchURLSourceExcept
---@field tools anthropic.api.WebFetchURLSourceToolReference[]
---@field type "except"

---@class anthropic.api.WebFetchURLSourceNone
---@field type "none"

---@class anthropic.api.WebFetchURLSourceOnly
---@field tools anthropic.api.WebFetchURLSourceToolReference[]
---@field type "only"

---@class anthropic.api.WebFetchURLSourceToolReference
---@field name string
---@field type "tool_reference"

---@class anthropic.api.WebFetchURLSources
---@field client_tool_results? anthropic.api.WebFetchURLSourceAll|anthropic.api.WebFetchURLSourceNone|anthropic.api.WebFetchURLSourceOnly|anthropic.api.WebFetchURLSourceExcept
---@field server_tool_results? anthropic.api.WebFetchURLSourceAll|anthropic.api.WebFetchURLSourceNone|anthropic.api.WebFetchURLSourceOnly|anthropic.api.WebFetchURLSourceExcept
---@field user_input? anthropic.api.WebFetchURLSourceAll|anthropic.api.WebFetchURLSourceNone

---@class anthropic.api.WebSearchResultBlock
---@field encrypted_content string
---@field page_age? string
---@field title string
---@field type "web_search_result"
---@field url string

---@class anthropic.api.WebSearchResultBlockParam
---@field encrypted_content string
---@field title string
---@field type "web_search_result"
---@field url string
---@field page_age? string

---@class anthropic.api.WebSearchTool20250305
---@field name "web_search"
---@field type "web_search_20250305"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field allowed_domains? string[]
---@field blocked_domains? string[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field max_uses? number
---@field strict? boolean
---@field user_location? anthropic.api.UserLocation

---@class anthropic.api.WebSearchTool20260209
---@field name "web_search"
---@field type "web_search_20260209"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field allowed_domains? string[]
---@field blocked_domains? string[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field max_uses? number
---@field strict? boolean
---@field user_location? anthropic.api.UserLocation

---@class anthropic.api.WebSearchTool20260318
---@field name "web_search"
---@field type "web_search_20260318"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field allowed_domains? string[]
---@field blocked_domains? string[]
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field defer_loading? boolean
---@field max_uses? number
---@field response_inclusion? "full"|"excluded"
---@field strict? boolean
---@field user_location? anthropic.api.UserLocation

---@class anthropic.api.WebSearchToolRequestErrorObject
---@field error_code anthropic.api.WebSearchToolResultErrorCode
---@field type "web_search_tool_result_error"

---@class anthropic.api.WebSearchToolResultBlock
---@field caller anthropic.api.DirectCaller|anthropic.api.ServerToolCaller|anthropic.api.ServerToolCaller20260120
---@field content anthropic.api.WebSearchToolResultBlockContent
---@field tool_use_id string
---@field type "web_search_tool_result"

---@alias anthropic.api.WebSearchToolResultBlockContent anthropic.api.WebSearchToolResultErrorObject|anthropic.api.WebSearchResultBlock[]

---@class anthropic.api.WebSearchToolResultBlockParam
---@field content anthropic.api.WebSearchToolResultBlockParamContent
---@field tool_use_id string
---@field type "web_search_tool_result"
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field caller? anthropic.api.DirectCaller|anthropic.api.ServerToolCaller|anthropic.api.ServerToolCaller20260120

---@alias anthropic.api.WebSearchToolResultBlockParamContent anthropic.api.WebSearchResultBlockParam[]|anthropic.api.WebSearchToolRequestErrorObject

---@alias anthropic.api.WebSearchToolResultErrorCode "invalid_tool_input"|"unavailable"|"max_uses_exceeded"|"too_many_requests"|"query_too_long"|"request_too_large"

---@class anthropic.api.WebSearchToolResultErrorObject
---@field error_code anthropic.api.WebSearchToolResultErrorCode
---@field type "web_search_tool_result_error"

---@alias anthropic.api.WebSearchToolResultError anthropic.api.WebSearchToolResultErrorObject

---@alias anthropic.api.WebSearchToolRequestError anthropic.api.WebSearchToolRequestErrorObject

---@alias anthropic.api.CodeExecutionToolResultError anthropic.api.CodeExecutionToolResultErrorObject

---@alias anthropic.api.BashCodeExecutionToolResultError anthropic.api.BashCodeExecutionToolResultErrorObject

---@alias anthropic.api.TextEditorCodeExecutionToolResultError anthropic.api.TextEditorCodeExecutionToolResultErrorObject

---@alias anthropic.api.ToolSearchToolResultError anthropic.api.ToolSearchToolResultErrorObject

---@alias anthropic.api.ResponseToolUseBlockUnion anthropic.api.ToolsetToolUseBlock

---@alias anthropic.api.ResponseBrowserToolUseBlock any

---@alias anthropic.api.ResponseBrowserCloseTabToolUseBlock any

---@alias anthropic.api.ResponseBrowserDoubleClickToolUseBlock any

---@alias anthropic.api.ResponseBrowserFileUploadToolUseBlock any

---@alias anthropic.api.ResponseBrowserFindToolUseBlock any

---@alias anthropic.api.ResponseBrowserFormInputToolUseBlock any

---@alias anthropic.api.ResponseBrowserGetPageTextToolUseBlock any

---@alias anthropic.api.ResponseBrowserHoldKeyToolUseBlock any

---@alias anthropic.api.ResponseBrowserHoverToolUseBlock any

---@alias anthropic.api.ResponseBrowserJavascriptExecToolUseBlock any

---@alias anthropic.api.ResponseBrowserKeyToolUseBlock any

---@alias anthropic.api.ResponseBrowserLeftClickDragToolUseBlock any

---@alias anthropic.api.ResponseBrowserLeftClickToolUseBlock any

---@alias anthropic.api.ResponseBrowserLeftMouseDownToolUseBlock any

---@alias anthropic.api.ResponseBrowserLeftMouseUpToolUseBlock any

---@alias anthropic.api.ResponseBrowserListTabsToolUseBlock any

---@alias anthropic.api.ResponseBrowserMiddleClickToolUseBlock any

---@alias anthropic.api.ResponseBrowserMouseMoveToolUseBlock any

---@alias anthropic.api.ResponseBrowserNavigateToolUseBlock any

---@alias anthropic.api.ResponseBrowserNewTabToolUseBlock any

---@alias anthropic.api.ResponseBrowserReadConsoleToolUseBlock any

---@alias anthropic.api.ResponseBrowserReadNetworkToolUseBlock any

---@alias anthropic.api.ResponseBrowserReadPageToolUseBlock any

---@alias anthropic.api.ResponseBrowserRightClickToolUseBlock any

---@alias anthropic.api.ResponseBrowserScreenshotToolUseBlock any

---@alias anthropic.api.ResponseBrowserScrollToToolUseBlock any

---@alias anthropic.api.ResponseBrowserScrollToolUseBlock any

---@alias anthropic.api.ResponseBrowserSwitchTabToolUseBlock any

---@alias anthropic.api.ResponseBrowserTripleClickToolUseBlock any

---@alias anthropic.api.ResponseBrowserTypeToolUseBlock any

---@alias anthropic.api.ResponseBrowserWaitToolUseBlock any

---@alias anthropic.api.ResponseBrowserZoomToolUseBlock any

---@alias anthropic.api.ResponseComputerToolUseBlock any

---@alias anthropic.api.ResponseComputerCursorPositionToolUseBlock any

---@alias anthropic.api.ResponseComputerDoubleClickToolUseBlock any

---@alias anthropic.api.ResponseComputerHoldKeyToolUseBlock any

---@alias anthropic.api.ResponseComputerKeyToolUseBlock any

---@alias anthropic.api.ResponseComputerLeftClickDragToolUseBlock any

---@alias anthropic.api.ResponseComputerLeftClickToolUseBlock any

---@alias anthropic.api.ResponseComputerLeftMouseDownToolUseBlock any

---@alias anthropic.api.ResponseComputerLeftMouseUpToolUseBlock any

---@alias anthropic.api.ResponseComputerMiddleClickToolUseBlock any

---@alias anthropic.api.ResponseComputerMouseMoveToolUseBlock any

---@alias anthropic.api.ResponseComputerRightClickToolUseBlock any

---@alias anthropic.api.ResponseComputerScreenshotToolUseBlock any

---@alias anthropic.api.ResponseComputerScrollToolUseBlock any

---@alias anthropic.api.ResponseComputerTripleClickToolUseBlock any

---@alias anthropic.api.ResponseComputerTypeToolUseBlock any

---@alias anthropic.api.ResponseComputerWaitToolUseBlock any

---@alias anthropic.api.ResponseComputerZoomToolUseBlock any

---@alias anthropic.api.MessageStreamEvent anthropic.api.RawMessageStreamEvent

---@alias anthropic.api.MessageStartEvent anthropic.api.RawMessageStartEvent

---@alias anthropic.api.MessageDeltaEvent anthropic.api.RawMessageDeltaEvent

---@alias anthropic.api.MessageStopEvent anthropic.api.RawMessageStopEvent

---@alias anthropic.api.ContentBlockStartEvent anthropic.api.RawContentBlockStartEvent

---@alias anthropic.api.ContentBlockDeltaEvent anthropic.api.RawContentBlockDeltaEvent

---@alias anthropic.api.ContentBlockStopEvent anthropic.api.RawContentBlockStopEvent

---@alias anthropic.api.MessageCreateParams anthropic.api.MessageCreateParamsNonStreaming|anthropic.api.MessageCreateParamsStreaming

---@class anthropic.api.MessageCreateParamsBase
---@field max_tokens number
---@field messages anthropic.api.MessageParam[]
---@field model? anthropic.api.Model
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field container? anthropic.api.MessageCreateParamsContainer
---@field diagnostics? anthropic.api.DiagnosticsParam
---@field inference_geo? string
---@field metadata? anthropic.api.Metadata
---@field output_config? anthropic.api.OutputConfig
---@field service_tier? "auto"|"standard_only"
---@field speed? "standard"|"fast"
---@field stop_sequences? string[]
---@field stream? boolean
---@field system? string|anthropic.api.TextBlockParam[]
---@field thinking? anthropic.api.ThinkingConfigParam
---@field tool_choice? anthropic.api.ToolChoice
---@field tools? anthropic.api.ToolUnion[]
---@field user_profile_id? string
---@field workspace_id? string

---@class anthropic.api.MessageCreateParamsNonStreaming: anthropic.api.MessageCreateParamsBase
---@field stream? false

---@class anthropic.api.MessageCreateParamsStreaming: anthropic.api.MessageCreateParamsBase
---@field stream true

---@alias anthropic.api.MessageStreamParams any

---@class anthropic.api.MessageCountTokensParams
---@field messages anthropic.api.MessageParam[]
---@field model? anthropic.api.Model
---@field cache_control? anthropic.api.CacheControlEphemeral
---@field output_config? anthropic.api.OutputConfig
---@field speed? "standard"|"fast"
---@field system? string|anthropic.api.TextBlockParam[]
---@field thinking? anthropic.api.ThinkingConfigParam
---@field tool_choice? anthropic.api.ToolChoice
---@field tools? anthropic.api.MessageCountTokensTool[]
---@field user_profile_id? string
---@field workspace_id? string

---@class anthropic.api.BetaAdvisorMessageIterationUsage
---@field cache_creation? any
---@field cache_creation_input_tokens number
---@field cache_read_input_tokens number
---@field input_tokens number
---@field model anthropic.api.Model
---@field output_tokens number
---@field type "advisor_message"

---@class anthropic.api.BetaAdvisorRedactedResultBlock
---@field encrypted_content string
---@field stop_reason? string
---@field type "advisor_redacted_result"

---@class anthropic.api.BetaAdvisorRedactedResultBlockParam
---@field encrypted_content string
---@field type "advisor_redacted_result"
---@field stop_reason? string

---@class anthropic.api.BetaAdvisorResultBlock
---@field stop_reason? string
---@field text string
---@field type "advisor_result"

---@class anthropic.api.BetaAdvisorResultBlockParam
---@field text string
---@field type "advisor_result"
---@field stop_reason? string

---@class anthropic.api.BetaAdvisorTool20260301
---@field model anthropic.api.Model
---@field name "advisor"
---@field type "advisor_20260301"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? any
---@field caching? any
---@field defer_loading? boolean
---@field max_tokens? number
---@field max_uses? number
---@field strict? boolean

---@class anthropic.api.BetaAdvisorToolResultBlock
---@field content anthropic.api.BetaAdvisorToolResultErrorObject|anthropic.api.BetaAdvisorResultBlock|anthropic.api.BetaAdvisorRedactedResultBlock
---@field tool_use_id string
---@field type "advisor_tool_result"

---@class anthropic.api.BetaAdvisorToolResultBlockParam
---@field content anthropic.api.BetaAdvisorToolResultErrorParam|anthropic.api.BetaAdvisorResultBlockParam|anthropic.api.BetaAdvisorRedactedResultBlockParam
---@field tool_use_id string
---@field type "advisor_tool_result"
---@field cache_control? any

---@class anthropic.api.BetaAdvisorToolResultErrorObject
---@field error_code "max_uses_exceeded"|"prompt_too_long"|"too_many_requests"|"overloaded"|"unavailable"|"execution_time_exceeded"|"model_not_found"
---@field type "advisor_tool_result_error"

---@class anthropic.api.BetaAdvisorToolResultErrorParam
---@field error_code "max_uses_exceeded"|"prompt_too_long"|"too_many_requests"|"overloaded"|"unavailable"|"execution_time_exceeded"|"model_not_found"
---@field type "advisor_tool_result_error"

---@class anthropic.api.BetaAllThinkingTurns
---@field type "all"

---@alias anthropic.api.BetaBillTo "self"|"user_profile"

---@class anthropic.api.BetaBillingPolicy
---@field type "billing_policy"
---@field bill_to? anthropic.api.BetaBillTo

---@class anthropic.api.BetaCitationConfig
---@field enabled boolean

---@class anthropic.api.BetaCitationSearchResultLocation
---@field cited_text string
---@field end_block_index number
---@field search_result_index number
---@field source string
---@field start_block_index number
---@field title? string
---@field type "search_result_location"

---@class anthropic.api.BetaClearThinking20251015Edit
---@field type "clear_thinking_20251015"
---@field keep? anthropic.api.BetaThinkingTurns|anthropic.api.BetaAllThinkingTurns|"all"

---@class anthropic.api.BetaClearThinking20251015EditResponse
---@field cleared_input_tokens number
---@field cleared_thinking_turns number
---@field type "clear_thinking_20251015"

---@class anthropic.api.BetaClearToolUses20250919Edit
---@field type "clear_tool_uses_20250919"
---@field clear_at_least? anthropic.api.BetaInputTokensClearAtLeast
---@field clear_tool_inputs? boolean|string[]
---@field exclude_tools? string[]
---@field keep? anthropic.api.BetaToolUsesKeep
---@field trigger? anthropic.api.BetaInputTokensTrigger|anthropic.api.BetaToolUsesTrigger

---@class anthropic.api.BetaClearToolUses20250919EditResponse
---@field cleared_input_tokens number
---@field cleared_tool_uses number
---@field type "clear_tool_uses_20250919"

---@class anthropic.api.BetaCompact20260112Edit
---@field type "compact_20260112"
---@field instructions? string
---@field pause_after_compaction? boolean
---@field trigger? anthropic.api.BetaInputTokensTrigger

---@class anthropic.api.BetaCompactionBlock
---@field content? string
---@field encrypted_content? string
---@field type "compaction"
---@field signature? string
---@field tool_changes? (anthropic.api.BetaResponseToolAdditionBlock|anthropic.api.BetaResponseToolRemovalBlock)[]

---@class anthropic.api.BetaCompactionBlockParam
---@field type "compaction"
---@field cache_control? any
---@field content? string
---@field encrypted_content? string
---@field signature? string
---@field tool_changes? (anthropic.api.BetaRequestToolAdditionBlock|anthropic.api.BetaRequestToolRemovalBlock)[]

---@class anthropic.api.BetaCompactionConfig
---@field type "summarize"
---@field instructions? string

---@class anthropic.api.BetaCompactionContentBlockDelta
---@field content? string
---@field encrypted_content? string
---@field type "compaction_delta"

---@class anthropic.api.BetaCompactionIterationUsage
---@field cache_creation? any
---@field cache_creation_input_tokens number
---@field cache_read_input_tokens number
---@field input_tokens number
---@field output_tokens number
---@field type "compaction"

---@class anthropic.api.BetaContextManagementConfig
---@field edits? (anthropic.api.BetaClearToolUses20250919Edit|anthropic.api.BetaClearThinking20251015Edit|anthropic.api.BetaCompact20260112Edit)[]

---@class anthropic.api.BetaContextManagementResponse
---@field applied_edits (anthropic.api.BetaClearToolUses20250919EditResponse|anthropic.api.BetaClearThinking20251015EditResponse)[]

---@class anthropic.api.BetaCountTokensContextManagementResponse
---@field original_input_tokens number

---@class anthropic.api.BetaFallbackBlock
---@field from anthropic.api.BetaFallbackInfo
---@field to anthropic.api.BetaFallbackInfo
---@field trigger anthropic.api.BetaFallbackRefusalTrigger
---@field type "fallback"

---@class anthropic.api.BetaFallbackBlockParam
---@field from anthropic.api.BetaFallbackInfoParam
---@field to anthropic.api.BetaFallbackInfoParam
---@field type "fallback"
---@field trigger? any

---@class anthropic.api.BetaFallbackCreditNotApplied
---@field reason "body_mismatch"|"continuation_excluded"|"continuation_only"|"expired"|"invalid_target_model"|"not_enabled"|"reprice_unavailable"|"temporarily_unavailable"|"variant_fields_present"|"wrong_organization"|"wrong_platform"|"wrong_workspace"
---@field type "not_applied"
---@field remove_to_redeem? string[]

---@class anthropic.api.BetaFallbackCreditRedeemed
---@field type "redeemed"

---@class anthropic.api.BetaFallbackCreditTokenParam
---@field token string
---@field mode? "strict"|"best_effort"

---@class anthropic.api.BetaFallbackCreditUsage
---@field status anthropic.api.BetaFallbackCreditRedeemed|anthropic.api.BetaFallbackCreditNotApplied

---@class anthropic.api.BetaFallbackInfo
---@field model anthropic.api.Model

---@class anthropic.api.BetaFallbackInfoParam
---@field model anthropic.api.Model

---@class anthropic.api.BetaFallbackMessageIterationUsage
---@field cache_creation? any
---@field cache_creation_input_tokens number
---@field cache_read_input_tokens number
---@field input_tokens number
---@field model anthropic.api.Model
---@field output_tokens number
---@field type "fallback_message"

---@class anthropic.api.BetaFallbackParam
---@field model anthropic.api.Model
---@field max_tokens? number
---@field output_config? anthropic.api.BetaOutputConfig
---@field speed? "standard"|"fast"
---@field thinking? anthropic.api.BetaThinkingConfigEnabled|any|anthropic.api.BetaThinkingConfigAdaptive

---@class anthropic.api.BetaFallbackRefusalTrigger
---@field category? "cyber"|"bio"|"frontier_llm"|"reasoning_extraction"|"general_harms"
---@field type "refusal"

---@alias anthropic.api.BetaFallbacksParam anthropic.api.BetaFallbackParam[]|"default"

---@class anthropic.api.BetaInputTokensClearAtLeast
---@field type "input_tokens"
---@field value number

---@class anthropic.api.BetaInputTokensTrigger
---@field type "input_tokens"
---@field value number

---@alias anthropic.api.BetaInputTransformation anthropic.api.BetaThinkingDroppedInputTransformation|anthropic.api.BetaThinkingMismatchAllowedInputTransformation

---@alias anthropic.api.BetaIterationsUsage (anthropic.api.BetaMessageIterationUsage|anthropic.api.BetaCompactionIterationUsage|anthropic.api.BetaAdvisorMessageIterationUsage|anthropic.api.BetaFallbackMessageIterationUsage)[]

---@class anthropic.api.BetaMCPTool
---@field input_schema table<string, any>
---@field name string
---@field description? string

---@class anthropic.api.BetaMCPToolConfig
---@field defer_loading? boolean
---@field enabled? boolean

---@class anthropic.api.BetaMCPToolDefaultConfig
---@field defer_loading? boolean
---@field enabled? boolean

---@class anthropic.api.BetaMCPToolListingBlock
---@field mcp_server_name string
---@field tools anthropic.api.BetaMCPTool[]
---@field type "mcp_tool_listing"

---@class anthropic.api.BetaMCPToolListingBlockParam
---@field mcp_server_name string
---@field tools anthropic.api.BetaMCPToolParam[]
---@field type "mcp_tool_listing"

---@class anthropic.api.BetaMCPToolParam
---@field input_schema table<string, any>
---@field name string
---@field description? string

---@class anthropic.api.BetaMCPToolResultBlock
---@field content string|any[]
---@field is_error boolean
---@field tool_use_id string
---@field type "mcp_tool_result"

---@class anthropic.api.BetaMCPToolUseBlock
---@field id string
---@field input any
---@field name string
---@field server_name string
---@field type "mcp_tool_use"

---@class anthropic.api.BetaMCPToolUseBlockParam
---@field id string
---@field input any
---@field name string
---@field server_name string
---@field type "mcp_tool_use"
---@field cache_control? any

---@class anthropic.api.BetaMCPToolset
---@field mcp_server_name string
---@field type "mcp_toolset"
---@field cache_control? any
---@field configs? table<string, anthropic.api.BetaMCPToolConfig>
---@field default_config? anthropic.api.BetaMCPToolDefaultConfig
---@field tools? anthropic.api.BetaMCPToolParam[]

---@alias anthropic.api.BetaMemoryTool20250818Command anthropic.api.BetaMemoryTool20250818ViewCommand|anthropic.api.BetaMemoryTool20250818CreateCommand|anthropic.api.BetaMemoryTool20250818StrReplaceCommand|anthropic.api.BetaMemoryTool20250818InsertCommand|anthropic.api.BetaMemoryTool20250818DeleteCommand|anthropic.api.BetaMemoryTool20250818RenameCommand

---@class anthropic.api.BetaMemoryTool20250818CreateCommand
---@field command "create"
---@field file_text string
---@field path string

---@class anthropic.api.BetaMemoryTool20250818DeleteCommand
---@field command "delete"
---@field path string

---@class anthropic.api.BetaMemoryTool20250818InsertCommand
---@field command "insert"
---@field insert_line number
---@field insert_text string
---@field path string

---@class anthropic.api.BetaMemoryTool20250818RenameCommand
---@field command "rename"
---@field new_path string
---@field old_path string

---@class anthropic.api.BetaMemoryTool20250818StrReplaceCommand
---@field command "str_replace"
---@field new_str string
---@field old_str string
---@field path string

---@class anthropic.api.BetaMemoryTool20250818ViewCommand
---@field command "view"
---@field path string
---@field view_range? number[]

---@class anthropic.api.BetaMessageIterationUsage
---@field cache_creation? any
---@field cache_creation_input_tokens number
---@field cache_read_input_tokens number
---@field input_tokens number
---@field model? anthropic.api.Model
---@field output_tokens number
---@field type "message"

---@alias anthropic.api.BetaMessageThreadParam anthropic.api.BetaThreadCreateParams|anthropic.api.BetaThreadContinueParams

---@class anthropic.api.BetaRequestDocumentBlock
---@field source any
---@field type "document"
---@field cache_control? any
---@field citations? any
---@field context? string
---@field title? string

---@class anthropic.api.BetaRequestMCPServerToolConfiguration
---@field allowed_tools? string[]
---@field enabled? boolean

---@class anthropic.api.BetaRequestMCPServerURLDefinition
---@field name string
---@field type "url"
---@field url string
---@field authorization_token? string
---@field tool_configuration? anthropic.api.BetaRequestMCPServerToolConfiguration

---@class anthropic.api.BetaRequestMCPToolResultBlockParam
---@field tool_use_id string
---@field type "mcp_tool_result"
---@field cache_control? any
---@field content? string|any[]
---@field is_error? boolean

---@class anthropic.api.BetaRequestToolAdditionBlock
---@field tool anthropic.api.BetaToolChangeToolReference|anthropic.api.BetaToolChangeMCPToolReference|anthropic.api.BetaToolChangeMCPToolsetReference|anthropic.api.BetaToolChangeToolDefinitionParam
---@field type "tool_addition"
---@field cache_control? any

---@class anthropic.api.BetaRequestToolRemovalBlock
---@field tool anthropic.api.BetaToolChangeToolReference|anthropic.api.BetaToolChangeMCPToolReference|anthropic.api.BetaToolChangeMCPToolsetReference
---@field type "tool_removal"
---@field cache_control? any

---@class anthropic.api.BetaResponseTool
---@field input_schema anthropic.api.BetaResponseToolInputSchema
---@field name string
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field defer_loading? boolean
---@field description? string
---@field eager_input_streaming? boolean
---@field input_examples? table<string, any>[]
---@field strict? boolean
---@field type? "custom"

---@class anthropic.api.BetaResponseToolAdditionBlock
---@field tool anthropic.api.BetaResponseToolChangeToolReference|anthropic.api.BetaResponseToolChangeMCPToolReference|anthropic.api.BetaResponseToolChangeMCPToolsetReference|anthropic.api.BetaToolChangeToolDefinition
---@field type "tool_addition"

---@class anthropic.api.BetaResponseToolChangeMCPToolReference
---@field name string
---@field server_name string
---@field type "mcp_tool_reference"

---@class anthropic.api.BetaResponseToolChangeMCPToolsetReference
---@field server_name string
---@field type "mcp_toolset_reference"

---@class anthropic.api.BetaResponseToolChangeToolReference
---@field name string
---@field type "tool_reference"

---@class anthropic.api.BetaResponseToolInputSchema
---@field type "object"
---@field properties? table<string, any>
---@field required? string[]

---@class anthropic.api.BetaResponseToolRemovalBlock
---@field tool anthropic.api.BetaResponseToolChangeToolReference|anthropic.api.BetaResponseToolChangeMCPToolReference|anthropic.api.BetaResponseToolChangeMCPToolsetReference
---@field type "tool_removal"

---@alias anthropic.api.BetaResponseToolUnion anthropic.api.BetaResponseTool|anthropic.api.BetaToolBash20241022|any|anthropic.api.BetaToolComputerUse20241022|anthropic.api.BetaToolComputerUse20250124|anthropic.api.BetaToolTextEditor20241022|anthropic.api.BetaToolComputerUse20251124|anthropic.api.BetaAdvisorTool20260301|anthropic.api.BetaMCPToolset

---@class anthropic.api.BetaSummarizeCompaction
---@field type "summarize"
---@field instructions? string

---@class anthropic.api.BetaSystemMessageOutputConfig
---@field effort? "low"|"medium"|"high"|"xhigh"|"max"

---@class anthropic.api.BetaThinkingBlockBinding
---@field prefix_mismatch_behavior? anthropic.api.BetaThinkingPrefixMismatchBehavior

---@class anthropic.api.BetaThinkingDroppedInputTransformation
---@field path string
---@field reason "model_binding_mismatch"|"prefix_binding_mismatch"|"organization_binding_mismatch"|"end_user_binding_mismatch"
---@field type "thinking_dropped"

---@class anthropic.api.BetaThinkingMismatchAllowedInputTransformation
---@field path string
---@field reason "model_binding_mismatch"|"prefix_binding_mismatch"|"organization_binding_mismatch"|"end_user_binding_mismatch"
---@field type "thinking_mismatch_allowed"

---@alias anthropic.api.BetaThinkingPrefixMismatchBehavior "error"|"drop_block"

---@class anthropic.api.BetaThinkingTurns
---@field type "thinking_turns"
---@field value number

---@class anthropic.api.BetaThreadContinueParams
---@field previous_message_id string
---@field type "continue"

---@class anthropic.api.BetaThreadCreateParams
---@field type "create"

---@class anthropic.api.BetaTokenTaskBudget
---@field total number
---@field type "tokens"
---@field remaining? number

---@class anthropic.api.BetaToolBash20241022
---@field name "bash"
---@field type "bash_20241022"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? any
---@field defer_loading? boolean
---@field input_examples? table<string, any>[]
---@field strict? boolean

---@class anthropic.api.BetaToolChangeMCPToolReference
---@field name string
---@field server_name string
---@field type "mcp_tool_reference"

---@class anthropic.api.BetaToolChangeMCPToolsetReference
---@field server_name string
---@field type "mcp_toolset_reference"

---@class anthropic.api.BetaToolChangeToolDefinition
---@field definition anthropic.api.BetaResponseToolUnion
---@field type "tool_definition"

---@class anthropic.api.BetaToolChangeToolDefinitionParam
---@field definition anthropic.api.BetaToolUnion
---@field type "tool_definition"

---@class anthropic.api.BetaToolChangeToolReference
---@field name string
---@field type "tool_reference"

---@class anthropic.api.BetaToolComputerUse20241022
---@field display_height_px number
---@field display_width_px number
---@field name "computer"
---@field type "computer_20241022"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? any
---@field defer_loading? boolean
---@field display_number? number
---@field input_examples? table<string, any>[]
---@field strict? boolean

---@class anthropic.api.BetaToolComputerUse20250124
---@field display_height_px number
---@field display_width_px number
---@field name "computer"
---@field type "computer_20250124"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? any
---@field defer_loading? boolean
---@field display_number? number
---@field input_examples? table<string, any>[]
---@field strict? boolean

---@class anthropic.api.BetaToolComputerUse20251124
---@field display_height_px number
---@field display_width_px number
---@field name "computer"
---@field type "computer_20251124"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? any
---@field defer_loading? boolean
---@field display_number? number
---@field enable_zoom? boolean
---@field input_examples? table<string, any>[]
---@field strict? boolean

---@alias anthropic.api.BetaToolResultContentBlockParam any

---@class anthropic.api.BetaToolTextEditor20241022
---@field name "str_replace_editor"
---@field type "text_editor_20241022"
---@field allowed_callers? ("direct"|"code_execution_20250825"|"code_execution_20260120"|"code_execution_20260521")[]
---@field cache_control? any
---@field defer_loading? boolean
---@field input_examples? table<string, any>[]
---@field strict? boolean

---@class anthropic.api.BetaToolUsesKeep
---@field type "tool_uses"
---@field value number

---@class anthropic.api.BetaToolUsesTrigger
---@field type "tool_uses"
---@field value number

---@alias anthropic.api.BetaBase64PDFBlock anthropic.api.BetaRequestDocumentBlock

---@alias anthropic.api.BetaAdvisorToolResultError anthropic.api.BetaAdvisorToolResultErrorObject

---@alias anthropic.api.BetaMessageStreamParams anthropic.api.MessageCreateParamsBase

---@class anthropic.api.BetaBashCodeExecutionToolResultErrorObject
---@field error_code "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"|"output_file_too_large"
---@field type "bash_code_execution_tool_result_error"

---@class anthropic.api.BetaBashCodeExecutionToolResultErrorParam
---@field error_code "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"|"output_file_too_large"
---@field type "bash_code_execution_tool_result_error"

---@class anthropic.api.BetaCitationsDelta
---@field citation any|anthropic.api.BetaCitationSearchResultLocation
---@field type "citations_delta"

---@alias anthropic.api.BetaClientToolUnion any|anthropic.api.BetaToolBash20241022|anthropic.api.BetaToolComputerUse20241022|anthropic.api.BetaToolComputerUse20250124|anthropic.api.BetaToolTextEditor20241022|anthropic.api.BetaToolComputerUse20251124

---@alias anthropic.api.BetaContentBlock any|anthropic.api.BetaToolUseBlock|anthropic.api.BetaServerToolUseBlock|anthropic.api.BetaWebSearchToolResultBlock|anthropic.api.BetaWebFetchToolResultBlock|anthropic.api.BetaAdvisorToolResultBlock|anthropic.api.BetaMCPToolUseBlock|anthropic.api.BetaMCPToolResultBlock|anthropic.api.BetaCompactionBlock|anthropic.api.BetaFallbackBlock|anthropic.api.BetaMCPToolListingBlock

---@alias anthropic.api.BetaContentBlockParam any|anthropic.api.BetaRequestDocumentBlock|anthropic.api.BetaToolResultBlockParam|anthropic.api.BetaServerToolUseBlockParam|anthropic.api.BetaAdvisorToolResultBlockParam|anthropic.api.BetaMCPToolUseBlockParam|anthropic.api.BetaRequestMCPToolResultBlockParam|anthropic.api.BetaCompactionBlockParam|anthropic.api.BetaRequestToolAdditionBlock|anthropic.api.BetaRequestToolRemovalBlock|anthropic.api.BetaMCPToolListingBlockParam|anthropic.api.BetaFallbackBlockParam

---@class anthropic.api.BetaDocumentBlock
---@field citations? anthropic.api.BetaCitationConfig
---@field source any
---@field title? string
---@field type "document"

---@class anthropic.api.BetaMessage
---@field id string
---@field container? any
---@field content anthropic.api.BetaContentBlock[]
---@field context_management? anthropic.api.BetaContextManagementResponse
---@field diagnostics? any
---@field model anthropic.api.Model
---@field role "assistant"
---@field stop_details? anthropic.api.BetaRefusalStopDetails
---@field stop_reason? anthropic.api.BetaStopReason
---@field stop_sequence? string
---@field type "message"
---@field usage anthropic.api.BetaUsage
---@field input_transformations? anthropic.api.BetaInputTransformation[]

---@class anthropic.api.BetaMessageDeltaUsage
---@field cache_creation_input_tokens? number
---@field cache_read_input_tokens? number
---@field fallback_credit? anthropic.api.BetaFallbackCreditUsage
---@field input_tokens? number
---@field iterations? anthropic.api.BetaIterationsUsage
---@field output_tokens number
---@field output_tokens_details? any
---@field server_tool_use? any

---@class anthropic.api.BetaMessageTokensCount
---@field context_management? anthropic.api.BetaCountTokensContextManagementResponse
---@field input_tokens number
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.BetaOutputConfig
---@field effort? "low"|"medium"|"high"|"xhigh"|"max"
---@field format? any
---@field task_budget? anthropic.api.BetaTokenTaskBudget

---@alias anthropic.api.BetaRawContentBlockDelta any|anthropic.api.BetaCitationsDelta|anthropic.api.BetaThinkingDelta|anthropic.api.BetaCompactionContentBlockDelta

---@class anthropic.api.BetaRawContentBlockStartEvent
---@field content_block any|anthropic.api.BetaToolUseBlock|anthropic.api.BetaServerToolUseBlock|anthropic.api.BetaWebSearchToolResultBlock|anthropic.api.BetaWebFetchToolResultBlock|anthropic.api.BetaAdvisorToolResultBlock|anthropic.api.BetaMCPToolUseBlock|anthropic.api.BetaMCPToolResultBlock|anthropic.api.BetaCompactionBlock|anthropic.api.BetaFallbackBlock|anthropic.api.BetaMCPToolListingBlock
---@field index number
---@field type "content_block_start"

---@class anthropic.api.BetaRawMessageDeltaEvent
---@field context_management? anthropic.api.BetaContextManagementResponse
---@field delta any
---@field type "message_delta"
---@field usage anthropic.api.BetaMessageDeltaUsage
---@field input_transformations? anthropic.api.BetaInputTransformation[]

---@class anthropic.api.BetaRefusalStopDetails
---@field category? "cyber"|"bio"|"frontier_llm"|"reasoning_extraction"|"general_harms"
---@field explanation? string
---@field fallback_credit_token? string
---@field fallback_has_prefill_claim? boolean
---@field recommended_model? string
---@field type "refusal"

---@class anthropic.api.BetaServerToolUseBlock
---@field id string
---@field input table<string, any>
---@field name "advisor"|"web_search"|"web_fetch"|"code_execution"|"bash_code_execution"|"text_editor_code_execution"|"tool_search_tool_regex"|"tool_search_tool_bm25"
---@field type "server_tool_use"
---@field caller? any

---@class anthropic.api.BetaServerToolUseBlockParam
---@field id string
---@field input any
---@field name "advisor"|"web_search"|"web_fetch"|"code_execution"|"bash_code_execution"|"text_editor_code_execution"|"tool_search_tool_regex"|"tool_search_tool_bm25"
---@field type "server_tool_use"
---@field cache_control? any
---@field caller? any

---@alias anthropic.api.BetaStopReason "end_turn"|"max_tokens"|"stop_sequence"|"tool_use"|"pause_turn"|"compaction"|"refusal"|"model_context_window_exceeded"

---@class anthropic.api.BetaSystemMessageParam
---@field role "system"
---@field clear_at? "next_user_message"|"never"
---@field content? string|(any|anthropic.api.BetaRequestToolAdditionBlock|anthropic.api.BetaRequestToolRemovalBlock)[]
---@field output_config? anthropic.api.BetaSystemMessageOutputConfig

---@alias anthropic.api.BetaTextCitation any|anthropic.api.BetaCitationSearchResultLocation

---@class anthropic.api.BetaTextEditorCodeExecutionToolResultErrorObject
---@field error_code "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"|"file_not_found"
---@field error_message? string
---@field type "text_editor_code_execution_tool_result_error"

---@class anthropic.api.BetaTextEditorCodeExecutionToolResultErrorParam
---@field error_code "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"|"file_not_found"
---@field type "text_editor_code_execution_tool_result_error"
---@field error_message? string

---@class anthropic.api.BetaThinkingConfigAdaptive
---@field type "adaptive"
---@field block_binding? anthropic.api.BetaThinkingBlockBinding
---@field display? "summarized"|"omitted"|"updates"

---@class anthropic.api.BetaThinkingConfigEnabled
---@field budget_tokens number
---@field type "enabled"
---@field block_binding? anthropic.api.BetaThinkingBlockBinding
---@field display? "summarized"|"omitted"|"updates"

---@class anthropic.api.BetaThinkingDelta
---@field estimated_tokens? number
---@field thinking string
---@field type "thinking_delta"

---@class anthropic.api.BetaToolResultBlockParam
---@field tool_use_id string
---@field type "tool_result"
---@field cache_control? any
---@field content? string|(any|anthropic.api.BetaRequestDocumentBlock)[]
---@field is_error? boolean
---@field toolset_name? string

---@class anthropic.api.BetaToolSearchToolResultErrorObject
---@field error_code "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"
---@field error_message? string
---@field type "tool_search_tool_result_error"

---@class anthropic.api.BetaToolSearchToolResultErrorParam
---@field error_code "invalid_tool_input"|"unavailable"|"too_many_requests"|"execution_time_exceeded"
---@field type "tool_search_tool_result_error"
---@field error_message? string

---@alias anthropic.api.BetaToolUnion any|anthropic.api.BetaToolBash20241022|anthropic.api.BetaToolComputerUse20241022|anthropic.api.BetaToolComputerUse20250124|anthropic.api.BetaToolTextEditor20241022|anthropic.api.BetaToolComputerUse20251124|anthropic.api.BetaAdvisorTool20260301|anthropic.api.BetaMCPToolset

---@class anthropic.api.BetaToolUseBlock
---@field id string
---@field input any
---@field name string
---@field type "tool_use"
---@field caller? any
---@field toolset_name? string

---@class anthropic.api.BetaUsage
---@field cache_creation? any
---@field cache_creation_input_tokens? number
---@field cache_read_input_tokens? number
---@field fallback_credit? anthropic.api.BetaFallbackCreditUsage
---@field inference_geo? string
---@field input_tokens number
---@field iterations? anthropic.api.BetaIterationsUsage
---@field output_tokens number
---@field output_tokens_details? any
---@field server_tool_use? any
---@field service_tier? "standard"|"priority"|"batch"
---@field speed? "standard"|"fast"

---@class anthropic.api.BetaWebFetchBlockParam
---@field content anthropic.api.BetaRequestDocumentBlock
---@field type "web_fetch_result"
---@field url string
---@field retrieved_at? string

---@class anthropic.api.BetaWebFetchToolResultBlock
---@field content any
---@field tool_use_id string
---@field type "web_fetch_tool_result"
---@field caller? any

---@class anthropic.api.BetaWebSearchToolResultBlock
---@field content anthropic.api.BetaWebSearchToolResultBlockContent
---@field tool_use_id string
---@field type "web_search_tool_result"
---@field caller? any

---@alias anthropic.api.BetaWebSearchToolResultBlockContent any|any[]

---@class anthropic.api.BetaMessageCreateParamsBase
---@field max_tokens number
---@field messages any[]
---@field model? anthropic.api.Model
---@field billing_policy? anthropic.api.BetaBillingPolicy
---@field cache_control? any
---@field compaction? anthropic.api.BetaCompactionConfig
---@field container? any|string
---@field context_management? anthropic.api.BetaContextManagementConfig
---@field diagnostics? any
---@field fallback_credit_token? string|anthropic.api.BetaFallbackCreditTokenParam
---@field fallbacks? anthropic.api.BetaFallbacksParam
---@field inference_geo? string
---@field mcp_servers? anthropic.api.BetaRequestMCPServerURLDefinition[]
---@field metadata? any
---@field output_config? anthropic.api.BetaOutputConfig
---@field output_format? any
---@field service_tier? "auto"|"standard_only"
---@field speed? "standard"|"fast"
---@field stop_sequences? string[]
---@field stream? boolean
---@field system? string|any[]
---@field thinking? any
---@field thread? anthropic.api.BetaMessageThreadParam
---@field tool_choice? any
---@field tools? anthropic.api.BetaToolUnion[]
---@field betas? any[]
---@field user_profile_id? string
---@field workspace_id? string

---@class anthropic.api.BetaMessageCountTokensParams
---@field messages any[]
---@field model? anthropic.api.Model
---@field billing_policy? anthropic.api.BetaBillingPolicy
---@field cache_control? any
---@field compaction? anthropic.api.BetaCompactionConfig
---@field context_management? anthropic.api.BetaContextManagementConfig
---@field mcp_servers? anthropic.api.BetaRequestMCPServerURLDefinition[]
---@field output_config? anthropic.api.BetaOutputConfig
---@field output_format? any
---@field speed? "standard"|"fast"
---@field system? string|any[]
---@field thinking? any
---@field tool_choice? any
---@field tools? (any|anthropic.api.BetaToolBash20241022|anthropic.api.BetaToolComputerUse20241022|anthropic.api.BetaToolComputerUse20250124|anthropic.api.BetaToolTextEditor20241022|anthropic.api.BetaToolComputerUse20251124|anthropic.api.BetaAdvisorTool20260301|anthropic.api.BetaMCPToolset)[]
---@field betas? any[]
---@field user_profile_id? string
---@field workspace_id? string

---@class anthropic.api.APIKey
---@field id string
---@field created_at string
---@field created_by? anthropic.api.APIKeyCreatedBy
---@field expires_at? string
---@field name string
---@field partial_key_hint? string
---@field principal? anthropic.api.APIKeyUserActor|anthropic.api.APIKeyServiceAccountActor
---@field scope anthropic.api.APIKeyOrganizationScope|anthropic.api.APIKeyWorkspaceScope
---@field status "active"|"archived"|"expired"|"inactive"
---@field type "api_key"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.APIKeyCreatedBy
---@field id string
---@field type "service_account"|"user"

---@class anthropic.api.APIKeyOrganizationScope
---@field type "organization"

---@class anthropic.api.APIKeyServiceAccountActor
---@field service_account_id string
---@field type "service_account_actor"

---@class anthropic.api.APIKeyUserActor
---@field type "user_actor"
---@field user_id string

---@class anthropic.api.APIKeyWorkspaceScope
---@field type "workspace"
---@field workspace_id string

---@class anthropic.api.AWSExternalKeyConfig
---@field kms_arn string
---@field type "aws"
---@field region? string

---@alias anthropic.api.AllowedInferenceGeo "global"|"us"

---@class anthropic.api.AnalyticsArtifactActivity
---@field artifact_type string
---@field artifacts_created_count number
---@field distinct_user_count number
---@field is_shared boolean
---@field published_artifacts_created_count number
---@field product? string
---@field rbac_group_id? string
---@field rbac_group_name? string
---@field user_id? string

---@class anthropic.api.AnalyticsChatCoworkUnifiedChatMetrics
---@field connectors_used_count number
---@field distinct_artifacts_created_count number
---@field distinct_connectors_used_count? number
---@field distinct_conversation_count? number
---@field distinct_files_uploaded_count? number
---@field distinct_projects_created_count number
---@field distinct_projects_used_count? number
---@field distinct_shared_artifacts_viewed_count? number
---@field distinct_skills_used_count? number
---@field message_count number
---@field shared_conversations_viewed_count number
---@field thinking_message_count number

---@class anthropic.api.AnalyticsChatCoworkUnifiedMetrics
---@field chat anthropic.api.AnalyticsChatCoworkUnifiedChatMetrics
---@field sessions anthropic.api.AnalyticsChatCoworkUnifiedSessionsMetrics

---@class anthropic.api.AnalyticsChatCoworkUnifiedSessionsMetrics
---@field action_count number
---@field artifacts_created_count number
---@field connectors_used_count number
---@field dispatch_turn_count number
---@field distinct_connectors_used_count? number
---@field distinct_plugins_used_count? number
---@field distinct_session_count? number
---@field distinct_skills_used_count? number
---@field edit_tool_count? number
---@field file_edit_count? number
---@field message_count number
---@field multi_edit_tool_count? number
---@field notebook_edit_tool_count? number
---@field plugins_used_count? number
---@field sessions_with_file_edits_count? number
---@field skills_used_count number
---@field write_tool_count? number

---@class anthropic.api.AnalyticsChatMetrics
---@field connectors_used_count number
---@field distinct_artifacts_created_count number
---@field distinct_connectors_used_count? number
---@field distinct_conversation_count? number
---@field distinct_files_uploaded_count? number
---@field distinct_projects_created_count number
---@field distinct_projects_used_count? number
---@field distinct_shared_artifacts_viewed_count? number
---@field distinct_skills_used_count? number
---@field message_count number
---@field shared_conversations_viewed_count number
---@field thinking_message_count number

---@class anthropic.api.AnalyticsClaudeCodeMetrics
---@field core_metrics anthropic.api.AnalyticsCoreCodeMetrics
---@field tool_actions anthropic.api.AnalyticsToolActions

---@class anthropic.api.AnalyticsClaudeTagMetrics
---@field active_day_count? number
---@field active_message_count? number

---@class anthropic.api.AnalyticsConnectorActivity
---@field chat_metrics anthropic.api.AnalyticsConnectorChatMetrics
---@field claude_code_metrics anthropic.api.AnalyticsConnectorClaudeCodeMetrics
---@field connector_display_name? string
---@field connector_name string
---@field cowork_metrics anthropic.api.AnalyticsConnectorCoworkMetrics
---@field distinct_user_count number
---@field individual_auth_distinct_user_count? number
---@field managed_auth_distinct_user_count? number
---@field office_metrics anthropic.api.AnalyticsConnectorOfficeMetrics
---@field read_call_count? number
---@field unclassified_call_count? number
---@field write_call_count? number
---@field chat_cowork_unified_metrics? anthropic.api.AnalyticsConnectorChatCoworkUnifiedMetrics
---@field product? string
---@field rbac_group_id? string
---@field rbac_group_name? string
---@field user_id? string

---@class anthropic.api.AnalyticsConnectorChatCoworkUnifiedChatMetrics
---@field distinct_conversation_connector_used_count? number

---@class anthropic.api.AnalyticsConnectorChatCoworkUnifiedMetrics
---@field chat anthropic.api.AnalyticsConnectorChatCoworkUnifiedChatMetrics
---@field sessions anthropic.api.AnalyticsConnectorChatCoworkUnifiedSessionsMetrics

---@class anthropic.api.AnalyticsConnectorChatCoworkUnifiedSessionsMetrics
---@field distinct_session_connector_used_count? number

---@class anthropic.api.AnalyticsConnectorChatMetrics
---@field distinct_conversation_connector_used_count? number

---@class anthropic.api.AnalyticsConnectorClaudeCodeMetrics
---@field distinct_session_connector_used_count? number

---@class anthropic.api.AnalyticsConnectorCoworkMetrics
---@field distinct_session_connector_used_count? number

---@class anthropic.api.AnalyticsConnectorOfficeMetrics
---@field excel anthropic.api.AnalyticsConnectorOfficeProductMetrics
---@field outlook anthropic.api.AnalyticsConnectorOfficeProductMetrics
---@field powerpoint anthropic.api.AnalyticsConnectorOfficeProductMetrics
---@field word anthropic.api.AnalyticsConnectorOfficeProductMetrics

---@class anthropic.api.AnalyticsConnectorOfficeProductMetrics
---@field distinct_session_connector_used_count? number

---@class anthropic.api.AnalyticsCoreCodeMetrics
---@field artifacts_created_count number
---@field commit_count number
---@field distinct_session_count? number
---@field lines_of_code anthropic.api.AnalyticsLinesOfCode
---@field pull_request_count number

---@class anthropic.api.AnalyticsCoworkMetrics
---@field action_count number
---@field artifacts_created_count number
---@field connectors_used_count number
---@field dispatch_turn_count number
---@field distinct_connectors_used_count? number
---@field distinct_plugins_used_count? number
---@field distinct_session_count? number
---@field distinct_skills_used_count? number
---@field edit_tool_count? number
---@field file_edit_count? number
---@field message_count number
---@field multi_edit_tool_count? number
---@field notebook_edit_tool_count? number
---@field plugins_used_count? number
---@field sessions_with_file_edits_count? number
---@field skills_used_count number
---@field write_tool_count? number

---@class anthropic.api.AnalyticsDesignMetrics
---@field distinct_projects_created_count number
---@field distinct_projects_used_count? number
---@field distinct_session_count? number
---@field message_count number

---@class anthropic.api.AnalyticsLinesOfCode
---@field added_count number
---@field removed_count number

---@class anthropic.api.AnalyticsOfficeMetrics
---@field excel anthropic.api.AnalyticsOfficeProductMetrics
---@field outlook anthropic.api.AnalyticsOfficeProductMetrics
---@field powerpoint anthropic.api.AnalyticsOfficeProductMetrics
---@field word anthropic.api.AnalyticsOfficeProductMetrics

---@class anthropic.api.AnalyticsOfficeProductMetrics
---@field connectors_used_count number
---@field distinct_connectors_used_count? number
---@field distinct_session_count? number
---@field distinct_skills_used_count? number
---@field message_count number
---@field skills_used_count number

---@class anthropic.api.AnalyticsPluginActivity
---@field claude_code_metrics anthropic.api.AnalyticsPluginClaudeCodeMetrics
---@field cowork_metrics anthropic.api.AnalyticsPluginCoworkMetrics
---@field distinct_user_count number
---@field install_count? number
---@field invocation_count number
---@field plugin_id? string
---@field plugin_name string
---@field chat_cowork_unified_metrics? anthropic.api.AnalyticsPluginChatCoworkUnifiedMetrics
---@field product? string
---@field rbac_group_id? string
---@field rbac_group_name? string
---@field user_id? string

---@class anthropic.api.AnalyticsPluginChatCoworkUnifiedMetrics
---@field distinct_session_plugin_used_count? number

---@class anthropic.api.AnalyticsPluginClaudeCodeMetrics
---@field distinct_session_plugin_used_count? number

---@class anthropic.api.AnalyticsPluginCoworkMetrics
---@field distinct_session_plugin_used_count? number

---@class anthropic.api.AnalyticsProjectActivity
---@field created_at? string
---@field created_by? anthropic.api.AnalyticsUser
---@field distinct_conversation_count? number
---@field distinct_user_count number
---@field message_count number
---@field project_id string
---@field project_name string
---@field rbac_group_id? string
---@field rbac_group_name? string
---@field user_id? string

---@class anthropic.api.AnalyticsScienceMetrics
---@field delegation_count number
---@field distinct_session_count? number
---@field message_count number
---@field remote_compute_job_count number
---@field skills_used_count number

---@class anthropic.api.AnalyticsSingleDayActivitySummary
---@field assigned_seat_count? number
---@field cowork_daily_active_user_count number
---@field cowork_monthly_active_user_count number
---@field cowork_weekly_active_user_count number
---@field daily_active_user_count number
---@field daily_adoption_rate? number
---@field ending_at string
---@field monthly_active_user_count number
---@field monthly_adoption_rate? number
---@field pending_invite_count? number
---@field starting_at string
---@field weekly_active_user_count number
---@field weekly_adoption_rate? number
---@field chat_cowork_unified_daily_active_user_count? number
---@field chat_cowork_unified_monthly_active_user_count? number
---@field chat_cowork_unified_weekly_active_user_count? number
---@field chat_daily_active_user_count? number
---@field chat_monthly_active_user_count? number
---@field chat_weekly_active_user_count? number
---@field claude_code_daily_active_user_count? number
---@field claude_code_monthly_active_user_count? number
---@field claude_code_weekly_active_user_count? number
---@field claude_design_daily_active_user_count? number
---@field claude_design_monthly_active_user_count? number
---@field claude_design_weekly_active_user_count? number
---@field claude_tag_daily_active_user_count? number
---@field claude_tag_monthly_active_user_count? number
---@field claude_tag_weekly_active_user_count? number
---@field office_agent_daily_active_user_count? number
---@field office_agent_monthly_active_user_count? number
---@field office_agent_weekly_active_user_count? number
---@field science_daily_active_user_count? number
---@field science_entitled_user_count? number
---@field science_monthly_active_user_count? number
---@field science_weekly_active_user_count? number

---@class anthropic.api.AnalyticsSkillActivity
---@field attributed_list_price? string
---@field chat_metrics anthropic.api.AnalyticsSkillChatMetrics
---@field claude_code_metrics anthropic.api.AnalyticsSkillClaudeCodeMetrics
---@field cowork_metrics anthropic.api.AnalyticsSkillCoworkMetrics
---@field currency? string
---@field distinct_user_count number
---@field enable_count? number
---@field estimated_overage_spend? string
---@field invocation_count? number
---@field office_metrics anthropic.api.AnalyticsSkillOfficeMetrics
---@field share_status? "organization"|"private"|"public"
---@field skill_display_name? string
---@field skill_name string
---@field chat_cowork_unified_metrics? anthropic.api.AnalyticsSkillChatCoworkUnifiedMetrics
---@field product? string
---@field rbac_group_id? string
---@field rbac_group_name? string
---@field user_id? string

---@class anthropic.api.AnalyticsSkillChatCoworkUnifiedChatMetrics
---@field distinct_conversation_skill_used_count? number

---@class anthropic.api.AnalyticsSkillChatCoworkUnifiedMetrics
---@field chat anthropic.api.AnalyticsSkillChatCoworkUnifiedChatMetrics
---@field sessions anthropic.api.AnalyticsSkillChatCoworkUnifiedSessionsMetrics

---@class anthropic.api.AnalyticsSkillChatCoworkUnifiedSessionsMetrics
---@field distinct_session_skill_used_count? number

---@class anthropic.api.AnalyticsSkillChatMetrics
---@field distinct_conversation_skill_used_count? number

---@class anthropic.api.AnalyticsSkillClaudeCodeMetrics
---@field distinct_session_skill_used_count? number

---@class anthropic.api.AnalyticsSkillCoworkMetrics
---@field distinct_session_skill_used_count? number

---@class anthropic.api.AnalyticsSkillOfficeMetrics
---@field excel anthropic.api.AnalyticsSkillOfficeProductMetrics
---@field outlook anthropic.api.AnalyticsSkillOfficeProductMetrics
---@field powerpoint anthropic.api.AnalyticsSkillOfficeProductMetrics
---@field word anthropic.api.AnalyticsSkillOfficeProductMetrics

---@class anthropic.api.AnalyticsSkillOfficeProductMetrics
---@field distinct_session_skill_used_count? number

---@class anthropic.api.AnalyticsToolActionCounts
---@field accepted_count number
---@field rejected_count number

---@class anthropic.api.AnalyticsToolActions
---@field edit_tool anthropic.api.AnalyticsToolActionCounts
---@field multi_edit_tool anthropic.api.AnalyticsToolActionCounts
---@field notebook_edit_tool anthropic.api.AnalyticsToolActionCounts
---@field write_tool anthropic.api.AnalyticsToolActionCounts

---@class anthropic.api.AnalyticsUser
---@field id string
---@field email_address string
---@field type "user"

---@class anthropic.api.AnalyticsUserActivity
---@field chat_metrics anthropic.api.AnalyticsChatMetrics
---@field claude_code_metrics anthropic.api.AnalyticsClaudeCodeMetrics
---@field cowork_metrics anthropic.api.AnalyticsCoworkMetrics
---@field design_metrics anthropic.api.AnalyticsDesignMetrics
---@field distinct_user_count? number
---@field office_metrics anthropic.api.AnalyticsOfficeMetrics
---@field science_metrics anthropic.api.AnalyticsScienceMetrics
---@field user? anthropic.api.AnalyticsUser
---@field web_search_count number
---@field chat_cowork_unified_metrics? anthropic.api.AnalyticsChatCoworkUnifiedMetrics
---@field claude_tag_metrics? anthropic.api.AnalyticsClaudeTagMetrics
---@field last_activity_date? string
---@field rbac_group_id? string
---@field rbac_group_name? string

---@class anthropic.api.AzureExternalKeyConfig
---@field key_name string
---@field tenant_id string
---@field type "azure"
---@field vault_uri string
---@field client_id? string

---@class anthropic.api.CapabilitySupport
---@field supported boolean

---@alias anthropic.api.ComplianceSettingsState anthropic.api.ComplianceSettingsStateEnabled|anthropic.api.ComplianceSettingsStateDisabled

---@class anthropic.api.ComplianceSettingsStateDisabled
---@field type "disabled"

---@class anthropic.api.ComplianceSettingsStateEnabled
---@field type "enabled"

---@class anthropic.api.ContextManagementCapability
---@field clear_thinking_20251015? anthropic.api.CapabilitySupport
---@field clear_tool_uses_20250919? anthropic.api.CapabilitySupport
---@field compact_20260112? anthropic.api.CapabilitySupport
---@field supported boolean

---@class anthropic.api.DataResidency
---@field allowed_inference_geos anthropic.api.AllowedInferenceGeo[]|"unrestricted"
---@field default_inference_geo "global"|"us"
---@field workspace_geo "us"

---@class anthropic.api.DeletedFile
---@field id string
---@field type? "file_deleted"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.DeletedMessageBatch
---@field id string
---@field type "message_batch_deleted"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.DeletedRBACGroup
---@field id string
---@field type "rbac_group_deleted"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.DeletedRBACGroupMember
---@field rbac_group_id string
---@field type "rbac_group_member_deleted"
---@field user_id string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.DeletedSkill
---@field id string
---@field type "skill_deleted"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.DeletedSkillVersion
---@field id string
---@field type "skill_version_deleted"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.DeletedUserProfile
---@field id string
---@field type "user_profile_deleted"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.EffortCapability
---@field high anthropic.api.CapabilitySupport
---@field low anthropic.api.CapabilitySupport
---@field max anthropic.api.CapabilitySupport
---@field medium anthropic.api.CapabilitySupport
---@field supported boolean
---@field xhigh? anthropic.api.CapabilitySupport

---@class anthropic.api.ExternalKey
---@field id string
---@field attachment anthropic.api.ExternalKeyAttachedAttachment|anthropic.api.ExternalKeyUnattachedAttachment
---@field created_at string
---@field display_name? string
---@field geo string
---@field provider_config anthropic.api.AWSExternalKeyConfig|anthropic.api.GCPExternalKeyConfig|anthropic.api.AzureExternalKeyConfig
---@field type "external_key"
---@field updated_at string
---@field user_profile_id? string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.ExternalKeyAttachedAttachment
---@field type "attached"

---@class anthropic.api.ExternalKeyDeleteResponse
---@field id string
---@field type "external_key_deleted"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.ExternalKeyUnattachedAttachment
---@field type "unattached"

---@class anthropic.api.ExternalKeyValidateResponse
---@field error? string
---@field status "failure"|"success"
---@field type "external_key_validation"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.FederationIssuer
---@field id string
---@field archived_at? string
---@field archived_by_actor_id? string
---@field check_jti boolean
---@field created_at string
---@field created_by_actor_id? string
---@field issuer_url string
---@field jwks anthropic.api.JWKSDiscovery|anthropic.api.JWKSExplicitURL|anthropic.api.JWKSInline
---@field jwks_polling_disabled_at? string
---@field max_jwt_lifetime_seconds number
---@field name string
---@field poll_status? anthropic.api.FederationIssuerPollStatus
---@field type "federation_issuer"
---@field updated_at string
---@field updated_by_actor_id? string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.FederationIssuerPollStatus
---@field consecutive_failures number
---@field last_fetched_at? string
---@field next_poll_at? string

---@class anthropic.api.FederationRule
---@field id string
---@field applies_to_all_workspaces boolean
---@field archived_at? string
---@field archived_by_actor_id? string
---@field created_at string
---@field created_by_actor_id? string
---@field description? string
---@field issuer_id string
---@field issuer_name? string
---@field match anthropic.api.FederationRuleMatch
---@field name string
---@field oauth_scope string
---@field target anthropic.api.ServiceAccountTarget
---@field token_lifetime_seconds number
---@field type "federation_rule"
---@field updated_at string
---@field updated_by_actor_id? string
---@field workspace_ids string[]
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.FederationRuleMatch
---@field audience? string
---@field claims? table<string, string>
---@field condition? string
---@field subject_prefix? string

---@class anthropic.api.FederationRuleWorkspace
---@field created_at string
---@field created_by_actor_id? string
---@field federation_rule_id string
---@field type "federation_rule_workspace"
---@field workspace_id string
---@field workspace_name? string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.FileMetadata
---@field id string
---@field created_at string
---@field filename string
---@field mime_type string
---@field size_bytes number
---@field type "file"
---@field downloadable? boolean
---@field expires_at? string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.GCPExternalKeyConfig
---@field key_name string
---@field type "gcp"

---@class anthropic.api.IncreaseRequestApproveResponse
---@field id string
---@field actor anthropic.api.SpendLimitIncreaseRequestActor
---@field created_at string
---@field period anthropic.api.SpendLimitPeriod
---@field resolved_at? string
---@field resolved_by? anthropic.api.SpendLimitIncreaseRequestResolvedBy
---@field spend_limit? anthropic.api.SpendLimit
---@field spend_summary? anthropic.api.SpendSummary
---@field status anthropic.api.SpendLimitIncreaseRequestStatus
---@field type "spend_limit_increase_request"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.InviteDeleteResponse
---@field id string
---@field type "invite_deleted"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.JWKSDiscovery
---@field type "discovery"
---@field ca_cert_pem? string
---@field discovery_base? string

---@class anthropic.api.JWKSExplicitURL
---@field type "explicit_url"
---@field url string
---@field ca_cert_pem? string

---@class anthropic.api.JWKSInline
---@field keys table<string, any>[]
---@field type "inline"

---@class anthropic.api.MemberRemoveResponse
---@field type "workspace_member_deleted"
---@field user_id string
---@field workspace_id string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.MessageBatch
---@field id string
---@field archived_at? string
---@field cancel_initiated_at? string
---@field created_at string
---@field ended_at? string
---@field expires_at string
---@field processing_status "in_progress"|"canceling"|"ended"
---@field request_counts anthropic.api.MessageBatchRequestCounts
---@field results_url? string
---@field type "message_batch"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.MessageBatchRequestCounts
---@field canceled number
---@field errored number
---@field expired number
---@field processing number
---@field succeeded number

---@class anthropic.api.ModelCapabilities
---@field batch anthropic.api.CapabilitySupport
---@field citations anthropic.api.CapabilitySupport
---@field code_execution anthropic.api.CapabilitySupport
---@field context_management anthropic.api.ContextManagementCapability
---@field effort anthropic.api.EffortCapability
---@field image_input anthropic.api.CapabilitySupport
---@field pdf_input anthropic.api.CapabilitySupport
---@field server_tools anthropic.api.ServerToolsCapability
---@field structured_outputs anthropic.api.CapabilitySupport
---@field thinking anthropic.api.ThinkingCapability

---@class anthropic.api.ModelInfo
---@field id string
---@field capabilities? anthropic.api.ModelCapabilities
---@field created_at string
---@field deprecated_at? string
---@field display_name string
---@field lifecycle "active"|"deprecated"|"retired"
---@field line? anthropic.api.ModelLine
---@field max_input_tokens? number
---@field max_tokens? number
---@field retires_at? string
---@field type "model"
---@field response? anthropic.Response of a method's result; never encoded

---@alias anthropic.api.ModelLine "haiku"|"sonnet"|"opus"|"fable"|"mythos"

---@class anthropic.api.OrganizationComplianceSettings
---@field state anthropic.api.ComplianceSettingsState
---@field type "compliance_settings"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.OrganizationInfo
---@field id string
---@field name string
---@field type "organization"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.OrganizationInvite
---@field id string
---@field accepted_at? string
---@field email string
---@field expires_at string
---@field invited_at string
---@field rbac_group_ids string[]
---@field role anthropic.api.OrganizationRole
---@field status "accepted"|"deleted"|"expired"|"pending"
---@field type "invite"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.OrganizationRateLimit
---@field id string
---@field group anthropic.api.OrganizationRateLimitModelGroup|anthropic.api.OrganizationRateLimitBatchGroup|anthropic.api.OrganizationRateLimitTokenCountGroup|anthropic.api.OrganizationRateLimitFilesGroup|anthropic.api.OrganizationRateLimitSkillsGroup|anthropic.api.OrganizationRateLimitWebSearchGroup
---@field limits anthropic.api.OrganizationRateLimitValue[]
---@field models? string[]
---@field type "rate_limit"

---@class anthropic.api.OrganizationRateLimitBatchGroup
---@field id string
---@field type "batch"

---@class anthropic.api.OrganizationRateLimitFilesGroup
---@field id string
---@field type "files"

---@class anthropic.api.OrganizationRateLimitModelGroup
---@field id string
---@field display_name string
---@field type "model_group"

---@class anthropic.api.OrganizationRateLimitSkillsGroup
---@field id string
---@field type "skills"

---@class anthropic.api.OrganizationRateLimitTokenCountGroup
---@field id string
---@field type "token_count"

---@class anthropic.api.OrganizationRateLimitValue
---@field type string
---@field value number

---@class anthropic.api.OrganizationRateLimitWebSearchGroup
---@field id string
---@field type "web_search"

---@alias anthropic.api.OrganizationRole "admin"|"billing"|"claude_code_user"|"developer"|"managed"|"membership_admin"|"owner"|"primary_owner"|"user"

---@class anthropic.api.OrganizationUser
---@field id string
---@field added_at string
---@field email string
---@field name string
---@field role anthropic.api.OrganizationRole
---@field type "user"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.RBACAllConnectorsPermissionResource
---@field type "all_connectors"

---@class anthropic.api.RBACConnectorPermissionResource
---@field connector_id string
---@field type "connector"

---@class anthropic.api.RBACConnectorScopePermissionResource
---@field connector_id string
---@field scope string
---@field type "connector_scope"

---@class anthropic.api.RBACConnectorToolPermissionResource
---@field connector_id string
---@field tool_name string
---@field type "connector_tool"

---@class anthropic.api.RBACGroup
---@field id string
---@field created_at string
---@field name string
---@field role_ids? string[]
---@field source_type "direct"|"scim"
---@field type "rbac_group"
---@field updated_at string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.RBACGroupMember
---@field created_at string
---@field email string
---@field rbac_group_id string
---@field type "rbac_group_member"
---@field user_id string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.RBACOrganizationPermissionResource
---@field organization_id string
---@field type "organization"

---@class anthropic.api.RBACRole
---@field id string
---@field created_at string
---@field display_name string
---@field source anthropic.api.RBACRoleSource
---@field type "rbac_role"
---@field updated_at string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.RBACRolePermission
---@field action string
---@field resource anthropic.api.RBACOrganizationPermissionResource|anthropic.api.RBACConnectorToolPermissionResource|anthropic.api.RBACConnectorScopePermissionResource|anthropic.api.RBACConnectorPermissionResource|anthropic.api.RBACAllConnectorsPermissionResource
---@field type "rbac_role_permission"

---@alias anthropic.api.RBACRoleSource anthropic.api.RBACRoleSourceBuiltIn|anthropic.api.RBACRoleSourceCustom

---@class anthropic.api.RBACRoleSourceBuiltIn
---@field type "built_in"

---@class anthropic.api.RBACRoleSourceCustom
---@field type "custom"

---@class anthropic.api.ServerToolsCapability
---@field code_execution anthropic.api.CapabilitySupport
---@field supported boolean
---@field web_search anthropic.api.CapabilitySupport

---@class anthropic.api.ServiceAccount
---@field id string
---@field archived_at? string
---@field archived_by_actor_id? string
---@field created_at string
---@field created_by_actor_id? string
---@field description? string
---@field name string
---@field organization_role "admin"|"developer"
---@field type "service_account"
---@field updated_at string
---@field updated_by_actor_id? string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.ServiceAccountRemoveResponse
---@field service_account_id string
---@field type "service_account_workspace_member_deleted"
---@field workspace_id string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.ServiceAccountTarget
---@field service_account_id string
---@field type "service_account"
---@field service_account_name? string

---@class anthropic.api.ServiceAccountWorkspaceMember
---@field created_by_actor_id? string
---@field implicit? boolean
---@field service_account_id string
---@field type "service_account_workspace_member"
---@field workspace_id string
---@field workspace_role anthropic.api.WorkspaceRole
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.Skill
---@field id string
---@field created_at string
---@field display_name string
---@field latest_version_id string
---@field source anthropic.api.SkillSource
---@field type "skill"
---@field updated_at string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.SkillSource
---@field type "custom"|"anthropic"|"anthropic_example"|"plugin"

---@class anthropic.api.SkillVersion
---@field id string
---@field created_at string
---@field description string
---@field name string
---@field skill_id string
---@field type "skill_version"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.SpendLimit
---@field id string
---@field amount? string
---@field created_at string
---@field currency string
---@field is_enabled boolean
---@field period anthropic.api.SpendLimitPeriod
---@field scope anthropic.api.SpendLimitUserScope|anthropic.api.SpendLimitSeatTierScope|anthropic.api.SpendLimitRBACGroupScope|anthropic.api.SpendLimitOrganizationServiceScope|anthropic.api.SpendLimitOrganizationScope|anthropic.api.SpendLimitWorkspaceScope|anthropic.api.SpendLimitUsageTierScope
---@field type "spend_limit"
---@field updated_at string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.SpendLimitIncreaseRequest
---@field id string
---@field actor anthropic.api.SpendLimitIncreaseRequestActor
---@field created_at string
---@field period anthropic.api.SpendLimitPeriod
---@field resolved_at? string
---@field resolved_by? anthropic.api.SpendLimitIncreaseRequestResolvedBy
---@field spend_summary? anthropic.api.SpendSummary
---@field status anthropic.api.SpendLimitIncreaseRequestStatus
---@field type "spend_limit_increase_request"
---@field response? anthropic.Response of a method's result; never encoded

---@alias anthropic.api.SpendLimitIncreaseRequestActor anthropic.api.SpendLimitUserActor|anthropic.api.SpendLimitScopedAPIKeyActor

---@alias anthropic.api.SpendLimitIncreaseRequestResolvedBy anthropic.api.SpendLimitUserActor|anthropic.api.SpendLimitScopedAPIKeyActor

---@alias anthropic.api.SpendLimitIncreaseRequestStatus "approved"|"denied"|"pending"

---@class anthropic.api.SpendLimitOrganizationScope
---@field type "organization"

---@class anthropic.api.SpendLimitOrganizationServiceScope
---@field service string
---@field type "organization_service"

---@alias anthropic.api.SpendLimitPeriod "daily"|"monthly"|"weekly"

---@class anthropic.api.SpendLimitRBACGroupScope
---@field rbac_group_id string
---@field type "rbac_group"

---@class anthropic.api.SpendLimitScopedAPIKeyActor
---@field scoped_api_key_id string
---@field type "scoped_api_key_actor"

---@class anthropic.api.SpendLimitSeatTierScope
---@field seat_tier string
---@field type "seat_tier"

---@class anthropic.api.SpendLimitUsageTierScope
---@field type "usage_tier"

---@class anthropic.api.SpendLimitUserActor
---@field deleted boolean
---@field email_address? string
---@field name? string
---@field type "user_actor"
---@field user_id string

---@class anthropic.api.SpendLimitUserScope
---@field type "user"
---@field user_id string

---@class anthropic.api.SpendLimitWorkspaceScope
---@field type "workspace"
---@field workspace_id string

---@class anthropic.api.SpendSummary
---@field actor anthropic.api.SpendLimitUserActor|anthropic.api.SpendLimitScopedAPIKeyActor
---@field amount? string
---@field currency string
---@field period anthropic.api.SpendLimitPeriod
---@field period_to_date_spend string
---@field scope anthropic.api.SpendLimitUserScope|anthropic.api.SpendLimitSeatTierScope|anthropic.api.SpendLimitRBACGroupScope|anthropic.api.SpendLimitOrganizationServiceScope|anthropic.api.SpendLimitOrganizationScope|anthropic.api.SpendLimitWorkspaceScope|anthropic.api.SpendLimitUsageTierScope
---@field source anthropic.api.SpendLimitUserScope|anthropic.api.SpendLimitSeatTierScope|anthropic.api.SpendLimitRBACGroupScope|anthropic.api.SpendLimitOrganizationServiceScope|anthropic.api.SpendLimitOrganizationScope|anthropic.api.SpendLimitWorkspaceScope|anthropic.api.SpendLimitUsageTierScope
---@field spend_limit_id string

---@class anthropic.api.ThinkingCapability
---@field supported boolean
---@field types anthropic.api.ThinkingTypes

---@class anthropic.api.ThinkingTypes
---@field adaptive anthropic.api.CapabilitySupport
---@field between_tools anthropic.api.CapabilitySupport
---@field disabled anthropic.api.CapabilitySupport
---@field enabled anthropic.api.CapabilitySupport

---@class anthropic.api.UserProfile
---@field id string
---@field access_type anthropic.api.UserProfileAccessType
---@field created_at string
---@field enforcement_actions anthropic.api.UserProfileEnforcementAction[]
---@field enforcement_status anthropic.api.UserProfileEnforcementStatus
---@field external_user_details anthropic.api.UserProfileExternalUserDetails
---@field metadata table<string, string>
---@field name? string
---@field programs anthropic.api.UserProfilePrograms
---@field type "user_profile"
---@field updated_at string
---@field response? anthropic.Response of a method's result; never encoded

---@alias anthropic.api.UserProfileAccessType "application"|"passthrough"

---@class anthropic.api.UserProfileActionURL
---@field expires_at string
---@field type "user_profile_action_url"
---@field url string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.UserProfileCyberProgram
---@field requirements? anthropic.api.UserProfileCyberRequirements
---@field status anthropic.api.UserProfileProgramStatus
---@field tiers table<string, anthropic.api.UserProfileCyberTier>

---@class anthropic.api.UserProfileCyberRequirements
---@field data_retention boolean
---@field human_review boolean

---@class anthropic.api.UserProfileCyberTier
---@field status "active"|"inactive"

---@class anthropic.api.UserProfileEfsFeature
---@field status "active"|"inactive"

---@class anthropic.api.UserProfileEfsProgram
---@field features table<string, anthropic.api.UserProfileEfsFeature>
---@field status anthropic.api.UserProfileProgramStatus

---@alias anthropic.api.UserProfileEnforcementAction anthropic.api.UserProfileEnforcementActionRestriction|anthropic.api.UserProfileEnforcementActionBan

---@class anthropic.api.UserProfileEnforcementActionBan
---@field id string
---@field action? anthropic.api.UserProfileEnforcementActionNextStep
---@field expires_at? string
---@field opened_at string
---@field reason anthropic.api.UserProfileEnforcementActionReason
---@field type "ban"

---@alias anthropic.api.UserProfileEnforcementActionNextStep "verify"

---@alias anthropic.api.UserProfileEnforcementActionReason "unsupported_region"|"fraud_or_abuse"|"high_harm"|"usage_policy_violation"|"account_compromise"|"unspecified"

---@class anthropic.api.UserProfileEnforcementActionRestriction
---@field id string
---@field action? anthropic.api.UserProfileEnforcementActionNextStep
---@field expires_at? string
---@field opened_at string
---@field reason anthropic.api.UserProfileEnforcementActionReason
---@field type "restriction"

---@alias anthropic.api.UserProfileEnforcementStatus "unrestricted"|"pending"|"restricted"|"banned"

---@alias anthropic.api.UserProfileExternalUserAccountStatus "active"|"suspended"|"blocked"

---@class anthropic.api.UserProfileExternalUserDetails
---@field account_status? anthropic.api.UserProfileExternalUserAccountStatus
---@field country? string
---@field email_hash? string
---@field entity_type? anthropic.api.UserProfileExternalUserEntityType
---@field name_hash? string
---@field onboarded_at? string
---@field reference_id? string

---@alias anthropic.api.UserProfileExternalUserEntityType "individual"|"business"|"non_profit"|"government"

---@alias anthropic.api.UserProfileProgramStatus "active"|"pending"|"rejected"

---@class anthropic.api.UserProfilePrograms
---@field cyber? anthropic.api.UserProfileCyberProgram
---@field efs? anthropic.api.UserProfileEfsProgram

---@class anthropic.api.UserRemoveResponse
---@field id string
---@field type "user_deleted"
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.Workspace
---@field id string
---@field archived_at? string
---@field compartment_id string
---@field created_at string
---@field data_residency anthropic.api.DataResidency
---@field display_color string
---@field external_key_id? string
---@field name string
---@field tags table<string, string>
---@field type "workspace"
---@field user_profile_id? string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.WorkspaceMember
---@field type "workspace_member"
---@field user_id string
---@field workspace_id string
---@field workspace_role anthropic.api.WorkspaceRole
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.WorkspaceRateLimit
---@field group anthropic.api.OrganizationRateLimitModelGroup|anthropic.api.OrganizationRateLimitBatchGroup|anthropic.api.OrganizationRateLimitTokenCountGroup|anthropic.api.OrganizationRateLimitFilesGroup|anthropic.api.OrganizationRateLimitSkillsGroup|anthropic.api.OrganizationRateLimitWebSearchGroup
---@field limits anthropic.api.WorkspaceRateLimitValue[]
---@field models? string[]
---@field rate_limit_id string
---@field type "workspace_rate_limit"
---@field workspace_id string
---@field response? anthropic.Response of a method's result; never encoded

---@class anthropic.api.WorkspaceRateLimitOrganizationSource
---@field type "organization"

---@class anthropic.api.WorkspaceRateLimitValue
---@field org_limit? number
---@field source anthropic.api.WorkspaceRateLimitWorkspaceSource|anthropic.api.WorkspaceRateLimitOrganizationSource
---@field type string
---@field value number

---@class anthropic.api.WorkspaceRateLimitWorkspaceSource
---@field type "workspace"

---@class anthropic.api.WorkspaceRemoveResponse
---@field federation_rule_id string
---@field type "federation_rule_workspace_deleted"
---@field workspace_id string
---@field response? anthropic.Response of a method's result; never encoded

---@alias anthropic.api.WorkspaceRole "workspace_admin"|"workspace_billing"|"workspace_developer"|"workspace_restricted_developer"|"workspace_user"

---@class anthropic.APIKeyPage: anthropic.Page
---@field data anthropic.api.APIKey[]
---@field next fun(self: anthropic.APIKeyPage): anthropic.api.APIKey?, anthropic.Error?
---@field next_page fun(self: anthropic.APIKeyPage): anthropic.APIKeyPage?, anthropic.Error?
---@overload fun(): anthropic.api.APIKey

---@class anthropic.AnalyticsArtifactActivityPage: anthropic.Page
---@field data anthropic.api.AnalyticsArtifactActivity[]
---@field next fun(self: anthropic.AnalyticsArtifactActivityPage): anthropic.api.AnalyticsArtifactActivity?, anthropic.Error?
---@field next_page fun(self: anthropic.AnalyticsArtifactActivityPage): anthropic.AnalyticsArtifactActivityPage?, anthropic.Error?
---@overload fun(): anthropic.api.AnalyticsArtifactActivity

---@class anthropic.AnalyticsConnectorActivityPage: anthropic.Page
---@field data anthropic.api.AnalyticsConnectorActivity[]
---@field next fun(self: anthropic.AnalyticsConnectorActivityPage): anthropic.api.AnalyticsConnectorActivity?, anthropic.Error?
---@field next_page fun(self: anthropic.AnalyticsConnectorActivityPage): anthropic.AnalyticsConnectorActivityPage?, anthropic.Error?
---@overload fun(): anthropic.api.AnalyticsConnectorActivity

---@class anthropic.AnalyticsPluginActivityPage: anthropic.Page
---@field data anthropic.api.AnalyticsPluginActivity[]
---@field next fun(self: anthropic.AnalyticsPluginActivityPage): anthropic.api.AnalyticsPluginActivity?, anthropic.Error?
---@field next_page fun(self: anthropic.AnalyticsPluginActivityPage): anthropic.AnalyticsPluginActivityPage?, anthropic.Error?
---@overload fun(): anthropic.api.AnalyticsPluginActivity

---@class anthropic.AnalyticsProjectActivityPage: anthropic.Page
---@field data anthropic.api.AnalyticsProjectActivity[]
---@field next fun(self: anthropic.AnalyticsProjectActivityPage): anthropic.api.AnalyticsProjectActivity?, anthropic.Error?
---@field next_page fun(self: anthropic.AnalyticsProjectActivityPage): anthropic.AnalyticsProjectActivityPage?, anthropic.Error?
---@overload fun(): anthropic.api.AnalyticsProjectActivity

---@class anthropic.AnalyticsSingleDayActivitySummaryPage: anthropic.Page
---@field data anthropic.api.AnalyticsSingleDayActivitySummary[]
---@field next fun(self: anthropic.AnalyticsSingleDayActivitySummaryPage): anthropic.api.AnalyticsSingleDayActivitySummary?, anthropic.Error?
---@field next_page fun(self: anthropic.AnalyticsSingleDayActivitySummaryPage): anthropic.AnalyticsSingleDayActivitySummaryPage?, anthropic.Error?
---@overload fun(): anthropic.api.AnalyticsSingleDayActivitySummary

---@class anthropic.AnalyticsSkillActivityPage: anthropic.Page
---@field data anthropic.api.AnalyticsSkillActivity[]
---@field next fun(self: anthropic.AnalyticsSkillActivityPage): anthropic.api.AnalyticsSkillActivity?, anthropic.Error?
---@field next_page fun(self: anthropic.AnalyticsSkillActivityPage): anthropic.AnalyticsSkillActivityPage?, anthropic.Error?
---@overload fun(): anthropic.api.AnalyticsSkillActivity

---@class anthropic.AnalyticsUserActivityPage: anthropic.Page
---@field data anthropic.api.AnalyticsUserActivity[]
---@field next fun(self: anthropic.AnalyticsUserActivityPage): anthropic.api.AnalyticsUserActivity?, anthropic.Error?
---@field next_page fun(self: anthropic.AnalyticsUserActivityPage): anthropic.AnalyticsUserActivityPage?, anthropic.Error?
---@overload fun(): anthropic.api.AnalyticsUserActivity

---@class anthropic.ExternalKeyPage: anthropic.Page
---@field data anthropic.api.ExternalKey[]
---@field next fun(self: anthropic.ExternalKeyPage): anthropic.api.ExternalKey?, anthropic.Error?
---@field next_page fun(self: anthropic.ExternalKeyPage): anthropic.ExternalKeyPage?, anthropic.Error?
---@overload fun(): anthropic.api.ExternalKey

---@class anthropic.FederationIssuerPage: anthropic.Page
---@field data anthropic.api.FederationIssuer[]
---@field next fun(self: anthropic.FederationIssuerPage): anthropic.api.FederationIssuer?, anthropic.Error?
---@field next_page fun(self: anthropic.FederationIssuerPage): anthropic.FederationIssuerPage?, anthropic.Error?
---@overload fun(): anthropic.api.FederationIssuer

---@class anthropic.FederationRulePage: anthropic.Page
---@field data anthropic.api.FederationRule[]
---@field next fun(self: anthropic.FederationRulePage): anthropic.api.FederationRule?, anthropic.Error?
---@field next_page fun(self: anthropic.FederationRulePage): anthropic.FederationRulePage?, anthropic.Error?
---@overload fun(): anthropic.api.FederationRule

---@class anthropic.FederationRuleWorkspacePage: anthropic.Page
---@field data anthropic.api.FederationRuleWorkspace[]
---@field next fun(self: anthropic.FederationRuleWorkspacePage): anthropic.api.FederationRuleWorkspace?, anthropic.Error?
---@field next_page fun(self: anthropic.FederationRuleWorkspacePage): anthropic.FederationRuleWorkspacePage?, anthropic.Error?
---@overload fun(): anthropic.api.FederationRuleWorkspace

---@class anthropic.FileMetadataPage: anthropic.Page
---@field data anthropic.api.FileMetadata[]
---@field next fun(self: anthropic.FileMetadataPage): anthropic.api.FileMetadata?, anthropic.Error?
---@field next_page fun(self: anthropic.FileMetadataPage): anthropic.FileMetadataPage?, anthropic.Error?
---@overload fun(): anthropic.api.FileMetadata

---@class anthropic.MessageBatchPage: anthropic.Page
---@field data anthropic.api.MessageBatch[]
---@field next fun(self: anthropic.MessageBatchPage): anthropic.api.MessageBatch?, anthropic.Error?
---@field next_page fun(self: anthropic.MessageBatchPage): anthropic.MessageBatchPage?, anthropic.Error?
---@overload fun(): anthropic.api.MessageBatch

---@class anthropic.ModelInfoPage: anthropic.Page
---@field data anthropic.api.ModelInfo[]
---@field next fun(self: anthropic.ModelInfoPage): anthropic.api.ModelInfo?, anthropic.Error?
---@field next_page fun(self: anthropic.ModelInfoPage): anthropic.ModelInfoPage?, anthropic.Error?
---@overload fun(): anthropic.api.ModelInfo

---@class anthropic.OrganizationInvitePage: anthropic.Page
---@field data anthropic.api.OrganizationInvite[]
---@field next fun(self: anthropic.OrganizationInvitePage): anthropic.api.OrganizationInvite?, anthropic.Error?
---@field next_page fun(self: anthropic.OrganizationInvitePage): anthropic.OrganizationInvitePage?, anthropic.Error?
---@overload fun(): anthropic.api.OrganizationInvite

---@class anthropic.OrganizationRateLimitPage: anthropic.Page
---@field data anthropic.api.OrganizationRateLimit[]
---@field next fun(self: anthropic.OrganizationRateLimitPage): anthropic.api.OrganizationRateLimit?, anthropic.Error?
---@field next_page fun(self: anthropic.OrganizationRateLimitPage): anthropic.OrganizationRateLimitPage?, anthropic.Error?
---@overload fun(): anthropic.api.OrganizationRateLimit

---@class anthropic.OrganizationUserPage: anthropic.Page
---@field data anthropic.api.OrganizationUser[]
---@field next fun(self: anthropic.OrganizationUserPage): anthropic.api.OrganizationUser?, anthropic.Error?
---@field next_page fun(self: anthropic.OrganizationUserPage): anthropic.OrganizationUserPage?, anthropic.Error?
---@overload fun(): anthropic.api.OrganizationUser

---@class anthropic.RBACGroupPage: anthropic.Page
---@field data anthropic.api.RBACGroup[]
---@field next fun(self: anthropic.RBACGroupPage): anthropic.api.RBACGroup?, anthropic.Error?
---@field next_page fun(self: anthropic.RBACGroupPage): anthropic.RBACGroupPage?, anthropic.Error?
---@overload fun(): anthropic.api.RBACGroup

---@class anthropic.RBACGroupMemberPage: anthropic.Page
---@field data anthropic.api.RBACGroupMember[]
---@field next fun(self: anthropic.RBACGroupMemberPage): anthropic.api.RBACGroupMember?, anthropic.Error?
---@field next_page fun(self: anthropic.RBACGroupMemberPage): anthropic.RBACGroupMemberPage?, anthropic.Error?
---@overload fun(): anthropic.api.RBACGroupMember

---@class anthropic.RBACRolePage: anthropic.Page
---@field data anthropic.api.RBACRole[]
---@field next fun(self: anthropic.RBACRolePage): anthropic.api.RBACRole?, anthropic.Error?
---@field next_page fun(self: anthropic.RBACRolePage): anthropic.RBACRolePage?, anthropic.Error?
---@overload fun(): anthropic.api.RBACRole

---@class anthropic.RBACRolePermissionPage: anthropic.Page
---@field data anthropic.api.RBACRolePermission[]
---@field next fun(self: anthropic.RBACRolePermissionPage): anthropic.api.RBACRolePermission?, anthropic.Error?
---@field next_page fun(self: anthropic.RBACRolePermissionPage): anthropic.RBACRolePermissionPage?, anthropic.Error?
---@overload fun(): anthropic.api.RBACRolePermission

---@class anthropic.ServiceAccountPage: anthropic.Page
---@field data anthropic.api.ServiceAccount[]
---@field next fun(self: anthropic.ServiceAccountPage): anthropic.api.ServiceAccount?, anthropic.Error?
---@field next_page fun(self: anthropic.ServiceAccountPage): anthropic.ServiceAccountPage?, anthropic.Error?
---@overload fun(): anthropic.api.ServiceAccount

---@class anthropic.ServiceAccountWorkspaceMemberPage: anthropic.Page
---@field data anthropic.api.ServiceAccountWorkspaceMember[]
---@field next fun(self: anthropic.ServiceAccountWorkspaceMemberPage): anthropic.api.ServiceAccountWorkspaceMember?, anthropic.Error?
---@field next_page fun(self: anthropic.ServiceAccountWorkspaceMemberPage): anthropic.ServiceAccountWorkspaceMemberPage?, anthropic.Error?
---@overload fun(): anthropic.api.ServiceAccountWorkspaceMember

---@class anthropic.SkillPage: anthropic.Page
---@field data anthropic.api.Skill[]
---@field next fun(self: anthropic.SkillPage): anthropic.api.Skill?, anthropic.Error?
---@field next_page fun(self: anthropic.SkillPage): anthropic.SkillPage?, anthropic.Error?
---@overload fun(): anthropic.api.Skill

---@class anthropic.SkillVersionPage: anthropic.Page
---@field data anthropic.api.SkillVersion[]
---@field next fun(self: anthropic.SkillVersionPage): anthropic.api.SkillVersion?, anthropic.Error?
---@field next_page fun(self: anthropic.SkillVersionPage): anthropic.SkillVersionPage?, anthropic.Error?
---@overload fun(): anthropic.api.SkillVersion

---@class anthropic.SpendLimitPage: anthropic.Page
---@field data anthropic.api.SpendLimit[]
---@field next fun(self: anthropic.SpendLimitPage): anthropic.api.SpendLimit?, anthropic.Error?
---@field next_page fun(self: anthropic.SpendLimitPage): anthropic.SpendLimitPage?, anthropic.Error?
---@overload fun(): anthropic.api.SpendLimit

---@class anthropic.SpendLimitIncreaseRequestPage: anthropic.Page
---@field data anthropic.api.SpendLimitIncreaseRequest[]
---@field next fun(self: anthropic.SpendLimitIncreaseRequestPage): anthropic.api.SpendLimitIncreaseRequest?, anthropic.Error?
---@field next_page fun(self: anthropic.SpendLimitIncreaseRequestPage): anthropic.SpendLimitIncreaseRequestPage?, anthropic.Error?
---@overload fun(): anthropic.api.SpendLimitIncreaseRequest

---@class anthropic.SpendSummaryPage: anthropic.Page
---@field data anthropic.api.SpendSummary[]
---@field next fun(self: anthropic.SpendSummaryPage): anthropic.api.SpendSummary?, anthropic.Error?
---@field next_page fun(self: anthropic.SpendSummaryPage): anthropic.SpendSummaryPage?, anthropic.Error?
---@overload fun(): anthropic.api.SpendSummary

---@class anthropic.UserProfilePage: anthropic.Page
---@field data anthropic.api.UserProfile[]
---@field next fun(self: anthropic.UserProfilePage): anthropic.api.UserProfile?, anthropic.Error?
---@field next_page fun(self: anthropic.UserProfilePage): anthropic.UserProfilePage?, anthropic.Error?
---@overload fun(): anthropic.api.UserProfile

---@class anthropic.WorkspacePage: anthropic.Page
---@field data anthropic.api.Workspace[]
---@field next fun(self: anthropic.WorkspacePage): anthropic.api.Workspace?, anthropic.Error?
---@field next_page fun(self: anthropic.WorkspacePage): anthropic.WorkspacePage?, anthropic.Error?
---@overload fun(): anthropic.api.Workspace

---@class anthropic.WorkspaceMemberPage: anthropic.Page
---@field data anthropic.api.WorkspaceMember[]
---@field next fun(self: anthropic.WorkspaceMemberPage): anthropic.api.WorkspaceMember?, anthropic.Error?
---@field next_page fun(self: anthropic.WorkspaceMemberPage): anthropic.WorkspaceMemberPage?, anthropic.Error?
---@overload fun(): anthropic.api.WorkspaceMember

---@class anthropic.WorkspaceRateLimitPage: anthropic.Page
---@field data anthropic.api.WorkspaceRateLimit[]
---@field next fun(self: anthropic.WorkspaceRateLimitPage): anthropic.api.WorkspaceRateLimit?, anthropic.Error?
---@field next_page fun(self: anthropic.WorkspaceRateLimitPage): anthropic.WorkspaceRateLimitPage?, anthropic.Error?
---@overload fun(): anthropic.api.WorkspaceRateLimit

---@class anthropic.MessageParams: anthropic.api.MessageCreateParamsBase the fields of the request as the API defines
---  them; the ones below are for older models, for gateways, and for servers that speak chat completion
---@field temperature? number from 0 to 1
---@field top_p? number from 0 to 1
---@field top_k? integer
---@field n? integer how many answers, where the server can send several: `message.choices`
---@field stop? string|string[] chat completion's word for `stop_sequences`
---@field presence_penalty? number
---@field frequency_penalty? number
---@field logit_bias? table<integer|string, number>
---@field response_format? { type: string }
---@field user? string
---@field seed? integer
---@field betas? string[] sent as `anthropic-beta`

---@class anthropic.StreamParams: anthropic.MessageParams
---@field stream true

---@class anthropic.BetaMessageParams: anthropic.api.BetaMessageCreateParamsBase the fields of the request as the API
---  defines them
---@field betas? string[] sent as `anthropic-beta`

---@class anthropic.BetaStreamParams: anthropic.BetaMessageParams
---@field stream true

---@class anthropic.StreamCallbacks.on_event: anthropic.StreamCallbacks
---@field on_event fun(event: anthropic.api.RawMessageStreamEvent)

---@class anthropic.StreamCallbacks.on_text: anthropic.StreamCallbacks
---@field on_text fun(text: string)

---@class anthropic.StreamCallbacks.on_done: anthropic.StreamCallbacks
---@field on_done fun(message: anthropic.Message?, err: anthropic.Error?)

---@alias anthropic.AnyStreamCallbacks anthropic.StreamCallbacks.on_event|anthropic.StreamCallbacks.on_text|anthropic.StreamCallbacks.on_done

---@class anthropic.Client
---@field beta anthropic.resource.beta
---@field files anthropic.resource.files
---@field messages anthropic.Messages
---@field models anthropic.resource.models
---@field organization anthropic.resource.organization
---@field skills anthropic.resource.skills
---@field user_profiles anthropic.resource.user_profiles

---@class anthropic.resource.beta
---@field agents anthropic.resource.beta.agents
---@field compliance anthropic.resource.beta.compliance
---@field deployment_runs anthropic.resource.beta.deployment_runs
---@field deployments anthropic.resource.beta.deployments
---@field dreams anthropic.resource.beta.dreams
---@field environments anthropic.resource.beta.environments
---@field files anthropic.resource.beta.files
---@field memory_stores anthropic.resource.beta.memory_stores
---@field messages anthropic.BetaMessages
---@field models anthropic.resource.beta.models
---@field organization anthropic.resource.beta.organization
---@field sessions anthropic.resource.beta.sessions
---@field skills anthropic.resource.beta.skills
---@field tunnels anthropic.resource.beta.tunnels
---@field user_profiles anthropic.resource.beta.user_profiles
---@field vaults anthropic.resource.beta.vaults

---@class anthropic.resource.beta.agents
---@field versions anthropic.resource.beta.agents.versions
---@field archive fun(agent_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(agent_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(agent_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.agents.versions
---@field list fun(agent_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?

---@class anthropic.resource.beta.compliance
---@field review anthropic.resource.beta.compliance.review

---@class anthropic.resource.beta.compliance.review
---@field cases anthropic.resource.beta.compliance.review.cases
---@field items anthropic.resource.beta.compliance.review.items
---@field notices anthropic.resource.beta.compliance.review.notices

---@class anthropic.resource.beta.compliance.review.cases
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field respond fun(case_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field retrieve fun(case_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.compliance.review.items
---@field retrieve fun(item_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.compliance.review.notices
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?

---@class anthropic.resource.beta.deployment_runs
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(deployment_run_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.deployments
---@field archive fun(deployment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field pause fun(deployment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field retrieve fun(deployment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field run fun(deployment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field unpause fun(deployment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(deployment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.dreams
---@field archive fun(dream_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field cancel fun(dream_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(dream_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.environments
---@field work anthropic.resource.beta.environments.work
---@field archive fun(environment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(environment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(environment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(environment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.environments.work
---@field ack fun(environment_id: string, work_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field heartbeat fun(environment_id: string, work_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(environment_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field poll fun(environment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field retrieve fun(environment_id: string, work_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field stats fun(environment_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field stop fun(environment_id: string, work_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(environment_id: string, work_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.files
---@field delete fun(file_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedFile?, anthropic.Error?
---@field download fun(file_id: string, params?: anthropic.DownloadParams, options?: anthropic.Options): string|anthropic.Download|nil, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.FileMetadataPage?, anthropic.Error?
---@field retrieve_metadata fun(file_id: string, params?: table, options?: anthropic.Options): anthropic.api.FileMetadata?, anthropic.Error?
---@field upload fun(params: anthropic.UploadParams, options?: anthropic.Options): anthropic.api.FileMetadata?, anthropic.Error?

---@class anthropic.resource.beta.memory_stores
---@field memories anthropic.resource.beta.memory_stores.memories
---@field memory_versions anthropic.resource.beta.memory_stores.memory_versions
---@field archive fun(memory_store_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(memory_store_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(memory_store_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(memory_store_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.memory_stores.memories
---@field create fun(memory_store_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(memory_store_id: string, memory_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(memory_store_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(memory_store_id: string, memory_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(memory_store_id: string, memory_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.memory_stores.memory_versions
---@field list fun(memory_store_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field redact fun(memory_store_id: string, memory_version_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field retrieve fun(memory_store_id: string, memory_version_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.BetaMessages
---@field batches anthropic.BetaBatches
---@field count_tokens fun(params?: table, options?: anthropic.Options): anthropic.api.BetaMessageTokensCount?, anthropic.Error?
local BetaMessages = {}

--- Creates a message. With `stream = true` it returns a Stream, as soon as the response's headers have come.
---
--- If `stream` is absent and `max_tokens` is 21,334 or more, the server is asked for a stream, which is read to its
--- end: a Message is returned, and no connection is silent for minutes. `stream = false` asks for a whole answer.
---@overload fun(params: anthropic.BetaMessageParams, options?: anthropic.Options): anthropic.Message?, anthropic.Error?
---@param params anthropic.BetaStreamParams
---@param options? anthropic.Options
---@return anthropic.Stream?
---@return anthropic.Error?
function BetaMessages.create(params, options) end

--- Creates a message and returns a Stream, as `create` with `stream = true` does.
---
--- With `on_event`, `on_text` or `on_done` among the options it returns a handle at once, and calls these functions
--- when something has come; see anthropic.StreamCallbacks.
---@overload fun(params: anthropic.BetaMessageParams, callbacks: anthropic.AnyStreamCallbacks): anthropic.StreamHandle?, anthropic.Error?
---@param params anthropic.BetaMessageParams
---@param options? anthropic.Options options for this request
---@return anthropic.Stream? stream
---@return anthropic.Error? err
function BetaMessages.stream(params, options) end

--- Sends many requests, several at a time, and returns their answers in the order of the requests. What the responses
--- say of the rate limits sets the pace.
---@param list anthropic.BetaMessageParams[] the parameters of each request; `stream` is ignored
---@param settings? anthropic.MapSettings
---@return table? messages `messages[i]` is the Message for `list[i]`, nil if it failed; `messages.n` is their number. nil if all was cancelled, or the list is wrong
---@return table|anthropic.Error errors `errors[i]` is the error of `list[i]`, if it failed. If all was cancelled, one error, which has what came as `messages` and `errors`
function BetaMessages.map(list, settings) end

--- Creates a message whose text is JSON that fits a schema. `message.parsed` is the decoded text. If the text is not
--- JSON, or does not fit, `message.parse_error` says why, and the message is still returned: with `repair = n` after
--- the model was asked again so often. A stream shows the first answer; its `message` returns the last one.
---@overload fun(params: anthropic.ParseParams, options?: anthropic.Options): anthropic.Message?, anthropic.Error?
---@param params anthropic.StreamParseParams
---@param options? anthropic.Options
---@return anthropic.Stream?
---@return anthropic.Error?
function BetaMessages.parse(params, options) end

--- Sends requests and runs the tools that the answers call, in turn, until an answer calls none. See [tools](tools.md).
---@param params anthropic.RunParams
---@param options? anthropic.Options options for each request
---@return anthropic.Message? message the last one
---@return anthropic.Run|anthropic.Error run what was done; on failure an error, whose `run` is what was done before
function BetaMessages.run(params, options) end


---@class anthropic.BetaBatches
---@field cancel fun(message_batch_id: string, params?: table, options?: anthropic.Options): anthropic.api.MessageBatch?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.MessageBatch?, anthropic.Error?
---@field delete fun(message_batch_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedMessageBatch?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.MessageBatchPage?, anthropic.Error?
---@field retrieve fun(message_batch_id: string, params?: table, options?: anthropic.Options): anthropic.api.MessageBatch?, anthropic.Error?
local BetaBatches = {}

--- Opens the results of a batch that has ended. The batch is retrieved first.
---
--- If fewer results come than the batch counts, the iterator ends with an error of kind "truncated".
---@param message_batch_id string
---@param params? table `betas`, `workspace_id`
---@param options? anthropic.Options options for both requests
---@return anthropic.BatchResults? results an iterator
---@return anthropic.Error? err
function BetaBatches.results(message_batch_id, params, options) end

--- Sends requests as batches, as many as it takes, waits until they have ended, and returns all results.
--- Cancelling it (`task:cancel()`, `client:close()`) does not cancel the batches: `resume` goes on with them.
---@param requests? anthropic.BatchRequest[] nil, with `resume`: those of the batches to resume
---@param settings? anthropic.BatchSettings
---@return table<string, anthropic.BatchResult>? results by `custom_id`; empty if `on_result` takes them
---@return anthropic.BatchReport|anthropic.Error report on failure an error, which has `batches` to resume with, `results` and `report`
function BetaBatches.run(requests, settings) end


---@class anthropic.resource.beta.models
---@field list fun(params?: table, options?: anthropic.Options): anthropic.ModelInfoPage?, anthropic.Error?
---@field retrieve fun(model_id: string, params?: table, options?: anthropic.Options): anthropic.api.ModelInfo?, anthropic.Error?

---@class anthropic.resource.beta.organization
---@field analytics anthropic.resource.beta.organization.analytics
---@field api_keys anthropic.resource.beta.organization.api_keys
---@field claude_code anthropic.resource.beta.organization.claude_code
---@field claude_tag anthropic.resource.beta.organization.claude_tag
---@field compliance_settings anthropic.resource.beta.organization.compliance_settings
---@field external_keys anthropic.resource.beta.organization.external_keys
---@field external_storage anthropic.resource.beta.organization.external_storage
---@field federation anthropic.resource.beta.organization.federation
---@field invites anthropic.resource.beta.organization.invites
---@field plugin_marketplaces anthropic.resource.beta.organization.plugin_marketplaces
---@field plugins anthropic.resource.beta.organization.plugins
---@field providers anthropic.resource.beta.organization.providers
---@field rate_limits anthropic.resource.beta.organization.rate_limits
---@field rbac_groups anthropic.resource.beta.organization.rbac_groups
---@field rbac_roles anthropic.resource.beta.organization.rbac_roles
---@field service_accounts anthropic.resource.beta.organization.service_accounts
---@field spend_limits anthropic.resource.beta.organization.spend_limits
---@field telemetry_destinations anthropic.resource.beta.organization.telemetry_destinations
---@field users anthropic.resource.beta.organization.users
---@field webhooks anthropic.resource.beta.organization.webhooks
---@field workspaces anthropic.resource.beta.organization.workspaces
---@field retrieve fun(params?: table, options?: anthropic.Options): anthropic.api.OrganizationInfo?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics
---@field apps anthropic.resource.beta.organization.analytics.apps
---@field artifacts anthropic.resource.beta.organization.analytics.artifacts
---@field connectors anthropic.resource.beta.organization.analytics.connectors
---@field cost anthropic.resource.beta.organization.analytics.cost
---@field cost_report anthropic.resource.beta.organization.analytics.cost_report
---@field plugins anthropic.resource.beta.organization.analytics.plugins
---@field skills anthropic.resource.beta.organization.analytics.skills
---@field summaries anthropic.resource.beta.organization.analytics.summaries
---@field usage anthropic.resource.beta.organization.analytics.usage
---@field usage_report anthropic.resource.beta.organization.analytics.usage_report
---@field user_cost_report anthropic.resource.beta.organization.analytics.user_cost_report
---@field user_usage_report anthropic.resource.beta.organization.analytics.user_usage_report
---@field users anthropic.resource.beta.organization.analytics.users

---@class anthropic.resource.beta.organization.analytics.apps
---@field chat anthropic.resource.beta.organization.analytics.apps.chat

---@class anthropic.resource.beta.organization.analytics.apps.chat
---@field projects anthropic.resource.beta.organization.analytics.apps.chat.projects

---@class anthropic.resource.beta.organization.analytics.apps.chat.projects
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsProjectActivityPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.artifacts
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsArtifactActivityPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.connectors
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsConnectorActivityPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.cost
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.cost_report
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.plugins
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsPluginActivityPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.skills
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsSkillActivityPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.summaries
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsSingleDayActivitySummaryPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.usage
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.usage_report
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.user_cost_report
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.user_usage_report
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?

---@class anthropic.resource.beta.organization.analytics.users
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsUserActivityPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.api_keys
---@field list fun(params?: table, options?: anthropic.Options): anthropic.APIKeyPage?, anthropic.Error?
---@field retrieve fun(api_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.APIKey?, anthropic.Error?
---@field update fun(api_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.APIKey?, anthropic.Error?

---@class anthropic.resource.beta.organization.claude_code
---@field managed_settings anthropic.resource.beta.organization.claude_code.managed_settings

---@class anthropic.resource.beta.organization.claude_code.managed_settings
---@field configuration anthropic.resource.beta.organization.claude_code.managed_settings.configuration
---@field rbac_group_default anthropic.resource.beta.organization.claude_code.managed_settings.rbac_group_default
---@field rbac_groups anthropic.resource.beta.organization.claude_code.managed_settings.rbac_groups

---@class anthropic.resource.beta.organization.claude_code.managed_settings.configuration
---@field retrieve fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.claude_code.managed_settings.rbac_group_default
---@field retrieve fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.claude_code.managed_settings.rbac_groups
---@field delete fun(rbac_group_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(rbac_group_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field set fun(rbac_group_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.claude_tag
---@field bundles anthropic.resource.beta.organization.claude_tag.bundles
---@field slack_channels anthropic.resource.beta.organization.claude_tag.slack_channels
---@field slack_workspaces anthropic.resource.beta.organization.claude_tag.slack_workspaces

---@class anthropic.resource.beta.organization.claude_tag.bundles
---@field targets anthropic.resource.beta.organization.claude_tag.bundles.targets
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(bundle_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(bundle_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.claude_tag.bundles.targets
---@field create fun(bundle_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(bundle_id: string, target_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(bundle_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(bundle_id: string, target_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.claude_tag.slack_channels
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.claude_tag.slack_workspaces
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.compliance_settings
---@field retrieve fun(params?: table, options?: anthropic.Options): anthropic.api.OrganizationComplianceSettings?, anthropic.Error?
---@field update fun(params?: table, options?: anthropic.Options): anthropic.api.OrganizationComplianceSettings?, anthropic.Error?

---@class anthropic.resource.beta.organization.external_keys
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.ExternalKey?, anthropic.Error?
---@field delete fun(external_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.ExternalKeyDeleteResponse?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.ExternalKeyPage?, anthropic.Error?
---@field retrieve fun(external_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.ExternalKey?, anthropic.Error?
---@field update fun(external_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.ExternalKey?, anthropic.Error?
---@field validate fun(external_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.ExternalKeyValidateResponse?, anthropic.Error?

---@class anthropic.resource.beta.organization.external_storage
---@field activate fun(external_storage_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(external_storage_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(external_storage_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(external_storage_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.federation
---@field issuers anthropic.resource.beta.organization.federation.issuers
---@field rules anthropic.resource.beta.organization.federation.rules

---@class anthropic.resource.beta.organization.federation.issuers
---@field archive fun(federation_issuer_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationIssuer?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.FederationIssuer?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.FederationIssuerPage?, anthropic.Error?
---@field retrieve fun(federation_issuer_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationIssuer?, anthropic.Error?
---@field update fun(federation_issuer_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationIssuer?, anthropic.Error?

---@class anthropic.resource.beta.organization.federation.rules
---@field workspaces anthropic.resource.beta.organization.federation.rules.workspaces
---@field archive fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationRule?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.FederationRule?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.FederationRulePage?, anthropic.Error?
---@field retrieve fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationRule?, anthropic.Error?
---@field update fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationRule?, anthropic.Error?

---@class anthropic.resource.beta.organization.federation.rules.workspaces
---@field add fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationRuleWorkspace?, anthropic.Error?
---@field list fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.FederationRuleWorkspacePage?, anthropic.Error?
---@field remove fun(federation_rule_id: string, workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceRemoveResponse?, anthropic.Error?

---@class anthropic.resource.beta.organization.invites
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.OrganizationInvite?, anthropic.Error?
---@field delete fun(invite_id: string, params?: table, options?: anthropic.Options): anthropic.api.InviteDeleteResponse?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.OrganizationInvitePage?, anthropic.Error?
---@field retrieve fun(invite_id: string, params?: table, options?: anthropic.Options): anthropic.api.OrganizationInvite?, anthropic.Error?

---@class anthropic.resource.beta.organization.plugin_marketplaces
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(marketplace_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(marketplace_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field validate_archive fun(params: anthropic.UploadParams, options?: anthropic.Options): table?, anthropic.Error?
---@field validate_repository fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.plugins
---@field installation_settings anthropic.resource.beta.organization.plugins.installation_settings
---@field shares anthropic.resource.beta.organization.plugins.shares
---@field versions anthropic.resource.beta.organization.plugins.versions
---@field create fun(params: anthropic.UploadParams, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(plugin_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(plugin_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(plugin_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.plugins.installation_settings
---@field list fun(plugin_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field remove fun(plugin_id: string, target: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field set fun(plugin_id: string, target: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.plugins.shares
---@field list fun(plugin_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?

---@class anthropic.resource.beta.organization.plugins.versions
---@field create fun(plugin_id: string, params: anthropic.UploadParams, options?: anthropic.Options): table?, anthropic.Error?
---@field download fun(plugin_id: string, version: string, params?: anthropic.DownloadParams, options?: anthropic.Options): string|anthropic.Download|nil, anthropic.Error?
---@field list fun(plugin_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(plugin_id: string, version: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.providers
---@field google anthropic.resource.beta.organization.providers.google

---@class anthropic.resource.beta.organization.providers.google
---@field projects anthropic.resource.beta.organization.providers.google.projects

---@class anthropic.resource.beta.organization.providers.google.projects
---@field data_controls anthropic.resource.beta.organization.providers.google.projects.data_controls

---@class anthropic.resource.beta.organization.providers.google.projects.data_controls
---@field retrieve fun(project_number: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(project_number: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.rate_limits
---@field list fun(params?: table, options?: anthropic.Options): anthropic.OrganizationRateLimitPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.rbac_groups
---@field members anthropic.resource.beta.organization.rbac_groups.members
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.RBACGroup?, anthropic.Error?
---@field delete fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedRBACGroup?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.RBACGroupPage?, anthropic.Error?
---@field retrieve fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.api.RBACGroup?, anthropic.Error?
---@field update fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.api.RBACGroup?, anthropic.Error?

---@class anthropic.resource.beta.organization.rbac_groups.members
---@field add fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.api.RBACGroupMember?, anthropic.Error?
---@field list fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.RBACGroupMemberPage?, anthropic.Error?
---@field remove fun(rbac_group_id: string, user_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedRBACGroupMember?, anthropic.Error?

---@class anthropic.resource.beta.organization.rbac_roles
---@field permissions anthropic.resource.beta.organization.rbac_roles.permissions
---@field list fun(params?: table, options?: anthropic.Options): anthropic.RBACRolePage?, anthropic.Error?
---@field retrieve fun(rbac_role_id: string, params?: table, options?: anthropic.Options): anthropic.api.RBACRole?, anthropic.Error?

---@class anthropic.resource.beta.organization.rbac_roles.permissions
---@field list fun(rbac_role_id: string, params?: table, options?: anthropic.Options): anthropic.RBACRolePermissionPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.service_accounts
---@field workspaces anthropic.resource.beta.organization.service_accounts.workspaces
---@field archive fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccount?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.ServiceAccount?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.ServiceAccountPage?, anthropic.Error?
---@field retrieve fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccount?, anthropic.Error?
---@field update fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccount?, anthropic.Error?

---@class anthropic.resource.beta.organization.service_accounts.workspaces
---@field add fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountWorkspaceMember?, anthropic.Error?
---@field list fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.ServiceAccountWorkspaceMemberPage?, anthropic.Error?
---@field remove fun(service_account_id: string, workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountRemoveResponse?, anthropic.Error?

---@class anthropic.resource.beta.organization.spend_limits
---@field effective anthropic.resource.beta.organization.spend_limits.effective
---@field increase_requests anthropic.resource.beta.organization.spend_limits.increase_requests
---@field delete fun(spend_limit_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.SpendLimitPage?, anthropic.Error?
---@field retrieve fun(spend_limit_id: string, params?: table, options?: anthropic.Options): anthropic.api.SpendLimit?, anthropic.Error?
---@field set fun(params?: table, options?: anthropic.Options): anthropic.api.SpendLimit?, anthropic.Error?

---@class anthropic.resource.beta.organization.spend_limits.effective
---@field list fun(params?: table, options?: anthropic.Options): anthropic.SpendSummaryPage?, anthropic.Error?

---@class anthropic.resource.beta.organization.spend_limits.increase_requests
---@field approve fun(spend_limit_increase_request_id: string, params?: table, options?: anthropic.Options): anthropic.api.IncreaseRequestApproveResponse?, anthropic.Error?
---@field deny fun(spend_limit_increase_request_id: string, params?: table, options?: anthropic.Options): anthropic.api.SpendLimitIncreaseRequest?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.SpendLimitIncreaseRequestPage?, anthropic.Error?
---@field retrieve fun(spend_limit_increase_request_id: string, params?: table, options?: anthropic.Options): anthropic.api.SpendLimitIncreaseRequest?, anthropic.Error?

---@class anthropic.resource.beta.organization.telemetry_destinations
---@field workspaces anthropic.resource.beta.organization.telemetry_destinations.workspaces
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(destination_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(destination_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field test fun(destination_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(destination_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.telemetry_destinations.workspaces
---@field add fun(destination_id: string, workspace_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(destination_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field remove fun(destination_id: string, workspace_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.users
---@field list fun(params?: table, options?: anthropic.Options): anthropic.OrganizationUserPage?, anthropic.Error?
---@field remove fun(user_id: string, params?: table, options?: anthropic.Options): anthropic.api.UserRemoveResponse?, anthropic.Error?
---@field retrieve fun(user_id: string, params?: table, options?: anthropic.Options): anthropic.api.OrganizationUser?, anthropic.Error?
---@field sign_out fun(user_id: string, params?: table, options?: anthropic.Options): anthropic.api.OrganizationUser?, anthropic.Error?
---@field update fun(user_id: string, params?: table, options?: anthropic.Options): anthropic.api.OrganizationUser?, anthropic.Error?

---@class anthropic.resource.beta.organization.webhooks
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(webhook_endpoint_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field regenerate_signing_secret fun(webhook_endpoint_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field retrieve fun(webhook_endpoint_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(webhook_endpoint_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.organization.workspaces
---@field members anthropic.resource.beta.organization.workspaces.members
---@field rate_limits anthropic.resource.beta.organization.workspaces.rate_limits
---@field service_accounts anthropic.resource.beta.organization.workspaces.service_accounts
---@field archive fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.Workspace?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.Workspace?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.WorkspacePage?, anthropic.Error?
---@field retrieve fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.Workspace?, anthropic.Error?
---@field update fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.Workspace?, anthropic.Error?

---@class anthropic.resource.beta.organization.workspaces.members
---@field add fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceMember?, anthropic.Error?
---@field list fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.WorkspaceMemberPage?, anthropic.Error?
---@field remove fun(workspace_id: string, user_id: string, params?: table, options?: anthropic.Options): anthropic.api.MemberRemoveResponse?, anthropic.Error?
---@field retrieve fun(workspace_id: string, user_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceMember?, anthropic.Error?
---@field update fun(workspace_id: string, user_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceMember?, anthropic.Error?

---@class anthropic.resource.beta.organization.workspaces.rate_limits
---@field list fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.WorkspaceRateLimitPage?, anthropic.Error?
---@field update fun(workspace_id: string, rate_limit_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceRateLimit?, anthropic.Error?

---@class anthropic.resource.beta.organization.workspaces.service_accounts
---@field add fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountWorkspaceMember?, anthropic.Error?
---@field list fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.ServiceAccountWorkspaceMemberPage?, anthropic.Error?
---@field remove fun(workspace_id: string, service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountRemoveResponse?, anthropic.Error?
---@field retrieve fun(workspace_id: string, service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountWorkspaceMember?, anthropic.Error?
---@field update fun(workspace_id: string, service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountWorkspaceMember?, anthropic.Error?

---@class anthropic.resource.beta.sessions
---@field events anthropic.resource.beta.sessions.events
---@field resources anthropic.resource.beta.sessions.resources
---@field threads anthropic.resource.beta.sessions.threads
---@field archive fun(session_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(session_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(session_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(session_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.sessions.events
---@field list fun(session_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field send fun(session_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field stream fun(session_id: string, params?: table, options?: anthropic.Options): anthropic.Stream?, anthropic.Error?

---@class anthropic.resource.beta.sessions.resources
---@field add fun(session_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(session_id: string, resource_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(session_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(session_id: string, resource_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(session_id: string, resource_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.sessions.threads
---@field events anthropic.resource.beta.sessions.threads.events
---@field archive fun(session_id: string, thread_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(session_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(session_id: string, thread_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.sessions.threads.events
---@field list fun(session_id: string, thread_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field stream fun(session_id: string, thread_id: string, params?: table, options?: anthropic.Options): anthropic.Stream?, anthropic.Error?

---@class anthropic.resource.beta.skills
---@field versions anthropic.resource.beta.skills.versions
---@field create fun(params: anthropic.UploadParams, options?: anthropic.Options): anthropic.api.Skill?, anthropic.Error?
---@field delete fun(skill_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedSkill?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.SkillPage?, anthropic.Error?
---@field retrieve fun(skill_id: string, params?: table, options?: anthropic.Options): anthropic.api.Skill?, anthropic.Error?

---@class anthropic.resource.beta.skills.versions
---@field create fun(skill_id: string, params: anthropic.UploadParams, options?: anthropic.Options): anthropic.api.SkillVersion?, anthropic.Error?
---@field delete fun(skill_id: string, version: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedSkillVersion?, anthropic.Error?
---@field download fun(skill_id: string, version: string, params?: anthropic.DownloadParams, options?: anthropic.Options): string|anthropic.Download|nil, anthropic.Error?
---@field list fun(skill_id: string, params?: table, options?: anthropic.Options): anthropic.SkillVersionPage?, anthropic.Error?
---@field retrieve fun(skill_id: string, version: string, params?: table, options?: anthropic.Options): anthropic.api.SkillVersion?, anthropic.Error?

---@class anthropic.resource.beta.tunnels
---@field certificates anthropic.resource.beta.tunnels.certificates
---@field archive fun(tunnel_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(tunnel_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field reveal_token fun(tunnel_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field rotate_token fun(tunnel_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.tunnels.certificates
---@field archive fun(tunnel_id: string, certificate_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(tunnel_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(tunnel_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(tunnel_id: string, certificate_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.user_profiles
---@field action_urls anthropic.resource.beta.user_profiles.action_urls
---@field providers anthropic.resource.beta.user_profiles.providers
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.UserProfile?, anthropic.Error?
---@field create_enrollment_url fun(user_profile_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(user_profile_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedUserProfile?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.UserProfilePage?, anthropic.Error?
---@field retrieve fun(user_profile_id: string, params?: table, options?: anthropic.Options): anthropic.api.UserProfile?, anthropic.Error?
---@field update fun(user_profile_id: string, params?: table, options?: anthropic.Options): anthropic.api.UserProfile?, anthropic.Error?

---@class anthropic.resource.beta.user_profiles.action_urls
---@field create fun(user_profile_id: string, params?: table, options?: anthropic.Options): anthropic.api.UserProfileActionURL?, anthropic.Error?

---@class anthropic.resource.beta.user_profiles.providers
---@field google anthropic.resource.beta.user_profiles.providers.google

---@class anthropic.resource.beta.user_profiles.providers.google
---@field data_controls anthropic.resource.beta.user_profiles.providers.google.data_controls

---@class anthropic.resource.beta.user_profiles.providers.google.data_controls
---@field retrieve fun(user_profile_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(user_profile_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.vaults
---@field credentials anthropic.resource.beta.vaults.credentials
---@field archive fun(vault_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(vault_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field retrieve fun(vault_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(vault_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.beta.vaults.credentials
---@field archive fun(vault_id: string, credential_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field create fun(vault_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field delete fun(vault_id: string, credential_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field list fun(vault_id: string, params?: table, options?: anthropic.Options): anthropic.Page?, anthropic.Error?
---@field mcp_oauth_validate fun(vault_id: string, credential_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field retrieve fun(vault_id: string, credential_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?
---@field update fun(vault_id: string, credential_id: string, params?: table, options?: anthropic.Options): table?, anthropic.Error?

---@class anthropic.resource.files
---@field delete fun(file_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedFile?, anthropic.Error?
---@field download fun(file_id: string, params?: anthropic.DownloadParams, options?: anthropic.Options): string|anthropic.Download|nil, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.FileMetadataPage?, anthropic.Error?
---@field retrieve_metadata fun(file_id: string, params?: table, options?: anthropic.Options): anthropic.api.FileMetadata?, anthropic.Error?
---@field upload fun(params: anthropic.UploadParams, options?: anthropic.Options): anthropic.api.FileMetadata?, anthropic.Error?

---@class anthropic.Messages
---@field batches anthropic.Batches
---@field count_tokens fun(params?: table, options?: anthropic.Options): anthropic.api.MessageTokensCount?, anthropic.Error?
local Messages = {}

--- Creates a message. With `stream = true` it returns a Stream, as soon as the response's headers have come.
---
--- If `stream` is absent and `max_tokens` is 21,334 or more, the server is asked for a stream, which is read to its
--- end: a Message is returned, and no connection is silent for minutes. `stream = false` asks for a whole answer.
---@overload fun(params: anthropic.MessageParams, options?: anthropic.Options): anthropic.Message?, anthropic.Error?
---@param params anthropic.StreamParams
---@param options? anthropic.Options
---@return anthropic.Stream?
---@return anthropic.Error?
function Messages.create(params, options) end

--- Creates a message and returns a Stream, as `create` with `stream = true` does.
---
--- With `on_event`, `on_text` or `on_done` among the options it returns a handle at once, and calls these functions
--- when something has come; see anthropic.StreamCallbacks.
---@overload fun(params: anthropic.MessageParams, callbacks: anthropic.AnyStreamCallbacks): anthropic.StreamHandle?, anthropic.Error?
---@param params anthropic.MessageParams
---@param options? anthropic.Options options for this request
---@return anthropic.Stream? stream
---@return anthropic.Error? err
function Messages.stream(params, options) end

--- Sends many requests, several at a time, and returns their answers in the order of the requests. What the responses
--- say of the rate limits sets the pace.
---@param list anthropic.MessageParams[] the parameters of each request; `stream` is ignored
---@param settings? anthropic.MapSettings
---@return table? messages `messages[i]` is the Message for `list[i]`, nil if it failed; `messages.n` is their number. nil if all was cancelled, or the list is wrong
---@return table|anthropic.Error errors `errors[i]` is the error of `list[i]`, if it failed. If all was cancelled, one error, which has what came as `messages` and `errors`
function Messages.map(list, settings) end

--- Creates a message whose text is JSON that fits a schema. `message.parsed` is the decoded text. If the text is not
--- JSON, or does not fit, `message.parse_error` says why, and the message is still returned: with `repair = n` after
--- the model was asked again so often. A stream shows the first answer; its `message` returns the last one.
---@overload fun(params: anthropic.ParseParams, options?: anthropic.Options): anthropic.Message?, anthropic.Error?
---@param params anthropic.StreamParseParams
---@param options? anthropic.Options
---@return anthropic.Stream?
---@return anthropic.Error?
function Messages.parse(params, options) end

--- Sends requests and runs the tools that the answers call, in turn, until an answer calls none. See [tools](tools.md).
---@param params anthropic.RunParams
---@param options? anthropic.Options options for each request
---@return anthropic.Message? message the last one
---@return anthropic.Run|anthropic.Error run what was done; on failure an error, whose `run` is what was done before
function Messages.run(params, options) end


---@class anthropic.Batches
---@field cancel fun(message_batch_id: string, params?: table, options?: anthropic.Options): anthropic.api.MessageBatch?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.MessageBatch?, anthropic.Error?
---@field delete fun(message_batch_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedMessageBatch?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.MessageBatchPage?, anthropic.Error?
---@field retrieve fun(message_batch_id: string, params?: table, options?: anthropic.Options): anthropic.api.MessageBatch?, anthropic.Error?
local Batches = {}

--- Opens the results of a batch that has ended. The batch is retrieved first.
---
--- If fewer results come than the batch counts, the iterator ends with an error of kind "truncated".
---@param message_batch_id string
---@param params? table `betas`, `workspace_id`
---@param options? anthropic.Options options for both requests
---@return anthropic.BatchResults? results an iterator
---@return anthropic.Error? err
function Batches.results(message_batch_id, params, options) end

--- Sends requests as batches, as many as it takes, waits until they have ended, and returns all results.
--- Cancelling it (`task:cancel()`, `client:close()`) does not cancel the batches: `resume` goes on with them.
---@param requests? anthropic.BatchRequest[] nil, with `resume`: those of the batches to resume
---@param settings? anthropic.BatchSettings
---@return table<string, anthropic.BatchResult>? results by `custom_id`; empty if `on_result` takes them
---@return anthropic.BatchReport|anthropic.Error report on failure an error, which has `batches` to resume with, `results` and `report`
function Batches.run(requests, settings) end


---@class anthropic.resource.models
---@field list fun(params?: table, options?: anthropic.Options): anthropic.ModelInfoPage?, anthropic.Error?
---@field retrieve fun(model_id: string, params?: table, options?: anthropic.Options): anthropic.api.ModelInfo?, anthropic.Error?

---@class anthropic.resource.organization
---@field analytics anthropic.resource.organization.analytics
---@field api_keys anthropic.resource.organization.api_keys
---@field compliance_settings anthropic.resource.organization.compliance_settings
---@field external_keys anthropic.resource.organization.external_keys
---@field federation anthropic.resource.organization.federation
---@field invites anthropic.resource.organization.invites
---@field rate_limits anthropic.resource.organization.rate_limits
---@field rbac_groups anthropic.resource.organization.rbac_groups
---@field rbac_roles anthropic.resource.organization.rbac_roles
---@field service_accounts anthropic.resource.organization.service_accounts
---@field spend_limits anthropic.resource.organization.spend_limits
---@field users anthropic.resource.organization.users
---@field workspaces anthropic.resource.organization.workspaces
---@field retrieve fun(params?: table, options?: anthropic.Options): anthropic.api.OrganizationInfo?, anthropic.Error?

---@class anthropic.resource.organization.analytics
---@field apps anthropic.resource.organization.analytics.apps
---@field artifacts anthropic.resource.organization.analytics.artifacts
---@field connectors anthropic.resource.organization.analytics.connectors
---@field plugins anthropic.resource.organization.analytics.plugins
---@field skills anthropic.resource.organization.analytics.skills
---@field summaries anthropic.resource.organization.analytics.summaries
---@field users anthropic.resource.organization.analytics.users

---@class anthropic.resource.organization.analytics.apps
---@field chat anthropic.resource.organization.analytics.apps.chat

---@class anthropic.resource.organization.analytics.apps.chat
---@field projects anthropic.resource.organization.analytics.apps.chat.projects

---@class anthropic.resource.organization.analytics.apps.chat.projects
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsProjectActivityPage?, anthropic.Error?

---@class anthropic.resource.organization.analytics.artifacts
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsArtifactActivityPage?, anthropic.Error?

---@class anthropic.resource.organization.analytics.connectors
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsConnectorActivityPage?, anthropic.Error?

---@class anthropic.resource.organization.analytics.plugins
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsPluginActivityPage?, anthropic.Error?

---@class anthropic.resource.organization.analytics.skills
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsSkillActivityPage?, anthropic.Error?

---@class anthropic.resource.organization.analytics.summaries
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsSingleDayActivitySummaryPage?, anthropic.Error?

---@class anthropic.resource.organization.analytics.users
---@field list fun(params?: table, options?: anthropic.Options): anthropic.AnalyticsUserActivityPage?, anthropic.Error?

---@class anthropic.resource.organization.api_keys
---@field list fun(params?: table, options?: anthropic.Options): anthropic.APIKeyPage?, anthropic.Error?
---@field retrieve fun(api_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.APIKey?, anthropic.Error?
---@field update fun(api_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.APIKey?, anthropic.Error?

---@class anthropic.resource.organization.compliance_settings
---@field retrieve fun(params?: table, options?: anthropic.Options): anthropic.api.OrganizationComplianceSettings?, anthropic.Error?
---@field update fun(params?: table, options?: anthropic.Options): anthropic.api.OrganizationComplianceSettings?, anthropic.Error?

---@class anthropic.resource.organization.external_keys
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.ExternalKey?, anthropic.Error?
---@field delete fun(external_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.ExternalKeyDeleteResponse?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.ExternalKeyPage?, anthropic.Error?
---@field retrieve fun(external_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.ExternalKey?, anthropic.Error?
---@field update fun(external_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.ExternalKey?, anthropic.Error?
---@field validate fun(external_key_id: string, params?: table, options?: anthropic.Options): anthropic.api.ExternalKeyValidateResponse?, anthropic.Error?

---@class anthropic.resource.organization.federation
---@field issuers anthropic.resource.organization.federation.issuers
---@field rules anthropic.resource.organization.federation.rules

---@class anthropic.resource.organization.federation.issuers
---@field archive fun(federation_issuer_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationIssuer?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.FederationIssuer?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.FederationIssuerPage?, anthropic.Error?
---@field retrieve fun(federation_issuer_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationIssuer?, anthropic.Error?
---@field update fun(federation_issuer_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationIssuer?, anthropic.Error?

---@class anthropic.resource.organization.federation.rules
---@field workspaces anthropic.resource.organization.federation.rules.workspaces
---@field archive fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationRule?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.FederationRule?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.FederationRulePage?, anthropic.Error?
---@field retrieve fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationRule?, anthropic.Error?
---@field update fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationRule?, anthropic.Error?

---@class anthropic.resource.organization.federation.rules.workspaces
---@field add fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.api.FederationRuleWorkspace?, anthropic.Error?
---@field list fun(federation_rule_id: string, params?: table, options?: anthropic.Options): anthropic.FederationRuleWorkspacePage?, anthropic.Error?
---@field remove fun(federation_rule_id: string, workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceRemoveResponse?, anthropic.Error?

---@class anthropic.resource.organization.invites
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.OrganizationInvite?, anthropic.Error?
---@field delete fun(invite_id: string, params?: table, options?: anthropic.Options): anthropic.api.InviteDeleteResponse?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.OrganizationInvitePage?, anthropic.Error?
---@field retrieve fun(invite_id: string, params?: table, options?: anthropic.Options): anthropic.api.OrganizationInvite?, anthropic.Error?

---@class anthropic.resource.organization.rate_limits
---@field list fun(params?: table, options?: anthropic.Options): anthropic.OrganizationRateLimitPage?, anthropic.Error?

---@class anthropic.resource.organization.rbac_groups
---@field members anthropic.resource.organization.rbac_groups.members
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.RBACGroup?, anthropic.Error?
---@field delete fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedRBACGroup?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.RBACGroupPage?, anthropic.Error?
---@field retrieve fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.api.RBACGroup?, anthropic.Error?
---@field update fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.api.RBACGroup?, anthropic.Error?

---@class anthropic.resource.organization.rbac_groups.members
---@field add fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.api.RBACGroupMember?, anthropic.Error?
---@field list fun(rbac_group_id: string, params?: table, options?: anthropic.Options): anthropic.RBACGroupMemberPage?, anthropic.Error?
---@field remove fun(rbac_group_id: string, user_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedRBACGroupMember?, anthropic.Error?

---@class anthropic.resource.organization.rbac_roles
---@field permissions anthropic.resource.organization.rbac_roles.permissions
---@field list fun(params?: table, options?: anthropic.Options): anthropic.RBACRolePage?, anthropic.Error?
---@field retrieve fun(rbac_role_id: string, params?: table, options?: anthropic.Options): anthropic.api.RBACRole?, anthropic.Error?

---@class anthropic.resource.organization.rbac_roles.permissions
---@field list fun(rbac_role_id: string, params?: table, options?: anthropic.Options): anthropic.RBACRolePermissionPage?, anthropic.Error?

---@class anthropic.resource.organization.service_accounts
---@field workspaces anthropic.resource.organization.service_accounts.workspaces
---@field archive fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccount?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.ServiceAccount?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.ServiceAccountPage?, anthropic.Error?
---@field retrieve fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccount?, anthropic.Error?
---@field update fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccount?, anthropic.Error?

---@class anthropic.resource.organization.service_accounts.workspaces
---@field add fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountWorkspaceMember?, anthropic.Error?
---@field list fun(service_account_id: string, params?: table, options?: anthropic.Options): anthropic.ServiceAccountWorkspaceMemberPage?, anthropic.Error?
---@field remove fun(service_account_id: string, workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountRemoveResponse?, anthropic.Error?

---@class anthropic.resource.organization.spend_limits
---@field effective anthropic.resource.organization.spend_limits.effective
---@field increase_requests anthropic.resource.organization.spend_limits.increase_requests

---@class anthropic.resource.organization.spend_limits.effective
---@field list fun(params?: table, options?: anthropic.Options): anthropic.SpendSummaryPage?, anthropic.Error?

---@class anthropic.resource.organization.spend_limits.increase_requests
---@field approve fun(spend_limit_increase_request_id: string, params?: table, options?: anthropic.Options): anthropic.api.IncreaseRequestApproveResponse?, anthropic.Error?
---@field deny fun(spend_limit_increase_request_id: string, params?: table, options?: anthropic.Options): anthropic.api.SpendLimitIncreaseRequest?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.SpendLimitIncreaseRequestPage?, anthropic.Error?
---@field retrieve fun(spend_limit_increase_request_id: string, params?: table, options?: anthropic.Options): anthropic.api.SpendLimitIncreaseRequest?, anthropic.Error?

---@class anthropic.resource.organization.users
---@field list fun(params?: table, options?: anthropic.Options): anthropic.OrganizationUserPage?, anthropic.Error?
---@field remove fun(user_id: string, params?: table, options?: anthropic.Options): anthropic.api.UserRemoveResponse?, anthropic.Error?
---@field retrieve fun(user_id: string, params?: table, options?: anthropic.Options): anthropic.api.OrganizationUser?, anthropic.Error?
---@field update fun(user_id: string, params?: table, options?: anthropic.Options): anthropic.api.OrganizationUser?, anthropic.Error?

---@class anthropic.resource.organization.workspaces
---@field members anthropic.resource.organization.workspaces.members
---@field rate_limits anthropic.resource.organization.workspaces.rate_limits
---@field service_accounts anthropic.resource.organization.workspaces.service_accounts
---@field archive fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.Workspace?, anthropic.Error?
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.Workspace?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.WorkspacePage?, anthropic.Error?
---@field retrieve fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.Workspace?, anthropic.Error?
---@field update fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.Workspace?, anthropic.Error?

---@class anthropic.resource.organization.workspaces.members
---@field add fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceMember?, anthropic.Error?
---@field list fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.WorkspaceMemberPage?, anthropic.Error?
---@field remove fun(workspace_id: string, user_id: string, params?: table, options?: anthropic.Options): anthropic.api.MemberRemoveResponse?, anthropic.Error?
---@field retrieve fun(workspace_id: string, user_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceMember?, anthropic.Error?
---@field update fun(workspace_id: string, user_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceMember?, anthropic.Error?

---@class anthropic.resource.organization.workspaces.rate_limits
---@field list fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.WorkspaceRateLimitPage?, anthropic.Error?
---@field update fun(workspace_id: string, rate_limit_id: string, params?: table, options?: anthropic.Options): anthropic.api.WorkspaceRateLimit?, anthropic.Error?

---@class anthropic.resource.organization.workspaces.service_accounts
---@field add fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountWorkspaceMember?, anthropic.Error?
---@field list fun(workspace_id: string, params?: table, options?: anthropic.Options): anthropic.ServiceAccountWorkspaceMemberPage?, anthropic.Error?
---@field remove fun(workspace_id: string, service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountRemoveResponse?, anthropic.Error?
---@field retrieve fun(workspace_id: string, service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountWorkspaceMember?, anthropic.Error?
---@field update fun(workspace_id: string, service_account_id: string, params?: table, options?: anthropic.Options): anthropic.api.ServiceAccountWorkspaceMember?, anthropic.Error?

---@class anthropic.resource.skills
---@field versions anthropic.resource.skills.versions
---@field create fun(params: anthropic.UploadParams, options?: anthropic.Options): anthropic.api.Skill?, anthropic.Error?
---@field delete fun(skill_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedSkill?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.SkillPage?, anthropic.Error?
---@field retrieve fun(skill_id: string, params?: table, options?: anthropic.Options): anthropic.api.Skill?, anthropic.Error?

---@class anthropic.resource.skills.versions
---@field create fun(skill_id: string, params: anthropic.UploadParams, options?: anthropic.Options): anthropic.api.SkillVersion?, anthropic.Error?
---@field delete fun(skill_id: string, version: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedSkillVersion?, anthropic.Error?
---@field list fun(skill_id: string, params?: table, options?: anthropic.Options): anthropic.SkillVersionPage?, anthropic.Error?
---@field retrieve fun(skill_id: string, version: string, params?: table, options?: anthropic.Options): anthropic.api.SkillVersion?, anthropic.Error?

---@class anthropic.resource.user_profiles
---@field action_urls anthropic.resource.user_profiles.action_urls
---@field create fun(params?: table, options?: anthropic.Options): anthropic.api.UserProfile?, anthropic.Error?
---@field delete fun(user_profile_id: string, params?: table, options?: anthropic.Options): anthropic.api.DeletedUserProfile?, anthropic.Error?
---@field list fun(params?: table, options?: anthropic.Options): anthropic.UserProfilePage?, anthropic.Error?
---@field retrieve fun(user_profile_id: string, params?: table, options?: anthropic.Options): anthropic.api.UserProfile?, anthropic.Error?
---@field update fun(user_profile_id: string, params?: table, options?: anthropic.Options): anthropic.api.UserProfile?, anthropic.Error?

---@class anthropic.resource.user_profiles.action_urls
---@field create fun(user_profile_id: string, params?: table, options?: anthropic.Options): anthropic.api.UserProfileActionURL?, anthropic.Error?

