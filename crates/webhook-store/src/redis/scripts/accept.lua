-- Keeps new events behind the tenant's other accepted ones. ARGV: score of the first, (id, event)….
-- Returns {'unknown'}, or {'done', and for each event 1 new, 0 known, -1 with other content…}.
if not call('HGET', T, ':v') then return { 'unknown' } end
local results, first, listed = { 'done' }, tonumber(ARGV[1]), {}
for i = 2, #ARGV, 2 do
  local id, event = ARGV[i], ARGV[i + 1]
  local stored = call('GET', B .. 'e:' .. id)
  if stored then
    results[#results + 1] = is_same(stored, event) and 0 or -1
  else
    call('SET', B .. 'e:' .. id, event)
    call('RPUSH', B .. 'a', id)
    listed[#listed + 1] = event_score(first, i / 2)
    listed[#listed + 1] = id
    results[#results + 1] = 1
  end
end
each(listed, 1, #listed, 'ZADD', B .. 'ea')
return results
