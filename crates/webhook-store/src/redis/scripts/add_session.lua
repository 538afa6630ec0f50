-- KEYS[1]: the index of tenants. ARGV: hash, id, key, tenant or '', end, JSON, and the most sessions of a
-- tenant. Returns 1, or 0 if the tenant has too many.
local B = string.sub(KEYS[1], 1, -2)
local hash, id, tenant = ARGV[1], ARGV[2], ARGV[4]
if tenant ~= '' and redis.call('ZCARD', B .. 'ses:of:' .. tenant) >= tonumber(ARGV[7]) then
  return 0
end
redis.call('HSET', B .. 'ses', hash, ARGV[6])
redis.call('HSET', B .. 'ses:id', id, hash)
redis.call('ZADD', B .. 'ses:end', ARGV[5], hash)
redis.call('SADD', B .. 'ses:by:' .. ARGV[3], hash)
if tenant ~= '' then redis.call('ZADD', B .. 'ses:of:' .. tenant, 0, id) end
return 1
