-- Corrects due times that a clock ahead of now has set: see `Queue::rewind`.
-- ARGV: endpoint, now, first score, number of deliveries of that score to skip, maximum.
-- Returns {number of corrected deliveries, next score or '', number of it to skip, lowered or ''}.
local endpoint, now, last = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local rows = call('ZRANGEBYSCORE', B .. 'q:' .. endpoint, last, '+inf', 'WITHSCORES', 'LIMIT', ARGV[4], ARGV[5])
local keys = {}
for i = 1, #rows, 2 do keys[#keys + 1] = D .. rows[i] end
local records = values(keys)

-- Dates back attempts that ended after now. Returns them, and the time at which the last one ended.
local function dated_back(record, at)
  local pieces, ended = {}, 0
  while at <= #record do
    local len, began = unpack_bytes('>I4I8', record, at)
    local duration = unpack_bytes('>I4', record, at + 15)
    ended = began + duration
    began = math.max(math.min(began, now - duration), 0)
    pieces[#pieces + 1] = sub(record, at, at + 3) .. pack('>I8', began) .. sub(record, at + 12, at + 3 + len)
    at = at + 4 + len
  end
  return table.concat(pieces), ended
end

-- Returns the corrected due time and record; nothing if the due time is correct.
local function rewound(record)
  local start = 'P\0' .. pack('>I8', now)
  if byte(record, 11) == 0 and byte(record, 12) == 0 then return now, start .. sub(record, 11) end
  local from = tail(record).attempts
  local attempts, ended = dated_back(record, from)
  if ended <= now then return end
  local at = now + math.max(due_at(record) - ended, 0)
  return at, 'P\0' .. pack('>I8', at) .. sub(record, 11, from - 1) .. attempts
end

local moved, passed = 0, tonumber(ARGV[4])
for i = 1, #keys do
  local id, score, record = rows[2 * i - 1], rows[2 * i], records[i]
  if score ~= last then last, passed = score, 0 end
  local at, changed
  if record and byte(record) == 80 then at, changed = rewound(record) end
  if at then
    moved = moved + 1
    call('SET', keys[i], changed)
    make_due(id, endpoint, text(at))
  else
    passed = passed + 1
  end
end
refresh_touched()
if #keys < tonumber(ARGV[5]) then last = '' end
return { moved, last, passed, lowered and text(lowered) or '' }
