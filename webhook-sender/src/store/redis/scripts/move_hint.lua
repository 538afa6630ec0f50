-- KEYS[1]: the index of tenants. ARGV: tenant, where it was, where it goes or ''.
-- Answers 1 if it was moved.
local hints = string.sub(KEYS[1], 1, -2) .. 'due'
if redis.call('ZSCORE', hints, ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('ZREM', hints, ARGV[1])
else
  redis.call('ZADD', hints, ARGV[3], ARGV[1])
end
return 1
