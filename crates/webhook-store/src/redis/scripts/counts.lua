-- Counts outcomes for endpoints and, under the empty name, for the tenant. `endpoint_stats.rs` has the numbers
-- of the counters, and `recent_attempts.rs` the form of the last attempts in `la:<endpoint>`.
local COUNTED_DEAD, COUNTED_SUCCEEDED, COUNTED_FAILED = 64, 65, 66
local RECENT, ATTEMPT = 50, 16
local counts, recent = {}, {}

local function count(endpoint, counter, number)
  local of = counts[endpoint] or {}
  counts[endpoint] = of
  of[counter] = (of[counter] or 0) + number
end

-- Counts an attempt, with its length in front as `record.rs` describes it.
local function count_attempt(endpoint, counter, attempt)
  count(endpoint, counter, 1)
  local kept = sub(attempt, 5, 4 + ATTEMPT)
  count('', byte(kept, ATTEMPT) % 2 == 1 and COUNTED_FAILED or COUNTED_SUCCEEDED, 1)
  local of = recent[endpoint] or {}
  recent[endpoint] = of
  of[#of + 1] = kept
end

local function count_dead(endpoint, number)
  count(endpoint, COUNTED_DEAD, number or 1)
  count('', COUNTED_DEAD, number or 1)
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

-- Writes what was counted, in the minute and the hour of `now`, which is eight bytes.
local function write_counts(now)
  local minute = math.floor(unpack_bytes('>I8', now) / 60000)
  local hour = math.floor(minute / 60)
  local day = math.floor(hour / 24)
  for endpoint, of in pairs(counts) do
    for counter, number in pairs(of) do
      add_count('om', endpoint, hour, minute, counter, number)
      add_count('oh', endpoint, day, hour, counter, number)
    end
  end
  for endpoint, attempts in pairs(recent) do
    local key = B .. 'la:' .. endpoint
    call('RPUSH', key, unpack(attempts, math.max(1, #attempts - RECENT + 1)))
    call('LTRIM', key, -RECENT, -1)
  end
end
