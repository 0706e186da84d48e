--- Packs bytes with the gzip of the system.
return function(bytes)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  local pipe = assert(io.popen("gzip -nc " .. path))
  local packed = pipe:read "*a"
  pipe:close()
  os.remove(path)
  assert(packed:sub(1, 2) == "\31\139", "gzip packed nothing")
  return packed
end
