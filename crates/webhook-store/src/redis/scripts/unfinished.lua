-- Returns the ids of the pending deliveries, or of those in flight. ARGV: 'P' or 'F', endpoint or '' for all,
-- maximum. Returns {1, id…}, or {0} if there are more.
local what, endpoint, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local lists, count = {}, 0
local function list(key, command, ...)
  count = count + call(command == 'SMEMBERS' and 'SCARD' or 'ZCARD', key)
  lists[#lists + 1] = { command, key, ... }
end

if what == 'F' then
  for _, owner in ipairs(call('SMEMBERS', B .. 'o')) do list(B .. 'l:' .. owner, 'SMEMBERS') end
else
  local waiting = tonumber(call('GET', B .. 'h') or '0')
  if waiting > most then return { 0 } end
  for _, one in ipairs(endpoint ~= '' and { endpoint } or call('SMEMBERS', B .. 'i')) do
    list(B .. 'q:' .. one, 'ZRANGE', 0, -1)
    for _, group in ipairs(waiting > 0 and call('HKEYS', B .. 'ns:' .. one) or {}) do
      list(group_key(one, group), 'ZRANGE', 0, -1)
    end
  end
end
if count > most then return { 0 } end
local reply = { 1 }
for i = 1, #lists do
  for _, id in ipairs(call(unpack(lists[i]))) do reply[#reply + 1] = id end
end
return reply
