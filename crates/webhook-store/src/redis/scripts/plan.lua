-- ARGV: version, owner, 1 if the events were accepted, score of the first event that was not, then sections,
-- each preceded by its number of entries:
--   events (key, value), other pairs (key, value), claimed (id),
--   planned by endpoint (endpoint, n, n × (score, id)), due by endpoint (the same),
--   dead by endpoint (the same), dead (entry), lingering (planned, id),
--   ordered (pair's number, endpoint, group, id, due or '' or 'dead', record while it waits).
-- Returns {'unknown'}, {'stale'}, {'backlog'}, {'known', number of event, negative with other content…} or
--   {'done', lowered or '', id of ordered delivery that did not start…}.
local version = call('HGET', T, ':v')
if not version then return { 'unknown' } end
if version ~= ARGV[1] then return { 'stale' } end
local is_accepted = ARGV[3] == '1'
if not is_accepted and call('EXISTS', B .. 'a') == 1 then return { 'backlog' } end
local at = 5
local function number()
  at = at + 1
  return tonumber(ARGV[at - 1])
end

local events = number()
local others = number()
local pairs_from = at
local keys = {}
for i = 1, events do keys[i] = ARGV[at + 2 * i - 2] end
if is_accepted then
  -- Events that are not next in the list are planned already.
  local waiting = call('LRANGE', B .. 'a', 0, events - 1)
  local next, found = 1, { 'known' }
  for i = 1, events do
    if waiting[next] == sub(keys[i], #B + 3) then next = next + 1 else found[#found + 1] = i end
  end
  if #found > 1 then return found end
end
for from = 1, is_accepted and 0 or events, MANY do
  local to = math.min(from + MANY - 1, events)
  if call('EXISTS', unpack(keys, from, to)) > 0 then
    local found = { 'known' }
    for i = 1, events do
      local stored = call('GET', keys[i])
      if stored then
        found[#found + 1] = is_same(stored, ARGV[pairs_from + 2 * i - 1]) and i or -i
      end
    end
    return found
  end
end
local others_from = pairs_from + 2 * events
local pairs_to = others_from + 2 * others - 1
at = pairs_to + 1

local claimed = number()
local claimed_from = at
at = at + claimed
local grouped_from = at

-- The ordered deliveries come last, and are read first: they decide which records are written.
local function skip_groups()
  for _ = 1, number() do
    at = at + 1
    local n = number()
    at = at + 2 * n
  end
end
skip_groups()
skip_groups()
skip_groups()
local dead = number()
local dead_from = at
at = at + dead
local lingering = number()
local lingering_from = at
at = at + 2 * lingering

local waiting = {}
local started = {}
local ordered = number()
local place = ordered > 0 and call('INCRBY', B .. 'k', ordered) - ordered
for i = 1, ordered do
  local pair, endpoint, group = number(), ARGV[at], ARGV[at + 1]
  local id, due, record = ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  at = at + 5
  local written = others_from + 2 * pair + 1
  if due == 'dead' then
    -- It has a position in its group in case it is replayed.
  elseif not queue_up(id, endpoint, group, text(place + i)) then
    ARGV[written] = record
    waiting[#waiting + 1] = id
  elseif due == '' then
    started[#started + 1] = id
  else
    make_due(id, endpoint, due)
  end
  record = ARGV[written]
  ARGV[written] = sub(record, 1, -9 - #group) .. pack('>I8', place + i) .. group
end

each(ARGV, pairs_from, pairs_to, 'MSET')
local ids, kept, listed, first = {}, {}, {}, tonumber(ARGV[4])
for i = 1, events do ids[i] = sub(keys[i], #B + 3) end
for from = 1, is_accepted and events or 0, MANY do
  local some = call('ZMSCORE', B .. 'ea', unpack(ids, from, math.min(from + MANY - 1, events)))
  for i = 1, #some do kept[from + i - 1] = some[i] end
end
for i = 1, events do
  -- An event that an earlier version accepted has no score yet.
  listed[2 * i - 1] = kept[i] or event_score(first, i)
  listed[2 * i] = ids[i]
end
each(listed, 1, 2 * events, 'ZADD', B .. 'ep')
if is_accepted then
  call('LTRIM', B .. 'a', events, -1)
  each(ids, 1, events, 'HDEL', B .. 'at')
  each(ids, 1, events, 'ZREM', B .. 'ea')
end
if claimed + #started > 0 then
  local lease = B .. 'l:' .. ARGV[2]
  call('SADD', B .. 'o', ARGV[2])
  each(ARGV, claimed_from, claimed_from + claimed - 1, 'SADD', lease)
  each(started, 1, #started, 'SADD', lease)
end

at = grouped_from
local planned = {}
for _ = 1, number() do
  local endpoint = ARGV[at]
  at = at + 1
  local n = number()
  planned[#planned + 1] = endpoint
  each(ARGV, at, at + 2 * n - 1, 'ZADD', B .. 'c:' .. endpoint)
  at = at + 2 * n
end
each(planned, 1, #planned, 'SADD', B .. 'i')
for _ = 1, number() do
  local endpoint = ARGV[at]
  at = at + 1
  local n = number()
  each(ARGV, at, at + 2 * n - 1, 'ZADD', B .. 'q:' .. endpoint)
  touched[endpoint] = true
  at = at + 2 * n
end
for _ = 1, number() do
  local endpoint = ARGV[at]
  at = at + 1
  local n = number()
  each(ARGV, at, at + 2 * n - 1, 'ZADD', B .. 'z:' .. endpoint)
  count_dead(endpoint, n)
  at = at + 2 * n
end
-- An entry begins with the time.
if dead > 0 then write_dead(sub(ARGV[dead_from], 1, 8)) end
each(ARGV, dead_from, dead_from + dead - 1, 'RPUSH', B .. 'x')
each(ARGV, lingering_from, lingering_from + 2 * lingering - 1, 'ZADD', B .. 'w')
refresh_touched()
local reply = { 'done', lowered and text(lowered) or '' }
for i = 1, #waiting do reply[i + 2] = waiting[i] end
return reply
