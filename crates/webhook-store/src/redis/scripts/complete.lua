-- Records outcomes. ARGV: owner, now in eight bytes, then (id, fence, what, attempt, more)…
--   what: S succeeded, P due at `more`, D dead with the reason `more`.
-- Returns {a digit for each outcome, lowered or ''}. The digit is 0 if it is rejected, 1 if it was recorded
--   before, 2 if it is recorded now, and 3 if its delivery is also a dead letter now.
local owner, now = ARGV[1], ARGV[2]
-- Deliveries from this score on are in the lists of those whose last attempt failed. An earlier version, which
-- had no such lists, has completed the others.
if call('EXISTS', B .. 'fs') == 0 then
  call('SET', B .. 'fs', text(unpack_bytes('>I8', now) * 1024))
end
local mine = in_flight_prefix(owner)
local from = #mine + FENCE + 1
local succeeded = 'S\0' .. now
local n = (#ARGV - 2) / 5
local keys = {}
for i = 1, n do keys[i] = D .. ARGV[5 * i - 2] end
local records = values(keys)

local reply, sets, ended, gone, done = {}, {}, {}, {}, {}
local k, e, g = 0, 0, 0
local succeeded_again = {}

-- Lists a delivery whose last attempt failed. Returns its flags and its record with them.
local function list_failed(id, record, flags)
  local parts = tail(record)
  call('ZADD', B .. 'f:' .. parts.endpoint, text(parts.score), id)
  flags = flags + FAILED
  return flags, sub(record, 1, from + 9) .. char(flags) .. sub(record, from + 11)
end

local function finish(id, record)
  if is_ordered(record) then
    advance(id, tail(record), now)
  end
end

local function died_of(record, reason)
  local at = head(record) + 11
  return byte(record) == 68 and sub(record, at, at + 1 + #reason) == pack('>I2', #reason) .. reason
end

-- Returns whether an outcome was recorded before. An attempt ends with the number of its claim.
local function is_recorded(record, what, attempt, more)
  if attempt ~= '' then
    return string.find(record, sub(attempt, -8), tail(record).attempts, true) ~= nil
  end
  local state = byte(record)
  if what == 'S' then return state == 83 end
  if what == 'D' then return died_of(record, more) end
  return state == 80 or state == 87 or died_of(record, 'endpoint deleted') or died_of(record, 'erased')
end

for i = 1, n do
  local id, fence, what, attempt, more = unpack(ARGV, 5 * i - 2, 5 * i + 2)
  local record = records[i]
  -- An earlier outcome in this call may have changed it.
  if done[id] then record = done[id] ~= true and done[id] or call('GET', keys[i]) end
  if not record then
    reply[i] = '0'
  elseif sub(record, 1, from - 1) ~= mine .. fence then
    reply[i] = is_recorded(record, what, attempt, more) and '1' or '0'
  else
    reply[i] = '2'
    done[id] = true
    g = g + 1
    gone[g] = id
    local high, low, flags = byte(record, from + 8, from + 10)
    if attempt ~= '' then
      -- The response may contain what was erased.
      if has_flag(flags, ERASED) then attempt = without_exchange(attempt) end
      local status = byte(attempt, 13) * 256 + byte(attempt, 14)
      if status < 200 or status > 299 then
        if flags < FAILED then flags, record = list_failed(id, record, flags) end
      elseif flags >= FAILED then
        flags = flags - FAILED
        record = sub(record, 1, from + 9) .. char(flags) .. sub(record, from + 11)
        succeeded_again[id] = tail(record).endpoint
      end
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
      done[id] = sets[k]
      if flags % 2 == 1 then finish(id, record) end
    else
      local parts = tail(record)
      if what == 'P' and not has_flag(flags, ERASED) and exists(parts.endpoint) then
        k = k + 2
        sets[k - 1] = keys[i]
        sets[k] = 'P\0' .. pack('>I8', tonumber(more)) .. char(high, low, flags, 0, 0)
          .. sub(record, from + 13) .. attempt
        make_due(id, parts.endpoint, more)
        done[id] = sets[k]
      else
        local reason = what == 'D' and more or has_flag(flags, ERASED) and 'erased' or 'endpoint deleted'
        reply[i] = '3'
        bury(id, record, now, reason, char(high, low), attempt)
        finish(id, record)
      end
    end
  end
end
each(sets, 1, k, 'MSET')
for id, endpoint in pairs(succeeded_again) do call('ZREM', B .. 'f:' .. endpoint, id) end
each(gone, 1, g, 'SREM', B .. 'l:' .. owner)
each(ended, 1, e, 'RPUSH', B .. 's')
refresh_touched()
return { table.concat(reply), lowered and text(lowered) or '' }
