-- Takes the oldest accepted events for planning, and counts a try of each: an event that was tried
-- before alone, else events until one that was. ARGV: owner, maximum events, maximum bytes.
-- Returns {'empty'}, {'busy'} or {'events', (id, earlier tries, event)…}.
local accepted, tries = B .. 'a', B .. 'at'
local ids = call('LRANGE', accepted, 0, ARGV[2] - 1)
local planner = call('GET', B .. 'p')
if #ids == 0 then
  if planner == ARGV[1] then call('DEL', B .. 'p') end
  return { 'empty' }
end
if planner and planner ~= ARGV[1] then return { 'busy' } end
local result, bytes = { 'events' }, 0
for i = 1, #ids do
  local tried = call('HGET', tries, ids[i]) or '0'
  if i > 1 and tried ~= '0' then break end
  local event = call('GET', B .. 'e:' .. ids[i]) or ''
  bytes = bytes + #event
  if i > 1 and bytes > tonumber(ARGV[3]) then break end
  result[#result + 1] = ids[i]
  result[#result + 1] = tried
  result[#result + 1] = event
  if tried ~= '0' then break end
end
call('SADD', B .. 'o', ARGV[1])
call('SET', B .. 'p', ARGV[1])
for i = 2, #result, 3 do call('HINCRBY', tries, result[i], 1) end
return result
