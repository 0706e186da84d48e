--- The kinds of tokens that are paid for.

local token_kinds = {}

--- Each kind, with its parts that may have prices of their own.
token_kinds.KINDS = {
  input_tokens = {},
  output_tokens = { "thinking_tokens" },
  cache_creation_input_tokens = { "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens" },
  cache_read_input_tokens = {},
}

--- The kinds that are the sum of their parts. Some servers name only the parts.
token_kinds.IS_SUM_OF_PARTS = { cache_creation_input_tokens = true }

--- The parts, as a set.
token_kinds.IS_PART = {}
for _, parts in pairs(token_kinds.KINDS) do
  for _, part in ipairs(parts) do
    token_kinds.IS_PART[part] = true
  end
end

return token_kinds
