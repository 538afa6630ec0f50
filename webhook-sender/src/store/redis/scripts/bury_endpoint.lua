-- ARGV: endpoint, now in eight bytes, most. Answers 1 if there are more.
local endpoint, now, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
if call('SISMEMBER', B .. 'g', endpoint) == 0 then return 0 end
local function bury_if(id, state)
  local record = call('GET', D .. id)
  if record and byte(record) == state then bury(id, record, now, 'endpoint deleted') end
end

local due = call('ZPOPMIN', B .. 'q:' .. endpoint, most)
for i = 1, #due, 2 do bury_if(due[i], 80) end
most = most - #due / 2
while most > 0 do
  local turns = B .. 'ns:' .. endpoint
  local lane = call('HRANDFIELD', turns)
  if not lane then
    call('SREM', B .. 'g', endpoint)
    return 0
  end
  local waiting = call('ZPOPMIN', lane_key(endpoint, lane), most)
  for i = 1, #waiting, 2 do
    call('DECR', B .. 'h')
    bury_if(waiting[i], 87)
  end
  -- Whoever has the turn is in flight, or was buried above.
  if #waiting < 2 * most then call('HDEL', turns, lane) end
  most = most - #waiting / 2 - 1
end
return 1
