-- Returns the type of an event, and the offset of its data, as `event_record.rs` writes it.
local function kind_and_offset(event)
  local n, at = unpack_bytes('>I2', event, 9)
  for _ = 1, n do at = at + 1 + byte(event, at) end
  at = at + 8
  local kind_len = unpack_bytes('>I2', event, at)
  local kind = sub(event, at + 2, at + 1 + kind_len)
  at = at + 3 + kind_len
  return kind, at + 2 + unpack_bytes('>I2', event, at)
end

-- Returns the type and the data of an event.
local function content(event)
  local kind, at = kind_and_offset(event)
  return kind, sub(event, at)
end

local function without_data(event)
  local _, at = kind_and_offset(event)
  return sub(event, 1, at - 1)
end

-- Returns the score of the nth event of a call. Those beyond the scores of a millisecond share the
-- last one: see `scores.rs`.
local function event_score(first, n)
  local last = first - first % 1024 + 1023
  return text(math.min(first + n - 1, last))
end

local function is_same(stored, given)
  local kind, data = content(stored)
  local given_kind, given_data = content(given)
  -- Of an erased event it is not known what the data was.
  return data == '' or (kind == given_kind and data == given_data)
end
