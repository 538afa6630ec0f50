-- ARGV: id, tenant or '', JSON, the number to keep, and the most to delete.
local id, tenant = ARGV[1], ARGV[2]
local list = B .. 'aud:ids:' .. tenant
local before = redis.call('HGET', B .. 'aud', id)
redis.call('HSET', B .. 'aud', id, tenant .. ' ' .. ARGV[3])
if before then
  local old = string.match(before, '^%S*')
  if old ~= tenant then redis.call('ZREM', B .. 'aud:ids:' .. old, id) end
end
redis.call('ZADD', B .. 'aud:ids', 0, id)
redis.call('ZADD', list, 0, id)
local excess = math.min(redis.call('ZCARD', list) - tonumber(ARGV[4]), tonumber(ARGV[5]))
if excess > 0 then
  for _, oldest in ipairs(redis.call('ZRANGE', list, 0, excess - 1)) do drop_entry(oldest) end
end
return 1
