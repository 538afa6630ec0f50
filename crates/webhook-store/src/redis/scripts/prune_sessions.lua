-- ARGV: a time, and the maximum. Deletes sessions that ended before. Returns 1 if there may be more.
local hashes = redis.call('ZRANGEBYSCORE', B .. 'ses:end', '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, hash in ipairs(hashes) do
  drop_session(hash)
  redis.call('ZREM', B .. 'ses:end', hash)
end
return #hashes == tonumber(ARGV[2]) and 1 or 0
