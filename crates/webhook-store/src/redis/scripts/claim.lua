-- Claims due deliveries. ARGV: owner, fence, now, then (endpoint, limit)…
-- Returns (id, record before the claim, event or body)…
local owner, now = ARGV[1], ARGV[3]
local mine = in_flight_prefix(owner) .. ARGV[2]
local ids, n = {}, 0
for i = 4, #ARGV, 2 do
  local endpoint = ARGV[i]
  if exists(endpoint) and call('SISMEMBER', B .. 'off', endpoint) == 0 then
    local queue = B .. 'q:' .. endpoint
    local due = call('ZRANGEBYSCORE', queue, '-inf', now, 'LIMIT', 0, ARGV[i + 1])
    if #due > 0 then
      -- The first write: a full server rejects it, but would accept ZREM and all later writes.
      if n == 0 then call('SADD', B .. 'o', owner) end
      each(due, 1, #due, 'ZREM', queue)
      touched[endpoint] = true
      for k = 1, #due do
        n = n + 1
        ids[n] = due[k]
      end
    end
  end
end
if n == 0 then return {} end

local keys = {}
for i = 1, n do keys[i] = D .. ids[i] end
local records = values(keys)
local taken, sources, sets, m = {}, {}, {}, 0
for i = 1, n do
  local record = records[i]
  if record and byte(record) == 80 then
    m = m + 1
    taken[m] = i
    sets[2 * m - 1] = keys[i]
    sets[2 * m] = mine .. sub(record, 3)
    if has_flag(byte(record, 13), 2) then
      sources[m] = B .. 'b:' .. ids[i]
    else
      -- A pending record has no owner and no reason, so its event has a fixed offset.
      local len = byte(record, 24) * 256 + byte(record, 25)
      sources[m] = B .. 'e:' .. sub(record, 26, 25 + len)
    end
  end
end
-- Returns a record without its attempts if they are long.
local function without_attempts(record)
  return #record > 1024 and sub(record, 1, tail(record).attempts - 1) or record
end
local bodies = values(sources)
each(sets, 1, 2 * m, 'MSET')
local reply, leased = {}, {}
for i = 1, m do
  local id = ids[taken[i]]
  leased[i] = id
  reply[3 * i - 2] = id
  reply[3 * i - 1] = without_attempts(records[taken[i]])
  reply[3 * i] = bodies[i]
end
each(leased, 1, m, 'SADD', B .. 'l:' .. owner)
refresh_touched()
return reply
