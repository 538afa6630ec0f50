-- KEYS[1]: the index of tenants. ARGV: name, incarnation.
local B = string.sub(KEYS[1], 1, -2)
redis.call('HDEL', B .. 'o', ARGV[2])
if redis.call('HGET', B .. 'n', ARGV[1]) == ARGV[2] then redis.call('HDEL', B .. 'n', ARGV[1]) end
return 1
