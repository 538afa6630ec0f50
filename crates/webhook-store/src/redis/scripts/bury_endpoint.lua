-- Buries pending deliveries of a removed endpoint. ARGV: endpoint, now in eight bytes, maximum.
-- Returns 1 if there are more.
local endpoint, now, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
if call('SISMEMBER', B .. 'g', endpoint) == 0 then return 0 end
local function bury_if(id, state)
  local record = call('GET', D .. id)
  if not record or byte(record) ~= state then return end
  bury(id, record, now, 'endpoint deleted')
  count_dead(endpoint)
end

local due = call('ZPOPMIN', B .. 'q:' .. endpoint, most)
for i = 1, #due, 2 do bury_if(due[i], 80) end
most = most - #due / 2
local turns, kept = B .. 'ns:' .. endpoint, B .. 'nk:' .. endpoint
local function in_flight(id)
  local record = call('GET', D .. id)
  return record and byte(record) == 70
end

-- A group stays taken by a delivery in flight: an endpoint of the same id may be created before it ends.
local function end_burial()
  local all = call('HGETALL', kept)
  for i = 1, #all, 2 do
    if in_flight(all[i + 1]) then call('HSET', turns, all[i], all[i + 1]) end
  end
  call('DEL', kept)
  call('SREM', B .. 'g', endpoint)
end

while most > 0 do
  local group = call('HRANDFIELD', turns)
  if not group then
    end_burial()
    write_dead(now)
    return 0
  end
  local waiting = call('ZPOPMIN', group_key(endpoint, group), most)
  for i = 1, #waiting, 2 do
    call('DECR', B .. 'h')
    bury_if(waiting[i], 87)
  end
  if #waiting < 2 * most then
    local id = call('HGET', turns, group)
    if in_flight(id) then call('HSET', kept, group, id) end
    call('HDEL', turns, group)
  end
  most = most - #waiting / 2 - 1
end
write_dead(now)
return 1
