-- KEYS[1]: the index of tenants. ARGV: tenant, version.
-- With a version: hides the tenant, and records that no later tenant of its id may start below that
-- version. Without: removes a hidden tenant.
local B = string.sub(KEYS[1], 1, -2)
if ARGV[2] ~= '' then
  local highest = tonumber(redis.call('GET', B .. 'v') or '0')
  if tonumber(ARGV[2]) > highest then redis.call('SET', B .. 'v', ARGV[2]) end
  redis.call('HSET', KEYS[1], ARGV[1], '0')
elseif redis.call('HGET', KEYS[1], ARGV[1]) == '0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('ZREM', B .. 'due', ARGV[1])
end
return 1
