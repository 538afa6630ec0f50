-- KEYS[1]: the index of tenants. ARGV: tenant, version. Calls may arrive out of order.
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '-1')
if tonumber(ARGV[2]) > before then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1
