-- The code that a tenant's scripts share. KEYS[1] is the hash of its endpoints; all keys of the tenant
-- have the same prefix and therefore the same slot. `record.rs` documents the format of a delivery.
local call, sub, byte, char = redis.call, string.sub, string.byte, string.char
local pack, unpack_bytes = struct.pack, struct.unpack
local T = KEYS[1]
local B = sub(T, 1, -2)
local D = B .. 'd:'
local MANY = 4000 -- the Lua stack holds no more arguments than some 8,000

-- Calls a command with the arguments list[from..to], in parts of an even number.
local function each(list, from, to, command, ...)
  while from <= to do
    local last = math.min(from + MANY - 1, to)
    local arguments = { command, ... }
    local n = #arguments
    for i = from, last do
      n = n + 1
      arguments[n] = list[i]
    end
    call(unpack(arguments, 1, n))
    from = last + 1
  end
end

-- Returns the values of keys, read in parts.
local function values(keys)
  if #keys <= MANY then
    return #keys > 0 and call('MGET', unpack(keys)) or {}
  end
  local all = {}
  for from = 1, #keys, MANY do
    local some = call('MGET', unpack(keys, from, math.min(from + MANY - 1, #keys)))
    for i = 1, #some do all[from + i - 1] = some[i] end
  end
  return all
end

-- Returns a number as text with all digits.
local function text(number)
  return string.format('%.0f', number)
end

-- Returns the offset of a record's `when`.
local function head(record)
  return 3 + byte(record, 2)
end

-- Returns the fields of a record that never change, and their offset.
local function tail(record)
  local reason, at = unpack_bytes('>I2', record, head(record) + 11)
  at = at + reason
  local score, event = unpack_bytes('>I8I2', record, at)
  local p = at + 10
  local event_id = sub(record, p, p + event - 1)
  p = p + event
  local endpoint_len = byte(record, p)
  local endpoint = sub(record, p + 1, p + endpoint_len)
  p = p + 1 + endpoint_len
  local group_len = unpack_bytes('>I2', record, p)
  local parts = { at = at, score = score, event = event_id, endpoint = endpoint, attempts = p + 2 + group_len }
  if group_len > 0 then
    parts.place = text((unpack_bytes('>I8', record, p + 2)))
    parts.group = sub(record, p + 10, p + 1 + group_len)
  end
  return parts
end

local function is_ordered(record)
  return byte(record, head(record) + 10) % 2 == 1
end

-- The flags of a delivery whose event was erased, so that it is not attempted any more, and of one that is in
-- the list `f:<endpoint>` of those whose last attempt failed.
local ERASED, FAILED = 4, 8

local function has_flag(flags, flag)
  return flags % (2 * flag) >= flag
end

local function is_erased(record)
  return has_flag(byte(record, head(record) + 10), ERASED)
end

local function due_at(record)
  return (unpack_bytes('>I8', record, head(record)))
end

local known = {}
local function exists(endpoint)
  if known[endpoint] == nil then known[endpoint] = call('HEXISTS', T, endpoint) == 1 end
  return known[endpoint]
end

-- Updates the earliest due time of an endpoint in `r`. `lowered` is the earliest due time that this
-- script has made earlier, which must be announced to other processes.
local lowered = nil
local function refresh(endpoint)
  local ready = B .. 'r'
  local first = call('ZRANGE', B .. 'q:' .. endpoint, 0, 0, 'WITHSCORES')[2]
  local before = call('ZSCORE', ready, endpoint)
  if first and (call('SISMEMBER', B .. 'off', endpoint) == 1 or not exists(endpoint)) then
    first = nil
  end
  if not first then
    if before then call('ZREM', ready, endpoint) end
  elseif first ~= before then
    call('ZADD', ready, first, endpoint)
    local at = tonumber(first)
    if not before or at < tonumber(before) then
      lowered = math.min(lowered or at, at)
    end
  end
end

-- The counters of an endpoint are in hashes by hour (`om:<endpoint>:<slot>`, with fields
-- `<minute>:<counter>`) and by day (`oh:<endpoint>:<slot>`, with fields `<hour>:<counter>`), of which
-- the slots are used in turn. Those without an endpoint are the sums of the tenant.
local SLOTS = { om = 3, oh = 8 }

-- Adds an endpoint's counters from an interval on to a list: interval, counter, count.
local function read_counters(kind, endpoint, first, list)
  for slot = 0, SLOTS[kind] - 1 do
    local fields = call('HGETALL', B .. kind .. ':' .. endpoint .. ':' .. slot)
    for i = 1, #fields, 2 do
      local at, counter = string.match(fields[i], '^(%d+):(%d+)$')
      if at and tonumber(at) >= first then
        local n = #list
        list[n + 1], list[n + 2], list[n + 3] = at, counter, fields[i + 1]
      end
    end
  end
end

local function delete_counters(endpoint)
  call('UNLINK', B .. 'la:' .. endpoint)
  for kind, slots in pairs(SLOTS) do
    for slot = 0, slots - 1 do call('UNLINK', B .. kind .. ':' .. endpoint .. ':' .. slot) end
  end
  call('SREM', B .. 'os', endpoint)
end

local touched = {}
local function make_due(id, endpoint, at)
  call('ZADD', B .. 'q:' .. endpoint, at, id)
  touched[endpoint] = true
end

local function refresh_touched()
  for endpoint in pairs(touched) do refresh(endpoint) end
end

local function group_key(endpoint, group)
  return B .. 'n:' .. endpoint .. ':' .. group
end

-- Of an ordering group, one delivery at a time is due or in flight. `ns:<endpoint>` holds the current
-- one; the others, including replayed ones, wait in the order of planning.

-- Makes a delivery the current one of its group if there is none; else it waits. Returns whether it is.
local function queue_up(id, endpoint, group, place)
  if call('HSETNX', B .. 'ns:' .. endpoint, group, id) == 1 then return true end
  call('ZADD', group_key(endpoint, group), place, id)
  call('INCR', B .. 'h')
  return false
end

-- Ends the current delivery of a group, and makes the next one due.
local function advance(id, parts, now)
  local turns, key = B .. 'ns:' .. parts.endpoint, group_key(parts.endpoint, parts.group)
  if call('HGET', turns, parts.group) ~= id then return end
  local next = call('ZPOPMIN', key)[1]
  if not next then
    call('HDEL', turns, parts.group)
    return
  end
  call('DECR', B .. 'h')
  call('HSET', turns, parts.group, next)
  local record = call('GET', D .. next)
  local at = math.max(due_at(record), (unpack_bytes('>I8', now)))
  call('SET', D .. next, 'P\0' .. pack('>I8', at) .. sub(record, 11))
  make_due(next, parts.endpoint, text(at))
end

-- Turns a record that is in no queue any more into a dead letter. `now` is eight bytes.
local function bury(id, record, now, reason, made, attempt)
  local parts = tail(record)
  local from = head(record)
  made = made or sub(record, from + 8, from + 9)
  local flags = sub(record, from + 10, from + 10)
  call('SET', D .. id, 'D\0' .. now .. made .. flags .. pack('>I2', #reason) .. reason
    .. sub(record, parts.at) .. (attempt or ''))
  call('ZADD', B .. 'z:' .. parts.endpoint, text(parts.score), id)
  call('RPUSH', B .. 'x', now .. id)
  return parts
end

-- The start of the record of a delivery in flight under an owner. The fence of its claim follows.
local FENCE = 16
local function in_flight_prefix(owner)
  return 'F' .. char(#owner + FENCE) .. owner
end

-- Makes deliveries in flight under an owner due again, except claims whose fence is in `kept` at the
-- same index. Returns their number, and the ids of all that are not in flight under the owner now. Calls
-- `on_burial` with the endpoint of each that is a dead letter instead.
local function return_claims(owner, ids, now, kept, on_burial)
  local keys = {}
  for i = 1, #ids do keys[i] = D .. ids[i] end
  local records = values(keys)
  local mine = in_flight_prefix(owner)
  local latest = unpack_bytes('>I8', now)
  local count, gone = 0, {}
  for i = 1, #ids do
    local record = records[i]
    local flies = record and sub(record, 1, #mine) == mine
    if not flies or sub(record, #mine + 1, #mine + FENCE) ~= kept[i] then gone[#gone + 1] = ids[i] end
    if flies and gone[#gone] == ids[i] then
      local parts = tail(record)
      if exists(parts.endpoint) and not is_erased(record) then
        -- It was due when it was claimed: a later due time comes from a clock that was ahead.
        local at = math.min(due_at(record), latest)
        call('SET', keys[i], 'P\0' .. pack('>I8', at) .. sub(record, #mine + FENCE + 9))
        make_due(ids[i], parts.endpoint, text(at))
      else
        bury(ids[i], record, now, is_erased(record) and 'erased' or 'endpoint deleted')
        on_burial(parts.endpoint)
        if parts.group then advance(ids[i], parts, now) end
      end
      count = count + 1
    end
  end
  return count, gone
end

