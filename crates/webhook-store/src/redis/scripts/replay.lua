-- ARGV: now, now in eight bytes, then ids. Returns {number of replayed deliveries, lowered or ''}.
local now, stamp = ARGV[1], ARGV[2]
local count = 0
for i = 3, #ARGV do
  local id = ARGV[i]
  local record = call('GET', D .. id)
  local state = record and byte(record)
  if (state == 83 or state == 68) and not is_erased(record) then
    local parts = tail(record)
    local endpoint = parts.endpoint
    if exists(endpoint) then
      local flags = sub(record, head(record) + 10, head(record) + 10)
      local first = byte(flags) % 2 == 0 or queue_up(id, endpoint, parts.group, parts.place)
      call('SET', D .. id, (first and 'P\0' or 'W\0') .. stamp .. '\0\0' .. flags .. '\0\0'
        .. sub(record, parts.at))
      if state == 68 then call('ZREM', B .. 'z:' .. endpoint, id) end
      if first then make_due(id, endpoint, now) end
      count = count + 1
    end
  end
end
refresh_touched()
return { count, lowered and text(lowered) or '' }
