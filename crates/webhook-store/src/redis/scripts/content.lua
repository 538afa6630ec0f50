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

-- The numbers of bytes of an event's record that are read for the fields before its data: enough for most
-- events, and enough for an event with the maximum number of deliveries.
local HEADS = { 512, 4194304 }

-- Returns the record of an event up to its data, its type, and 1 if it has data, else 0; nothing if it does not
-- exist. The data is not read, because it may be large.
local function event_head(event)
  for _, most in ipairs(HEADS) do
    local start = call('GETRANGE', B .. 'e:' .. event, 0, most - 1)
    -- A start that ends within a field is an error.
    local is_whole, kind, at = pcall(kind_and_offset, start)
    if is_whole and (at <= #start or at == #start + 1 and #start < most) then
      return sub(start, 1, at - 1), kind, at <= #start and 1 or 0
    end
    if #start < most then return end
  end
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
