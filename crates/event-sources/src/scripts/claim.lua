-- Takes pending entries over, whoever has them, and counts them before they are returned.
-- KEYS[1]: the stream. ARGV: group, consumer, how often they count as taken, most bytes of an entry,
-- most bytes of its data, ids. Returns {id, fields, bytes of data that are missing}… without those that
-- were removed.
local entries = {}
for i = 6, #ARGV do
  local claimed = redis.pcall('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'RETRYCOUNT', ARGV[3])
  if claimed.err then return claimed end
  local entry = claimed[1]
  if entry and entry[2] then
    local fields, cut = fit(entry[2], tonumber(ARGV[4]), tonumber(ARGV[5]))
    entries[#entries + 1] = { entry[1], fields, cut }
  end
end
return entries
