-- Claims pending entries of any consumer. KEYS[1]: the stream. ARGV: group, consumer, most bytes
-- of an entry, most bytes of its data, most bytes of all entries after the first, ids.
-- Returns {number of examined ids, ids of removed entries, (id, fields, missing bytes of data)…}.
local looked_at, vanished, total = 0, {}, 0
local result = { 0, vanished }
for i = 6, #ARGV do
  -- An entry that does not fit any more is left pending.
  local there = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if there then
    local fields, cut, bytes = fit(there[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
    if total > 0 and total + bytes > tonumber(ARGV[5]) then break end
    local claimed = redis.pcall('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    if claimed.err then return claimed end
    total = total + bytes
    result[#result + 1] = { there[1], fields, cut }
  else
    vanished[#vanished + 1] = ARGV[i]
  end
  looked_at = looked_at + 1
end
result[1] = looked_at
return result
