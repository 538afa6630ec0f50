-- KEYS[1]: the index of tenants. ARGV: hash, JSON before and after, end.
-- Returns 1, or 0 if the session is another one now.
local B = string.sub(KEYS[1], 1, -2)
if redis.call('HGET', B .. 'ses', ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', B .. 'ses', ARGV[1], ARGV[3])
redis.call('ZADD', B .. 'ses:end', ARGV[4], ARGV[1])
return 1
