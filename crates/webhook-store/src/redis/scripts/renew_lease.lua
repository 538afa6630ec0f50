-- KEYS[1]: the index of tenants. ARGV: incarnation, value. Returns 0 if the lease was removed.
local owners = string.sub(KEYS[1], 1, -2) .. 'o'
if redis.call('HEXISTS', owners, ARGV[1]) == 0 then return 0 end
redis.call('HSET', owners, ARGV[1], ARGV[2])
return 1
