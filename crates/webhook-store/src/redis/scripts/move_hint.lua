-- KEYS[1]: the index of tenants. ARGV: tenant, its hint, its new hint or ''.
-- Returns 1 if the hint was moved.
local hints = string.sub(KEYS[1], 1, -2) .. 'due'
if redis.call('ZSCORE', hints, ARGV[1]) ~= ARGV[2] then return 0 end
-- A full server rejects ZADD and accepts ZREM: a hint could be removed and not restored.
redis.call('ZADD', hints, ARGV[3] == '' and ARGV[2] or ARGV[3], ARGV[1])
if ARGV[3] == '' then redis.call('ZREM', hints, ARGV[1]) end
return 1
