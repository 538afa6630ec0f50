-- ARGV: now, now in eight bytes, 1 if bodies are rendered when they are sent, 1 for pending deliveries instead of
--   those that ended, then ids.
-- Returns {number of replayed deliveries, lowered or ''}.
local now, stamp, is_deferred, is_pending = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4] == '1'
local OWN_BODY = 2
local count = 0

local function is_wanted(record)
  local state = record and byte(record)
  if not is_pending then return state == 83 or state == 68 end
  -- An attempt has failed.
  return state == 80 and (byte(record, 11) > 0 or byte(record, 12) > 0)
end

-- Returns the flags of a delivery, whose body is not rendered yet if it is deferred.
local function flags_of(id, record)
  local flags = byte(record, head(record) + 10)
  if is_deferred then
    call('SET', B .. 'b:' .. id, '')
    if not has_flag(flags, OWN_BODY) then flags = flags + OWN_BODY end
  end
  return char(flags)
end

-- It is the current one of its ordering group, or in none.
local function sooner(id, record, parts)
  local at = math.min(due_at(record), tonumber(now))
  call('SET', D .. id, 'P\0' .. pack('>I8', at) .. '\0\0' .. flags_of(id, record) .. sub(record, 14))
  make_due(id, parts.endpoint, text(at))
end

local function again(id, record, parts)
  local endpoint = parts.endpoint
  local first = not is_ordered(record) or queue_up(id, endpoint, parts.group, parts.place)
  local flags = flags_of(id, record)
  call('SET', D .. id, (first and 'P\0' or 'W\0') .. stamp .. '\0\0' .. flags .. '\0\0' .. sub(record, parts.at))
  if byte(record) == 68 then call('ZREM', B .. 'z:' .. endpoint, id) end
  if first then make_due(id, endpoint, now) end
end

for i = 5, #ARGV do
  local id = ARGV[i]
  local record = call('GET', D .. id)
  if is_wanted(record) and not is_erased(record) then
    local parts = tail(record)
    if exists(parts.endpoint) then
      (is_pending and sooner or again)(id, record, parts)
      count = count + 1
    end
  end
end
refresh_touched()
return { count, lowered and text(lowered) or '' }
