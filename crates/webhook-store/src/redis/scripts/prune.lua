-- ARGV: succeeded before, dead before, events planned before, maximum.
-- Returns {number of deliveries and events, 1 if there may be more}.
local planned_before, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local count, more, unlisted = 0, 0, {}

-- Deletes an event with its last delivery, but not before its id may be used again.
local function prune_event(event)
  local key = B .. 'e:' .. event
  local value = call('GET', key)
  if not value then return end
  local planned, n, at = unpack_bytes('>I8I2', value)
  for _ = 1, n do
    local len = byte(value, at)
    if call('EXISTS', D .. sub(value, at + 1, at + len)) == 1 then return end
    at = at + 1 + len
  end
  if planned < planned_before then
    call('DEL', key)
    unlisted[#unlisted + 1] = event
  else
    call('ZADD', B .. 'w', text(planned), event)
  end
end

local function prune_ended(list, state, before)
  local entries = call('LRANGE', list, 0, most - 1)
  local keys, n = {}, 0
  for i = 1, #entries do
    if unpack_bytes('>I8', entries[i]) >= before then break end
    n = i
    keys[i] = D .. sub(entries[i], 9)
  end
  if n == 0 then return end
  local records = values(keys)
  local gone, of, events = {}, {}, {}
  for i = 1, n do
    local record = records[i]
    -- A delivery that was replayed since has another state or time, and another entry.
    if record and byte(record) == state and sub(record, 3, 10) == sub(entries[i], 1, 8) then
      local id, parts = sub(entries[i], 9), tail(record)
      gone[#gone + 1] = keys[i]
      local flags = byte(record, 13)
      if has_flag(flags, 2) then gone[#gone + 1] = B .. 'b:' .. id end
      if has_flag(flags, FAILED) then call('ZREM', B .. 'f:' .. parts.endpoint, id) end
      of[parts.endpoint] = of[parts.endpoint] or {}
      table.insert(of[parts.endpoint], id)
      events[#events + 1] = parts.event
    end
  end
  each(gone, 1, #gone, 'DEL')
  for endpoint, ids in pairs(of) do
    each(ids, 1, #ids, 'ZREM', B .. 'c:' .. endpoint)
    if state == 68 then each(ids, 1, #ids, 'ZREM', B .. 'z:' .. endpoint) end
    if call('EXISTS', B .. 'c:' .. endpoint) == 0 then
      call('SREM', B .. 'i', endpoint)
      if not exists(endpoint) then delete_counters(endpoint) end
    end
  end
  for i = 1, #events do prune_event(events[i]) end
  call('LTRIM', list, n, -1)
  count = count + n
  if n == most then more = 1 end
end

prune_ended(B .. 's', 83, tonumber(ARGV[1]))
prune_ended(B .. 'x', 68, tonumber(ARGV[2]))
local events = call('ZRANGEBYSCORE', B .. 'w', '-inf', '(' .. ARGV[3], 'LIMIT', 0, most)
for i = 1, #events do
  call('DEL', B .. 'e:' .. events[i])
  unlisted[#unlisted + 1] = events[i]
end
each(events, 1, #events, 'ZREM', B .. 'w')
each(unlisted, 1, #unlisted, 'ZREM', B .. 'ep')
if #events == most then more = 1 end
return { count + #events, more }
