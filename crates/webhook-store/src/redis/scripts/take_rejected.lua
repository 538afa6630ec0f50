-- KEYS[1]: the index of tenants. ARGV: id. Returns its value, or false.
local B = string.sub(KEYS[1], 1, -2)
local value = redis.call('HGET', B .. 'rv', ARGV[1])
if not value then return false end
redis.call('HDEL', B .. 'rv', ARGV[1])
redis.call('ZREM', B .. 'r', ARGV[1])
redis.call('ZREM', B .. 'r:' .. string.match(value, '^%S*'), ARGV[1])
return value
