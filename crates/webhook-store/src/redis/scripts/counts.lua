-- Counts for endpoints and, under the empty name, for the tenant. `endpoint_stats.rs` has the numbers of the
-- counters.
local COUNTED_DEAD = 64
local dead_of = {}

local function count_dead(endpoint, number)
  dead_of[endpoint] = (dead_of[endpoint] or 0) + (number or 1)
  dead_of[''] = (dead_of[''] or 0) + (number or 1)
end

local function add_count(kind, endpoint, period, at, counter, number)
  local key = B .. kind .. ':' .. endpoint .. ':' .. period % SLOTS[kind]
  local field = at .. ':' .. counter
  if call('HINCRBY', key, field, number) ~= number then return end
  -- The first of its interval: the slot may have counters of an earlier period.
  if call('HGET', key, 'of') ~= tostring(period) then
    call('DEL', key)
    call('HSET', key, 'of', period, field, number)
  end
  call('SADD', B .. 'os', endpoint)
end

-- Adds a count to the minute and to its hour.
local function add_minute(endpoint, minute, counter, number)
  local hour = math.floor(minute / 60)
  add_count('om', endpoint, hour, minute, counter, number)
  add_count('oh', endpoint, math.floor(hour / 24), hour, counter, number)
end

-- Writes the counts of dead letters, in the minute of `now`, which is eight bytes.
local function write_dead(now)
  local minute = math.floor(unpack_bytes('>I8', now) / 60000)
  for endpoint, number in pairs(dead_of) do add_minute(endpoint, minute, COUNTED_DEAD, number) end
end
