-- Erases the payload of an event. ARGV: event, now in eight bytes.
-- Returns {number of deliveries that are not attempted any more, or -1 for an unknown event; lowered or ''}.
local id, now = ARGV[1], ARGV[2]
local key = B .. 'e:' .. id
local event = call('GET', key)
if not event then return { -1, '' } end
local count, at = unpack_bytes('>I2', event, 9)
local deliveries = {}
for i = 1, count do
  local len = byte(event, at)
  deliveries[i] = sub(event, at + 1, at + len)
  at = at + 1 + len
end
call('SET', key, without_data(event))
if call('LREM', B .. 'a', 1, id) == 1 then
  -- It was accepted, and is planned without deliveries.
  local score = call('ZSCORE', B .. 'ea', id)
  if score then
    call('ZADD', B .. 'ep', score, id)
    call('ZREM', B .. 'ea', id)
  end
  call('HDEL', B .. 'at', id)
  call('ZADD', B .. 'w', text((unpack_bytes('>I8', event))), id)
end

local function without_responses(attempts)
  return each_attempt(attempts, function(attempt)
    attempt = without_exchange(attempt)
    local flags = byte(attempt, 20)
    if flags < 2 then return attempt end
    -- An earlier version stored the start of the response as text.
    local response = 21 + 2 + unpack_bytes('>I2', attempt, 21)
    local rest = sub(attempt, 5, 19) .. char(flags - 2) .. sub(attempt, 21, response - 1) .. '\0\0' .. sub(attempt, -8)
    return pack('>I4', #rest) .. rest
  end)
end

-- Removes a delivery from what waits to be sent.
local function unqueue(delivery, state, parts)
  call('ZREM', B .. 'q:' .. parts.endpoint, delivery)
  touched[parts.endpoint] = true
  if state == 87 and parts.group and call('ZREM', group_key(parts.endpoint, parts.group), delivery) == 1 then
    call('DECR', B .. 'h')
  end
end

local buried = 0
for i = 1, #deliveries do
  local delivery = deliveries[i]
  local record = call('GET', D .. delivery)
  if record then
    local state, flags_at, parts = byte(record), head(record) + 10, tail(record)
    local flags = byte(record, flags_at)
    if not has_flag(flags, ERASED) then flags = flags + ERASED end
    local attempts = without_responses(sub(record, parts.attempts))
    record = sub(record, 1, flags_at - 1) .. char(flags) .. sub(record, flags_at + 1, parts.attempts - 1) .. attempts
    if state == 80 or state == 87 then
      -- The outcome of a delivery in flight counts it.
      count_dead(parts.endpoint)
      unqueue(delivery, state, parts)
      bury(delivery, record, now, 'erased')
      if state == 80 and parts.group then advance(delivery, parts, now) end
      buried = buried + 1
    else
      if state == 68 and attempts == '' then
        -- The reason comes from a filter or transform, and may quote data.
        record = sub(record, 1, flags_at) .. pack('>I2', 6) .. 'erased' .. sub(record, parts.at)
      end
      call('SET', D .. delivery, record)
      if state == 70 then buried = buried + 1 end
    end
  end
  call('DEL', B .. 'b:' .. delivery)
end
write_dead(now)
refresh_touched()
return { buried, lowered and text(lowered) or '' }
