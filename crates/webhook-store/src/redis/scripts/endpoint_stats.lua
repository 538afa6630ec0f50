-- Returns the statistics of an endpoint. ARGV: endpoint, 'om' or 'oh', first interval, maximum of pending.
-- Returns {'unknown', '0', '', '', {}} or {'known', pending, first due time or '', last attempts (the newest
--   of each process first), {(interval, counter, count)…}}.
local endpoint, first, most = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
if not exists(endpoint) then return { 'unknown', '0', '', '', {} } end
local queue = B .. 'q:' .. endpoint
local pending = call('ZCARD', queue)
local turns = B .. 'ns:' .. endpoint
-- Of very many ordering groups, the waiting deliveries are not counted.
if pending < most and call('HLEN', turns) <= 1000 then
  for _, group in ipairs(call('HKEYS', turns)) do
    pending = pending + call('ZCARD', group_key(endpoint, group))
  end
end
local due = call('ZRANGE', queue, 0, 0, 'WITHSCORES')[2] or ''
local counts = {}
read_counters(ARGV[2], endpoint, first, counts)
local kept, recent = call('LRANGE', B .. 'la:' .. endpoint, 0, -1), {}
for i = #kept, 1, -1 do recent[#recent + 1] = kept[i] end
return { 'known', text(math.min(pending, most)), due, table.concat(recent), counts }
