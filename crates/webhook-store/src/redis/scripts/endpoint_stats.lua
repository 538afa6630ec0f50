-- Returns the statistics of an endpoint. ARGV: endpoint, 'om' or 'oh', first interval, maximum of pending.
-- Returns {'unknown'} or {'known', pending, first due time or '', (interval, counter, count)…}.
local endpoint, first, most = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
if not exists(endpoint) then return { 'unknown' } end
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
local answer = { 'known', text(math.min(pending, most)), due }
for slot = 0, SLOTS[ARGV[2]] - 1 do
  local fields = call('HGETALL', B .. ARGV[2] .. ':' .. endpoint .. ':' .. slot)
  for i = 1, #fields, 2 do
    local at, counter = string.match(fields[i], '^(%d+):(%d+)$')
    if at and tonumber(at) >= first then
      local n = #answer
      answer[n + 1], answer[n + 2], answer[n + 3] = at, counter, fields[i + 1]
    end
  end
end
return answer
