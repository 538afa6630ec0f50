-- KEYS[1]: the index of tenants, from which the keys of owners are derived. ARGV: name, incarnation,
-- value, now, the incarnation that is known to be gone, or ''. A value begins with the end of its lease.
-- Returns {'entered'}, or {incarnation, value} of the owner that has the name.
local B = string.sub(KEYS[1], 1, -2)
local owners, names = B .. 'o', B .. 'n'
local before = redis.call('HGET', names, ARGV[1])
local value = before and before ~= ARGV[2] and redis.call('HGET', owners, before)
if value then
  local ends = tonumber(string.match(value, '^%d+'))
  if ends > tonumber(ARGV[4]) and before ~= ARGV[5] then return { before, value } end
end
-- HSET first: a full server rejects it, but would accept HDEL.
redis.call('HSET', names, ARGV[1], ARGV[2])
redis.call('HSET', owners, ARGV[2], ARGV[3])
if value then redis.call('HDEL', owners, before) end
return { 'entered' }
