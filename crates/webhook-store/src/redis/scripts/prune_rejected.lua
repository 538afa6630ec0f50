-- KEYS[1]: the index of tenants. ARGV: before, maximum, and a tenant, or '' for all.
-- Returns {number, 1 if there may be more}.
local B = string.sub(KEYS[1], 1, -2)
local list = ARGV[3] == '' and B .. 'r' or B .. 'r:' .. ARGV[3]
local ids = redis.call('ZRANGEBYSCORE', list, '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  local value = redis.call('HGET', B .. 'rv', id)
  redis.call('HDEL', B .. 'rv', id)
  redis.call('ZREM', B .. 'r', id)
  redis.call('ZREM', B .. 'r:' .. string.match(value or '', '^%S*'), id)
end
return { #ids, #ids == tonumber(ARGV[2]) and 1 or 0 }
