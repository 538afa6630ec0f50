-- Deletes deliveries of a dropped tenant. ARGV: maximum. Returns 1 if there are more.
if call('EXISTS', B .. 'gone') == 0 then return 0 end
local most = tonumber(ARGV[1])
for _, endpoint in ipairs(call('SMEMBERS', B .. 'i')) do
  local popped = call('ZPOPMIN', B .. 'c:' .. endpoint, most)
  local keys = {}
  for i = 1, #popped, 2 do keys[#keys + 1] = D .. popped[i] end
  local records = values(keys)
  local gone = {}
  for i = 1, #keys do
    gone[#gone + 1] = keys[i]
    gone[#gone + 1] = B .. 'b:' .. popped[2 * i - 1]
    if records[i] then
      local parts = tail(records[i])
      gone[#gone + 1] = B .. 'e:' .. parts.event
      if parts.group then gone[#gone + 1] = group_key(endpoint, parts.group) end
    end
  end
  each(gone, 1, #gone, 'UNLINK')
  most = most - #keys
  if most <= 0 then return 1 end
  call('UNLINK', B .. 'c:' .. endpoint, B .. 'z:' .. endpoint, B .. 'f:' .. endpoint, B .. 'q:' .. endpoint,
    B .. 'ns:' .. endpoint, B .. 'nk:' .. endpoint)
  call('SREM', B .. 'i', endpoint)
end
local accepted = call('LRANGE', B .. 'a', 0, most - 1)
for i = 1, #accepted do call('UNLINK', B .. 'e:' .. accepted[i]) end
call('LTRIM', B .. 'a', #accepted, -1)
if #accepted == most then return 1 end
local events = call('ZPOPMIN', B .. 'w', most)
for i = 1, #events, 2 do call('UNLINK', B .. 'e:' .. events[i]) end
if #events >= 2 * most then return 1 end
for _, owner in ipairs(call('SMEMBERS', B .. 'o')) do call('UNLINK', B .. 'l:' .. owner) end
for _, endpoint in ipairs(call('SMEMBERS', B .. 'os')) do delete_counters(endpoint) end
call('UNLINK', B .. 'o', B .. 's', B .. 'x', B .. 'h', B .. 'k', B .. 'g', B .. 'off', B .. 'r', B .. 'at', B .. 'p',
  B .. 'ea', B .. 'ep', B .. 'fs', B .. 'gone')
return 0
