-- What the libcurl that is here does, where that depends on its version.

local core = require "anthropic.core"

local major, minor = core.curl_info().version:match "^(%d+)%.(%d+)"
local version = tonumber(major) * 100 + tonumber(minor)

return {
  -- Content with an unknown encoding can be read as it is.
  passes_unknown_encodings = version < 805,
  -- What a transfer fails with when it is resumed ends it there and then; 7.88 asks for another step, 8.14 does not.
  ends_on_resuming = version >= 800,
  -- Frames of HTTP/2 that carry nothing are read a few at a time, so that timeouts have their turn; later
  -- versions of nghttp2 bound them by themselves.
  reads_in_steps = version >= 807,
  -- Beside a file of authorities it reads the directory that it was built with, if any, and keeps neither then.
  may_read_its_directory = version >= 817,
  -- Two `Location` headers that differ are an error of libcurl.
  refuses_two_places = version >= 817,
  -- For a while after an idle connection was ended here, new ones are made: it may still be taken for alive.
  notes_ends_late = version >= 822,
}
