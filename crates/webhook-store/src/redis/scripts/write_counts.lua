-- Writes counts. ARGV: for each endpoint that exists, and for the tenant with an empty name: endpoint, number of
--   attempts, attempts (the newest last)…, number of counts, (minute, counter, count)…
-- `recent_attempts.rs` has the form of the last attempts in `la:<endpoint>`.
local RECENT = 50
local at = 1
local function next()
  at = at + 1
  return ARGV[at - 1]
end

local exists_tenant = call('HEXISTS', T, ':v') == 1
while at <= #ARGV do
  local endpoint = next()
  local is_kept = exists_tenant and (endpoint == '' or exists(endpoint))
  local recent = tonumber(next())
  if is_kept and recent > 0 then
    local key = B .. 'la:' .. endpoint
    call('RPUSH', key, unpack(ARGV, at, at + recent - 1))
    call('LTRIM', key, -RECENT, -1)
  end
  at = at + recent
  for _ = 1, tonumber(next()) do
    local minute, counter, number = tonumber(next()), next(), tonumber(next())
    if is_kept then add_minute(endpoint, minute, counter, number) end
  end
end
