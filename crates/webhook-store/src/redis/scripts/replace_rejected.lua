-- KEYS[1]: the index of tenants. ARGV: id, the value it has, the value to set. Returns 1 if it was replaced.
local values = string.sub(KEYS[1], 1, -2) .. 'rv'
if redis.call('HGET', values, ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', values, ARGV[1], ARGV[3])
return 1
