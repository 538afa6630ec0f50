-- ARGV: owner, now in eight bytes, then (id, what, attempt, more)…
--   what: S succeeded, P due at `more`, D dead by reason `more`.
-- Answers {one 1 or 0 for each, lowered or ''}.
local owner, now = ARGV[1], ARGV[2]
local mine = 'F' .. char(#owner) .. owner
local from = #mine + 1
local succeeded = 'S\0' .. now
local n = (#ARGV - 2) / 4
local keys = {}
for i = 1, n do keys[i] = D .. ARGV[4 * i - 1] end
local records = values(keys)

local answer, sets, ended, gone, done = {}, {}, {}, {}, {}
local k, e, g = 0, 0, 0
local function finish(id, record)
  if is_ordered(record) then
    advance(id, tail(record), now)
  end
end

for i = 1, n do
  local id, what, attempt, more = ARGV[4 * i - 1], ARGV[4 * i], ARGV[4 * i + 1], ARGV[4 * i + 2]
  local record = records[i]
  if not record or sub(record, 1, from - 1) ~= mine or done[id] then
    answer[i] = '0'
  else
    answer[i] = '1'
    done[id] = true
    g = g + 1
    gone[g] = id
    local high, low, flags = byte(record, from + 8, from + 10)
    if attempt ~= '' then
      low = low + 1
      if low == 256 then
        low, high = 0, math.min(high + 1, 255)
      end
    end
    if what == 'S' then
      k = k + 2
      sets[k - 1] = keys[i]
      sets[k] = succeeded .. char(high, low, flags, 0, 0) .. sub(record, from + 13) .. attempt
      e = e + 1
      ended[e] = now .. id
      if flags % 2 == 1 then finish(id, record) end
    else
      local parts = tail(record)
      if what == 'P' and exists(parts.endpoint) then
        k = k + 2
        sets[k - 1] = keys[i]
        sets[k] = 'P\0' .. pack('>I8', tonumber(more)) .. char(high, low, flags, 0, 0)
          .. sub(record, from + 13) .. attempt
        make_due(id, parts.endpoint, more)
      else
        local reason = what == 'D' and more or 'endpoint deleted'
        bury(id, record, now, reason, char(high, low), attempt)
        finish(id, record)
      end
    end
  end
end
each(sets, 1, k, 'MSET')
each(gone, 1, g, 'SREM', B .. 'l:' .. owner)
each(ended, 1, e, 'RPUSH', B .. 's')
refresh_touched()
return { table.concat(answer), lowered and text(lowered) or '' }
