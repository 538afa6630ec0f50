-- ARGV: a tenant, and the maximum. Ends sessions of its portal. Returns 1 if there may be more.
local ids = redis.call('ZRANGE', B .. 'ses:of:' .. ARGV[1], 0, tonumber(ARGV[2]) - 1)
for _, id in ipairs(ids) do
  local hash = redis.call('HGET', B .. 'ses:id', id)
  if hash then drop_session(hash) end
  redis.call('ZREM', B .. 'ses:of:' .. ARGV[1], id)
end
return #ids == tonumber(ARGV[2]) and 1 or 0
