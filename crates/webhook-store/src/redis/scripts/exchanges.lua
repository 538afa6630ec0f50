-- The requests and responses of attempts, which `record.rs` describes.

-- Returns an attempt, with its length in front, without its request and response.
local function without_exchange(attempt)
  local flags = byte(attempt, 20)
  if flags < 4 then return attempt end
  local at = 21
  at = at + 2 + unpack_bytes('>I2', attempt, at)
  at = at + 2 + unpack_bytes('>I2', attempt, at)
  local rest = sub(attempt, 5, 19) .. char(flags - 4) .. sub(attempt, 21, at - 1) .. sub(attempt, -8)
  return pack('>I4', #rest) .. rest
end

-- Returns attempts with every one of them changed.
local function each_attempt(attempts, change)
  local parts, at = {}, 1
  while at <= #attempts do
    local last = at + 3 + unpack_bytes('>I4', attempts, at)
    parts[#parts + 1] = change(sub(attempts, at, last))
    at = last + 1
  end
  return table.concat(parts)
end

-- Returns a record without the requests and responses of its attempts.
local function summary(record)
  local from = tail(record).attempts
  return sub(record, 1, from - 1) .. each_attempt(sub(record, from), without_exchange)
end
