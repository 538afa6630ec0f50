-- Returns those of some deliveries that match a filter, each as {number, record, type of its event}. Long
-- records come without requests and responses. ARGV: letters of the states or '', lowest and highest status
-- of the last attempt or '', '=' and the type or '', then ids.
local LONG = 1024
local IDS = 4
local states, wanted = ARGV[1], ARGV[4]
local lowest, highest = tonumber(ARGV[2]), tonumber(ARGV[3])
local keys = {}
for i = IDS + 1, #ARGV do keys[i - IDS] = D .. ARGV[i] end
local records = values(keys)

-- Returns whether the last attempt has a status in the range; 0 stands for none.
local function has_status(attempts)
  local at, last = 1, nil
  while at <= #attempts do
    last, at = at, at + 4 + unpack_bytes('>I4', attempts, at)
  end
  local status = last and unpack_bytes('>I2', attempts, last + 12)
  return status and status >= lowest and status <= highest
end

local reply = {}
for i = 1, #keys do
  local record = records[i]
  if record and (states == '' or string.find(states, sub(record, 1, 1), 1, true)) then
    local parts = tail(record)
    if not lowest or has_status(sub(record, parts.attempts)) then
      local _, kind = event_head(parts.event)
      kind = kind or ''
      if wanted == '' or wanted == '=' .. kind then
        reply[#reply + 1] = { i, #record > LONG and summary(record) or record, kind }
      end
    end
  end
end
return reply
