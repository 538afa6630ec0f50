-- Takes pending entries over without a change to their count, and without returning their content.
-- KEYS[1]: the stream. ARGV: group, consumer, how often they count as taken, most bytes of an entry,
-- ids. Returns {id, tenant, bytes}… without those that were removed.
local entries = {}
for i = 5, #ARGV do
  local claimed =
    redis.pcall('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'RETRYCOUNT', ARGV[3], 'JUSTID')
  if claimed.err then return claimed end
  local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if entry then
    local fields, tenant, bytes = entry[2], false, 0
    for at = 1, #fields, 2 do
      bytes = bytes + #fields[at] + #fields[at + 1]
      if fields[at] == 'tenant' and not tenant then tenant = string.sub(fields[at + 1], 1, 256) end
    end
    entries[#entries + 1] = { entry[1], tenant or '', math.min(bytes, tonumber(ARGV[4])) }
  end
end
return entries
