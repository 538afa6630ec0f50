-- KEYS[1]: the index of tenants. ARGV: id, name, hash, JSON, and the most keys.
-- Returns 1 if it was added, 0 if one has its id, name or hash, and -1 if there are too many.
local B = string.sub(KEYS[1], 1, -2)
local id, name, hash = ARGV[1], ARGV[2], ARGV[3]
if #redis.call('HKEYS', B .. 'key') >= tonumber(ARGV[5]) then return -1 end
if redis.call('HEXISTS', B .. 'key', id) == 1 or redis.call('HEXISTS', B .. 'key:name', name) == 1
  or redis.call('HEXISTS', B .. 'key:hash', hash) == 1 then return 0 end
redis.call('HSET', B .. 'key', id, ARGV[4])
redis.call('HSET', B .. 'key:name', name, id)
redis.call('HSET', B .. 'key:hash', hash, id)
return 1
