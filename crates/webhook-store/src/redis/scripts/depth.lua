-- KEYS: the hashes of endpoints of some tenants, in one slot or on a server without slots.
-- Returns {pending, in flight, dead, earliest due time or '', accepted} of all of them.
local call = redis.call
local pending, in_flight, dead, accepted = 0, 0, 0, 0
local earliest = false

local function count(base)
  -- Most tenants have no data.
  if call('EXISTS', base .. 'h', base .. 'i', base .. 'o', base .. 'r', base .. 'a') == 0 then return end
  pending = pending + tonumber(call('GET', base .. 'h') or '0')
  accepted = accepted + call('LLEN', base .. 'a')
  for _, endpoint in ipairs(call('SMEMBERS', base .. 'i')) do
    pending = pending + call('ZCARD', base .. 'q:' .. endpoint)
    dead = dead + call('ZCARD', base .. 'z:' .. endpoint)
  end
  for _, owner in ipairs(call('SMEMBERS', base .. 'o')) do
    in_flight = in_flight + call('SCARD', base .. 'l:' .. owner)
  end
  local due = call('ZRANGE', base .. 'r', 0, 0, 'WITHSCORES')[2]
  if due and (not earliest or tonumber(due) < tonumber(earliest)) then earliest = due end
end

for _, root in ipairs(KEYS) do count(string.sub(root, 1, -2)) end
return { pending, in_flight, dead, earliest or '', accepted }
